"""The one kind of error that a user can cause, and how a stage ends on it."""


class UserError(Exception):
    """Something the user can mend: the message names the thing, its value, what is allowed.

    A stage or a command that meets one prints the message in one line and exits with status 1,
    without a traceback (see `pipeline.command`).
    """

    def __str__(self) -> str:
        """The message in one line, whatever the name of a file in it has."""
        return printable(super().__str__())


def printable(text: str) -> str:
    """A text in which what would move the cursor, or is no text, is written out."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
