"""How figures are put into words: numbers as people read them, and what intervals show."""
