"""What happens to a training when the machine turns on it: real signals, a really full disk."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pandas as pd
import psutil
import pytest

from pipeline.record.address import Address
from pipeline.record.recorder import wait_until_uploaded
from pipeline.record.spool import Spool

from .project import TINY, clone_project, in_terminal
from .record.study import kill_recorders
from .small_disk import unshared

pytestmark = pytest.mark.study

TRAIN = [sys.executable, "-m", "pipeline", "train", "dnn"]
INGEST = [sys.executable, "-m", "pipeline", "ingest"]
EPOCHS = 16
KILLED_IN = (0, 5, EPOCHS - 3)
"""Epochs after which it is killed: while it writes its first checkpoint, early, and late."""

UNRECORDED = {"IMAGE_SENTIMENT_TRACKING": "off"}
"""For trainings whose record nobody looks at: it costs as much as they do."""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    changes = {"sample": {"unlabelled": 0}, "train": {"dnn": {"epochs": EPOCHS}}}
    folder = tmp_path_factory.mktemp("faults") / "image-sentiment"
    project = clone_project(folder, {**TINY, **changes})
    project.environment |= {"OMP_NUM_THREADS": "1", "TMPDIR": str(folder.parent)}
    run(project, "dvc", "repro", "split")
    return project


@pytest.fixture(scope="module")
def uninterrupted(project):
    """The weights that a training ends with when nothing happens to it."""
    run(project, *TRAIN)
    return weights(project)


@pytest.fixture(autouse=True)
def cleared(project):
    """Each test starts without checkpoints, and leaves none half-written."""
    yield
    assert not list(project.folder.glob(".checkpoints/*/*.part"))
    shutil.rmtree(project.folder / ".checkpoints", ignore_errors=True)


def run(project, *command):
    """A command that leaves no record."""
    return project.run(*command, **UNRECORDED)


def weights(project):
    return (project.folder / "artifacts/train/dnn/weights.safetensors").read_bytes()


def checkpoints(project):
    return sorted((project.folder / ".checkpoints" / "train-dnn").glob("*.pt"))


@contextmanager
def training(project, command=TRAIN, **environment):
    """A training under way."""
    with in_terminal(
        command, cwd=project.folder, env=project.environment | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        yield process


def until(condition, process, seconds=240):
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def runs(project):
    address = Address(f"sqlite:///{project.folder / 'mlflow.db'}", "image-sentiment")
    assert not wait_until_uploaded(Spool(project.folder), address, 400)
    client, found = project.recorded("attributes.run_name = 'train@dnn'")
    return client, {run.info.run_id: run for run in found}


def test_killed_at_any_moment_it_ends_with_the_same_weights(project, uninterrupted):
    _, before = runs(project)
    for epoch in KILLED_IN:
        reached = epoch_of(checkpoints(project))
        with training(project) as process:
            if epoch:
                until(lambda epoch=epoch: epoch_of(checkpoints(project)) >= epoch, process)
            else:
                folder = project.folder / ".checkpoints" / "train-dnn"
                until(lambda folder=folder: list(folder.glob("*-*.part")), process)
            assert process.poll() is None, process.communicate()[0]
            process.kill()
        assert epoch_of(checkpoints(project)) >= max(reached, epoch)
    newest = checkpoints(project)[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1  # in the middle of a weight
    newest.write_bytes(content)
    assert f"{newest.name} is damaged" in project.run(*TRAIN)
    assert weights(project) == uninterrupted
    history = pd.read_csv(project.folder / "artifacts/train/dnn/history.csv")
    assert list(history["epoch"]) == list(range(1, EPOCHS + 1))
    client, after = runs(project)
    (run,) = [after[key] for key in after.keys() - before.keys()]
    assert run.info.status == "FINISHED"
    points = client.get_metric_history(run.info.run_id, "validation_loss")
    told = [point.step for point in points if point.step]
    assert set(told) == set(range(1, EPOCHS + 1))
    # A kill costs an epoch, and never all before it; so does the damage.
    assert len(told) <= EPOCHS + len(KILLED_IN) + 1


def epoch_of(found):
    return max((int(path.stem.split("-")[1]) for path in found), default=0)


def test_whoever_stops_it_finds_a_checkpoint_and_nothing_left_running(project, uninterrupted):
    _, before = runs(project)
    for epoch, told in [(3, "SIGTERM"), (6, "Ctrl-C"), (9, "Ctrl-C to dvc repro")]:
        command = ["dvc", "repro", "-f", "train@dnn", "-s"] if "dvc" in told else TRAIN
        with training(project, command) as process:
            until(lambda epoch=epoch: epoch_of(checkpoints(project)) >= epoch, process)
            family = psutil.Process(process.pid).children(recursive=True)
            asked = time.monotonic()
            if told == "SIGTERM":
                process.terminate()
            else:
                os.killpg(process.pid, signal.SIGINT)
            said, _ = process.communicate(timeout=60)
            stages = [each for each in family if not is_recorder(each)]
            _, alive = psutil.wait_procs(stages, timeout=1)
            assert time.monotonic() - asked < 5, said
            assert not alive
        assert process.returncode != 0
        assert "Traceback" not in said
        assert epoch_of(checkpoints(project)) >= epoch
        _, after = runs(project)
        (run,) = [after[key] for key in after.keys() - before.keys()]  # each time the same
        assert run.info.status == "KILLED"
    project.run("dvc", "repro", "-f", "-s", "train@dnn")  # no lock is in its way
    assert weights(project) == uninterrupted
    _, again = runs(project)
    assert again[run.info.run_id].info.status == "FINISHED"
    assert again.keys() == after.keys()
    assert not [each for each in psutil.process_iter() if works_in(each, project.folder)]


def is_recorder(process):
    with suppress(psutil.NoSuchProcess):
        return "pipeline.record" in process.cmdline()
    return False


def works_in(process, folder):
    """Whether a process of the study, the recorder that is about to leave excepted, is there."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.cwd() == str(folder) and not is_recorder(process)
    return False


