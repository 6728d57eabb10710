"""The one kind of error that a user can cause, and how a stage ends on it."""


class UserError(Exception):
    """Something the user can mend: the message names the thing, its value, what is allowed.

    A stage that meets one prints the message in one line and exits with status 1, without a
    traceback (see `pipeline.shell`).
    """
