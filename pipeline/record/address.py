"""Which MLflow the record goes to, and how its address is shown: without user and password."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

SWITCH = "IMAGE_SENTIMENT_TRACKING"
"""Environment variable; `off` makes every stage run without a record."""

URI = "MLFLOW_TRACKING_URI"
EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"

FOLDERS = "MLFLOW_ALLOW_FILE_STORE"
"""MLflow's own variable; without it MLflow takes a folder as its address no more."""

SECRETS = "pass|pwd|token|secret|key|credential|signature"
"""Parts of the names of an address's arguments whose values are not shown."""

LONGEST_ERROR = 500
"""Characters of an error that are kept."""


@dataclass(frozen=True)
class Address:
    """An MLflow, without user and password, and the experiment in it that holds the runs."""

    uri: str
    experiment: str

    @property
    def digest(self) -> str:
        """A short name for files that belong to this address."""
        return digest(f"{self.uri}\n{self.experiment}")

    @property
    def private_uri(self) -> str:
        """With the user and the password that the environment has for this place, if any."""
        known = os.environ.get(URI, "")
        return known if without_secrets(known) == self.uri else self.uri

    @property
    def refusal(self) -> str:
        """Why MLflow takes nothing here, however long one waits; empty if it may."""
        scheme = re.match(r"([a-z][a-z0-9+.-]*):", self.uri, re.I)
        is_folder = (not scheme or scheme[1].lower() == "file") and self.uri != "databricks"
        if not is_folder or os.environ.get(FOLDERS, "").lower() in ("true", "1"):
            return ""
        return (
            f"{URI} = {self.uri}: MLflow takes folders no more; name a database, such as "
            f"sqlite:///mlflow.db, or set {FOLDERS}=true"
        )

    def __str__(self) -> str:
        return f"{self.uri} ({self.experiment})"


def find_address(root: Path) -> Address:
    """Where the environment wants the record; by default the database that `mlflow ui` opens."""
    uri = os.environ.get(URI) or f"sqlite:///{root / 'mlflow.db'}"
    return Address(without_secrets(uri), os.environ.get(EXPERIMENT) or "image-sentiment")


def find_root() -> Path:
    """The workspace that keeps the spool.

    DVC_ROOT comes first: `dvc exp run --temp` starts a stage in a copy that it deletes afterwards,
    and only this variable still names the real workspace.
    """
    if root := os.environ.get("DVC_ROOT"):
        return Path(root).resolve()
    here = Path.cwd()
    return next((each for each in (here, *here.parents) if (each / "dvc.yaml").is_file()), here)


def is_off() -> bool:
    """Whether the user wants no record."""
    return os.environ.get(SWITCH, "").lower() == "off"


def digest(text: str) -> str:
    """A file name and search key for any text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def without_secrets(text: str) -> str:
    """The text with user, password and secret arguments cut out of every address in it."""
    text = re.sub(r"://[^/\s]*@", "://", text)
    return re.sub(rf"([?&][^=&\s]*(?:{SECRETS})[^=&\s]*=)[^&\s]*", r"\1...", text, flags=re.I)


def one_line(error: BaseException) -> str:
    """An error as a person reads it in a list, without secrets."""
    return without_secrets(" ".join(f"{type(error).__name__}: {error}".split()))[:LONGEST_ERROR]
