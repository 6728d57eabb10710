"""What `make` asks of pip, what pyproject.toml asks for, and what constraints.txt pins."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .conftest import ROOT
from .imports import names_in

MAKE = shutil.which("make") or ""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M))
PINS = {canonicalize_name(name): version for name, version in PINS.items()}
TORCH = PINS["torch"]
INDEX = "https://download.pytorch.org/whl/cpu"
OTHER_NAMES = {
    "cv2": "opencv-python-headless",
    "PIL": "pillow", "ruamel": "ruamel.yaml", "skimage": "scikit-image", "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}  # fmt: skip

PYTHON = """#!/bin/sh
# A Python that makes environments of itself, and whose pip writes down what it is asked.
case "$*" in
*ensurepip*) exit 0 ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip"*)
    shift 3
    echo "$*" >>asked
    site=.venv/lib/python3.11/site-packages
    case "$*" in
    index*) echo "Available versions: $(cat has)" ;;
    *uninstall*torch*) rm -r $site/torch-* ;;
    *torch==*) mkdir -p "$site/torch-${*##*==}.dist-info" ;;
    esac ;;
*) exit 1 ;;
esac
"""
FIRST = [
    f"index versions --retries 0 --timeout 5 --index-url {INDEX} torch",
    f"install --retries 3 --timeout 15 --no-deps --index-url {INDEX} torch=={TORCH}+cpu",
]
STUDY = "install --editable ."

pytestmark = pytest.mark.skipif(not MAKE, reason="no make here")
without_a_driver = pytest.mark.skipif(
    Path("/proc/driver/nvidia").exists(), reason="this machine has an NVIDIA driver"
)


class Machine:
    """A folder with the Makefile, on a machine that has nothing but what is put on it."""

    def __init__(self, folder: Path):
        self.folder, self.programs = folder, folder / "bin"
        self.programs.mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)
        for tool in ("sh", "sed", "grep", "touch", "uname", "mkdir", "cp", "cat", "rm"):
            (self.programs / tool).symlink_to(shutil.which(tool))
        self.put("python3.11", PYTHON)
        self.index_has(f"{TORCH}+cpu")

    def put(self, name: str, text: str = "#!/bin/sh\n") -> None:
        (self.programs / name).unlink(missing_ok=True)
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def index_has(self, versions: str) -> None:
        (self.folder / "has").write_text(versions)

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [MAKE, "--no-print-directory", *words], cwd=self.folder, text=True,
            env={"PATH": str(self.programs)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def asked(self, *words: str) -> list[str]:
        """What pip is asked by `make WORDS`, without what every call has."""
        asked = self.folder / "asked"
        asked.unlink(missing_ok=True)
        done = self.make(*words)
        assert done.returncode == 0, done.stdout
        lines = asked.read_text().splitlines() if asked.exists() else []
        common = r" ?(--quiet|--disable-pip-version-check|--constraint constraints.txt)"
        return [re.sub(common, "", line).strip() for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@without_a_driver
def test_without_a_driver_torch_comes_without_cuda(machine):
    assert machine.asked(".venv/installed") == [*FIRST, STUDY]
    assert machine.asked(".venv/installed") == []


@without_a_driver
def test_with_a_driver_on_a_mac_and_where_it_is_said_pypi_s_torch_is_installed(machine):
    assert machine.asked(".venv/installed", "TORCH=cuda") == [STUDY]
    machine.put("uname", "#!/bin/sh\necho Darwin\n")
    assert machine.asked(".venv/installed", "--always-make") == [STUDY]
    machine.put("uname", "#!/bin/sh\necho Linux\n")
    machine.put("nvidia-smi")
    assert machine.asked(".venv/installed", "--always-make") == [STUDY]


def test_the_other_build_is_asked_for_by_name_and_takes_the_first_one_s_place(machine):
    machine.put("nvidia-smi")
    assert machine.asked(".venv/installed", "TORCH=cpu") == [*FIRST, STUDY]
    assert machine.asked(".venv/installed") == []  # what was chosen once stays
    assert machine.asked(".venv/installed", "TORCH=cuda") == ["uninstall --yes torch", STUDY]
    assert machine.asked(".venv/installed", "TORCH=cuda") == []


def test_where_the_index_has_no_such_torch_one_line_says_what_comes_instead(machine):
    for has in ("", "1.9.0+cpu"):
        machine.index_has(has)
        asked = machine.asked(".venv/installed", "TORCH=cpu", "--always-make")
        assert asked == [FIRST[0], STUDY]
    said = machine.make(".venv/installed", "TORCH=cpu").stdout
    (line,) = [line for line in said.splitlines() if line.startswith("torch ")]
    assert INDEX in line
    assert "PyPI" in line


def test_an_unknown_build_and_a_missing_python_are_a_line_each(machine):
    said = machine.make(".venv/installed", "TORCH=gpu").stdout
    assert "TORCH is 'gpu': allowed are cpu and cuda" in said
    machine.put("python3.11", "#!/bin/sh\nexit 127\n")  # as pyenv's of a version not chosen
    said = machine.make(".venv/installed").stdout
    assert "no Python 3.11, 3.12 or 3.13" in said
    assert "PYTHON=" in said
    assert not (machine.folder / "asked").exists()
    machine.put("python3.12", PYTHON)
    assert STUDY in machine.asked(".venv/installed")


def test_the_study_is_installed_without_what_tests_and_browsers_need(machine):
    machine.asked(".venv/installed")
    for target in ("quick", "check"):
        said = machine.make("--dry-run", target, "CHROMIUM=").stdout
        assert "[dev]" in said
        assert "[browser]" not in said
    assert "[" not in machine.make("--dry-run", "study").stdout.replace("[@]", "")
    assert machine.asked(".venv/installed-for-tests", "CHROMIUM=") == ["install --editable .[dev]"]
    assert machine.asked(".venv/installed-for-tests", "CHROMIUM=/usr/bin/chromium") == [
        "install --editable .[browser]", "install --editable .[dev]",
    ]  # fmt: skip


def requirements(*extras: str) -> list[Requirement]:
    groups = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][name] for name in extras)]
    return [Requirement(line) for group in groups for line in group]


def test_every_dependency_is_pinned_within_its_bounds_and_what_breaks_the_server_is_not():
    for asked in requirements(*PROJECT["optional-dependencies"]):
        pin = PINS.get(canonicalize_name(asked.name))
        assert pin, f"constraints.txt does not pin {asked.name}: make constraints"
        assert asked.specifier.contains(pin), f"constraints.txt: {asked.name}=={pin}, not {asked}"
    bounds = {asked.name: asked.specifier for asked in requirements()}
    assert not bounds["sqlalchemy"].contains("2.1.0")  # scheduled runs are never created
    assert not bounds["fastapi"].contains("0.155.0")  # the server does not start
    assert Requirement(f"torch=={TORCH}").specifier.contains(f"{TORCH}+cpu")


def test_the_code_imports_what_it_asks_for_and_asks_for_what_it_imports():
    files = [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "flows").rglob("*.py")]
    found = (name for file in files for name in names_in(ast.parse(file.read_text()), []))
    names = {name.split(".")[0] for name in found} - sys.stdlib_module_names - {"pipeline", "flows"}
    imported = {OTHER_NAMES.get(name, name) for name in names}
    needed = {one.name for one in requirements()}
    assert needed - imported == {"sqlalchemy"}  # only bounded, for Prefect
    assert imported - needed <= {one.name for one in requirements("cluster", "onnx")}
