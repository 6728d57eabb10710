"""Where the record is kept on disk, and which MLflow it goes to."""

import hashlib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

SWITCH = "IMAGE_SENTIMENT_TRACKING"
"""Environment variable; `off` makes every stage run without a record."""

URI = "MLFLOW_TRACKING_URI"
EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"

EVENTS = "events.jsonl"
"""In a journal's folder: one event a line."""

FILES = "files"
"""In a journal's folder: copies of what is to be kept."""


def is_off() -> bool:
    """Whether the user wants no record."""
    return os.environ.get(SWITCH, "").lower() == "off"


def find_root() -> Path:
    """The workspace that keeps the record.

    DVC_ROOT comes first: `dvc exp run --temp` starts a stage in a copy that it deletes afterwards,
    and only this variable still names the real workspace.
    """
    if root := os.environ.get("DVC_ROOT"):
        return Path(root).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if _is_project(folder)), here)


def _is_project(folder: Path) -> bool:
    return (folder / "dvc.yaml").is_file()


@dataclass(frozen=True)
class Address:
    """An MLflow, and the experiment in it that holds the runs."""

    uri: str
    experiment: str

    @property
    def digest(self) -> str:
        """A short name for files that belong to this address, whoever's password it has."""
        return digest(f"{without_secrets(self.uri)}\n{self.experiment}")

    @property
    def public(self) -> "Address":
        """As it may stand in a file: without user and password."""
        return replace(self, uri=without_secrets(self.uri))

    @property
    def private(self) -> "Address":
        """With the user and the password that the environment has for this place, if any."""
        known = os.environ.get(URI, "")
        return replace(self, uri=known) if without_secrets(known) == self.uri else self

    def __str__(self) -> str:
        return f"{without_secrets(self.uri)} ({self.experiment})"


def find_address(root: Path) -> Address:
    """Where the environment wants the record; by default the database that `mlflow ui` opens."""
    uri = os.environ.get(URI) or f"sqlite:///{root / 'mlflow.db'}"
    return Address(uri, os.environ.get(EXPERIMENT) or "image-sentiment")


@dataclass(frozen=True)
class Desk:
    """The folder in a workspace where journals lie until they are shipped."""

    root: Path

    @property
    def folder(self) -> Path:
        """`.tracking`, readable by its owner only."""
        folder = self.root / ".tracking"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def journals(self) -> Path:
        """One folder a stage process."""
        return self._part("journals")

    @property
    def parents(self) -> Path:
        """One file for each parent run that is still open; only a recorder writes here."""
        return self._part("parents")

    @property
    def reproductions(self) -> Path:
        """One file for each reproduction that said its beginning or its end itself."""
        return self._part("reproductions")

    @property
    def log(self) -> Path:
        """What recorders print."""
        return self.folder / "recorder.log"

    def lock(self, address: Address) -> Path:
        """Held by the one recorder that ships to this address."""
        return self.folder / f"recorder-{address.digest}.lock"

    def trouble(self, address: Address) -> Path:
        """Why the recorder's last attempt failed, in one line; missing while all goes well."""
        return self.folder / f"trouble-{address.digest}.txt"

    def _part(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


SECRETS = "pass|pwd|token|secret|key|credential|signature"
"""Parts of the names of an address's arguments whose values nobody shall read."""


def digest(text: str) -> str:
    """A file name and search key for any text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def without_secrets(text: str) -> str:
    """The text with user, password and secret arguments cut out of every address in it."""
    text = re.sub(r"://[^/\s]*@", "://", text)
    return re.sub(rf"([?&][^=&\s]*(?:{SECRETS})[^=&\s]*=)[^&\s]*", r"\1...", text, flags=re.I)
