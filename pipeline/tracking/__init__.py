"""The record of every stage that ran: a journal on disk, shipped to MLflow by a recorder.

A stage appends to its journal (`journal`) and never imports MLflow, which would cost it seconds and
could be away. One recorder a workspace (`recorder`) tails the journals and ships them, live.
"""
