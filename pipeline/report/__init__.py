"""Stage `report`: everything that the study found, on one page that needs no other file.

The parts of the page lie in the stages' folders; `page` puts them together.
"""
