"""The report: everything the study found, on one page that needs nothing else.

`content` says what the page is made of and `reading` gets that from the stages' files; `verdicts`,
`sentences` and `tables` put it into words and rows; `page` makes HTML of it, and `terminal` a short
table.
"""
