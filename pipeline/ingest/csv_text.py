"""Small CSV files, which are read as a whole: lists and votes, not faces."""

import csv
import io

from pipeline.errors import UserError


def read_lines(text: str, name: str) -> tuple[list[str], list[list[str]]]:
    """The columns' names in small letters, and all lines that are not blank.

    Args:
        text: of the file, with any line ends.
        name: of the file, for errors.

    Raises:
        UserError: it is no CSV.
    """
    try:
        lines = list(csv.reader(io.StringIO(text, newline=None), skipinitialspace=True))
    except csv.Error as error:
        raise UserError(f"{name}: is no CSV: {error}; mend or remove it") from None
    header, *rows = [line for line in lines if "".join(line).strip()]
    return [column.strip().lower() for column in header], rows