def test_a_record_that_never_answers_holds_no_training_up(project, uninterrupted):
    _, before = runs(project)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)  # connections are accepted, and never a word is said
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        away = {"MLFLOW_TRACKING_URI": address, "MLFLOW_HTTP_REQUEST_TIMEOUT": "600"}
        with training(project, **away) as process:
            said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
        assert weights(project) == uninterrupted
        kept = list((project.folder / ".record").rglob("run.json"))
        assert any(address in path.read_text() for path in kept)
        wait = (sys.executable, "-m", "pipeline.record", "wait", "--timeout", "1")
        assert "not uploaded" in project.run(*wait, expect=1, **away)
        kill_recorders(project.folder)
    _, after = runs(project)  # MLflow is back
    (run,) = [after[key] for key in after.keys() - before.keys()]
    assert run.info.status == "FINISHED"


# A full disk


def mounted(project, folder, mount, command=TRAIN, then="", **environment):
    """What a stage prints that has another disk for a folder, in a mount namespace of its own."""
    place = project.folder / folder
    place.mkdir(parents=True, exist_ok=True)
    script = f"""
        mount {mount} '{place}' || exit 99
        cd '{project.folder}'
        {" ".join(command)}; echo "ended with $?"
        ls '{place}'
        {then}
    """
    done = unshared(script, project.environment | environment)
    return done.stdout, done.stderr


def small(size):
    return f"-t tmpfs -o size={size} tmpfs"


def one_line(errors, *said):
    lines = [line for line in errors.replace("\r", "\n").splitlines() if "error:" in line]
    assert len(lines) == 1, errors
    assert "Traceback" not in errors
    for text in said:
        assert text in lines[0]


def test_a_full_disk_spares_the_last_checkpoint(project, uninterrupted):
    again = f"mount -o remount,size=1g tmpfs .checkpoints; {' '.join(TRAIN)}; echo then $?"
    printed, errors = mounted(project, ".checkpoints", small("40m"), then=again, **UNRECORDED)
    _, then = printed.split("ended with 1\n")
    assert "then 0" in then
    one_line(errors, f"no space left on the disk of {project.folder / '.checkpoints'}")
    assert weights(project) == uninterrupted
    resumed = errors.split("error:")[1]
    assert "epoch 1," not in resumed
    assert f"epoch {EPOCHS}," in resumed


@pytest.mark.parametrize(("folder", "size"), [("artifacts/train/dnn", "1m"), (".record", "16k")])
def test_a_full_disk_under_results_or_the_record_is_one_line(project, folder, size):
    record = {} if folder == ".record" else UNRECORDED
    printed, errors = mounted(project, folder, small(size), **record)
    assert "ended with 1\n" in printed
    one_line(errors, f"no space left on the disk of {project.folder / folder}")
    assert ".part" not in printed


@pytest.mark.parametrize("size", ["4k", "16k", "400k"])
def test_a_full_disk_under_the_faces_is_one_line_and_leaves_nothing(project, size):
    printed, errors = mounted(project, "data/faces", small(size), INGEST, **UNRECORDED)
    assert printed == "ended with 1\n"
    one_line(errors, f"no space left on the disk of {project.folder / 'data/faces'}")


def test_a_folder_that_may_not_be_written_is_one_line(project):
    folder = project.folder / "artifacts/train/dnn"
    read_only = f"--bind '{folder}' '{folder}' && mount -o remount,bind,ro"
    printed, errors = mounted(project, "artifacts/train/dnn", read_only, **UNRECORDED)
    assert "ended with 1" in printed
    what_to_do = "Read-only file system; the project's folder should be yours to write"
    one_line(errors, f"{folder}/", what_to_do)
