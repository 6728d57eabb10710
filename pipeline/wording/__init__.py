"""How figures are put into words: numbers as people read them, what an interval lets one say."""
