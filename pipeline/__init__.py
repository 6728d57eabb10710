"""The study: from a file of 48x48 grey faces to a report on what a network makes of them."""
