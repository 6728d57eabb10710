"""The report: everything the study found, on one page that needs nothing else.

`content` says what the page is made of, `reading` gets that from the stages' files, `sentences`
and `tables` put it into words and rows, `page` makes HTML of it, `terminal` a short table.
"""
