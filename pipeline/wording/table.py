"""Rows of the tables that compare both models."""

from typing import NamedTuple


class Cell(NamedTuple):
    """A figure, and what is printed small beneath it."""

    text: str
    beneath: str = ""


class Row(NamedTuple):
    """One property of both models."""

    name: str
    cnn: Cell
    dnn: Cell
