"""What a failed call to MLflow means: never again, later, or nobody knows."""

from pipeline.tracking.places import without_secrets

LONGEST = 300
"""Characters of a reason that are shown."""


def is_final(error: Exception) -> bool:
    """Whether MLflow will never take this."""
    return getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE"


def is_temporary(error: Exception) -> bool:
    """Whether trying again later can help: the database is busy, the disk full, access denied."""
    return getattr(error, "error_code", None) in (
        "TEMPORARILY_UNAVAILABLE",
        "REQUEST_LIMIT_EXCEEDED",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
    ) or (isinstance(error, OSError) and not isinstance(error, FileNotFoundError))


def one_line(error: BaseException) -> str:
    """An error as a person reads it in a list."""
    return without_secrets(" ".join(f"{type(error).__name__}: {error}".split()))[:LONGEST]
