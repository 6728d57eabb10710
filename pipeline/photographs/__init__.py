"""Stage `photographs`: which faces show one photograph, and how far their labels agree."""
