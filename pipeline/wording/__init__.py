"""How figures are put into words: numbers as people read them, and what an interval lets one say."""
