"""`python -m pipeline.predict`: answers as they come, and one clear line where there are none."""

import json
import os
import pty
import shutil
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from pipeline import layout
from pipeline.detection.crops import crop_faces
from pipeline.detection.detector import find_faces
from pipeline.detection.pictures import read_picture, to_grey
from pipeline.dvc_yaml import choosing_files
from pipeline.errors import UserError
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import load_classifier
from pipeline.params import load
from pipeline.predict.__main__ import Status, main
from pipeline.predict.explanation import PAPER, file_name
from pipeline.predict.inputs import read_frames
from pipeline.predict.model import DRAWN, load_recogniser
from pipeline.stale import EMPTY
from pipeline.statistics.champion import name_faces
from pipeline.weights import card

from ..conftest import ROOT
from ..detection.photos import PHOTO, nobody, photo
from ..imports import modules_loaded
from .model import save_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def said(model, tmp_path, monkeypatch, capsys):
    """What the command says of files in an empty folder: its status, its lines, its errors."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)

    def ask(*words):
        try:
            status = main(["--model", str(model), *map(str, words)])
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return ask


def of_json(lines):
    return [json.loads(line) for line in lines]


def test_a_face_has_a_box_an_expression_and_probabilities(said, model):
    status, lines, errors = said(PHOTO, "--json", "--not-sure", 0)
    assert (status, errors) == (Status.DONE, [])
    (answer,) = of_json(lines)
    assert answer["picture"] == str(PHOTO)
    (face,) = answer["faces"]
    grey = to_grey(read_picture(PHOTO))
    (box,) = find_faces(grey)
    assert face["box"] == {name: round(value) for name, value in box._asdict().items()}
    # Those of the network, of the crop, as the evaluation computes them.
    tta = load().evaluate.tta
    (probabilities,) = predict_probabilities(load_classifier(model), crop_faces(grey, [box]), tta)
    assert list(face["probabilities"]) == list(EXPRESSIONS)
    assert [*face["probabilities"].values()] == pytest.approx([*probabilities], abs=1e-4)
    order = np.argsort(-probabilities)
    assert face["likeliest"] == [EXPRESSIONS[each] for each in order[:2]]
    assert face["expression"] == EXPRESSIONS[order[0]]


def test_below_the_threshold_it_is_not_sure_and_names_the_two_likeliest(said):
    _, (_, sure), _ = said(PHOTO, "--not-sure", 0)
    _, (heading, unsure), _ = said(PHOTO, "--not-sure", 1)
    assert heading.split() == ["box", "expression", "or", "picture"]
    assert "not sure" not in sure
    first, second = (word for word in sure.split() if word in EXPRESSIONS)
    assert f"not sure      {first} " in unsure
    assert f", {second} " in unsure
    assert unsure.endswith(str(PHOTO))


def test_the_temperature_beside_a_model_flattens_its_probabilities(said, model, tmp_path):
    shutil.copytree(model, tmp_path / "hot")
    (tmp_path / "hot" / "calibration.json").write_text('{"temperature": 1000.0}')
    main(["--model", "hot", "--json", str(PHOTO)])
    _, lines, _ = said(PHOTO, "--json")
    assert [*of_json(lines)[0]["faces"][0]["probabilities"].values()] == pytest.approx(
        [1 / 7] * 7, abs=0.01
    )
    (tmp_path / "hot" / "calibration.json").write_text("{}")
    assert said(PHOTO, "--model", "hot")[0] == 1


def test_a_folder_is_searched_to_the_bottom_and_a_bad_file_does_not_stop_it(said, tmp_path):
    inside = tmp_path / "party" / "late"
    inside.mkdir(parents=True)
    photo().save(tmp_path / "party/b.jpg")
    photo().save(inside / "a.png")
    Image.fromarray(nobody()).save(tmp_path / "party/none.png")
    (tmp_path / "party/.hidden.png").write_bytes(b"")
    (tmp_path / "party/bad.png").write_bytes(b"no picture")
    (tmp_path / "party/notes.txt").write_text("no picture")
    status, lines, errors = said("party", "--json")
    assert status == Status.UNREADABLE
    assert {each["picture"]: len(each["faces"]) for each in of_json(lines)} == {
        "party/b.jpg": 1, "party/none.png": 0, "party/late/a.png": 1,
    }  # fmt: skip
    error, count = errors
    assert error.startswith("predict: party/bad.png: cannot be read: no picture of a kind")
    assert count == "predict: 1 of 4 files could not be read"


@pytest.mark.study
def test_a_folder_is_answered_as_it_is_read_with_a_bar_in_a_terminal(model, tmp_path):
    folder, pipe, last = tmp_path / "folder", tmp_path / "pipe", tmp_path / "last.png"
    folder.mkdir()
    for number in range(11):
        photo().save(folder / f"{number:02}.png")
    photo().save(last)
    os.mkfifo(pipe)
    terminal, its_end = pty.openpty()
    termios.tcsetwinsize(its_end, (24, 100))
    command = [sys.executable, "-m", "pipeline.predict", "--model", model, folder, pipe, last]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=its_end) as process:
        assert process.stdout.readline().startswith(b"box ")
        assert process.stdout.readline().endswith(b"00.png\n")
        with pipe.open("wb"):  # until it is closed, the program waits for what comes
            last.unlink()
        assert len(process.stdout.readlines()) == 10
    os.close(its_end)
    shown = b""
    with suppress(OSError):  # that is how a terminal ends
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert process.returncode == Status.UNREADABLE
    assert b"last.png: cannot be read: no such file" in shown
    assert b"13/13" in shown


def test_no_face_no_picture_and_no_file_have_a_status_and_a_line_each(said, tmp_path):
    Image.fromarray(nobody()).save(tmp_path / "none.png")
    (tmp_path / "empty").mkdir()
    status, (_, line), (error,) = said("none.png")
    assert (status, line.split()) == (Status.NO_FACE, ["no", "face", "none.png"])
    assert error.startswith("predict: no face was found")
    status, lines, (error,) = said("empty")
    assert (status, lines) == (Status.NO_PICTURE, [])
    assert error == "predict: empty: no picture and no video in it"
    status, lines, (error,) = said("gone.png")
    assert (status, lines) == (Status.UNREADABLE, [])
    assert error == "predict: gone.png: cannot be read: no such file"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--camera", "97"], "camera 97: gives no pictures"),
        ([PHOTO, "--model", "nothing"], "nothing: no such model; allowed: cnn, dnn"),
        ([PHOTO, "--model", ""], ".: no trained model here"),
        ([PHOTO, "--model", "dnn"], "artifacts/train/dnn: the dnn is not trained here yet"),
        ([PHOTO, "--model", "runs:/1/2"], "runs:/1/2: not an address in MLflow"),
    ],
)
def test_a_mistake_is_a_line(said, words, error):
    status, lines, errors = said(*words)
    assert (status, lines, len(errors)) == (1, [], 1)
    assert errors[0].startswith(f"predict: error: {error}")


def test_the_own_cnn_answers_if_it_knows_real_faces_else_the_one_at_hand(said, model, tmp_path):
    def chosen(source):
        values = yaml.safe_load((ROOT / "params.yaml").read_text())
        values["data"]["source"] = source
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
        return load_recogniser(load()).title

    with pytest.raises(UserError, match="weights: no trained model here; train one with"):
        chosen("data/raw")
    shutil.copytree(model, layout.folder("train@cnn"))
    assert chosen("data/sample") == f"cnn ({DRAWN})"
    shutil.copytree(ROOT / "weights", "weights")
    assert [chosen(source) for source in ("data/sample", "data/raw")] == ["weights", "weights"]
    layout.LABELLED.mkdir(parents=True)
    for number, path in enumerate(choosing_files()):
        path.write_bytes(bytes([number]))
    measured = card.read().measured
    for faces in ("these", name_faces(choosing_files())):
        change_card(measured_on=faces)
        for accuracy, on_same, on_others in (
            (measured.accuracy, "cnn", "cnn"),
            (measured.accuracy - 0.0001, "weights", "cnn"),
            (measured.low - 0.0001, "weights", "weights"),
        ):
            write_scores(accuracy)
            expected = on_others if faces == "these" else on_same
            assert (chosen("data/raw"), chosen("data/sample")) == (expected, "weights")
    # What was found out about one network says nothing of another that took its place.
    write_scores(measured.accuracy)
    layout.CALIBRATION.write_text('{"cnn": {"temperature": 3.0}}')
    assert (chosen("data/raw"), temperature_of("cnn")) == ("cnn", 3.0)
    layout.metrics("evaluate").write_text(EMPTY)
    assert (chosen("data/raw"), temperature_of("cnn")) == ("weights", 1.0)


def test_networks_of_drawn_faces_stay_so_when_real_ones_are_named_for_the_next(said, tmp_path):
    save_model(layout.folder("train@cnn"))
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    for ingested, named in (("data/sample", "data/raw"), ("data/raw", "data/sample")):
        values["data"]["source"] = named
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
        entry = {"cmd": "", "params": {"params.yaml": {"data": {"source": ingested}}}}
        Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"ingest": entry}}))
        is_drawn = ingested == "data/sample"
        assert load_recogniser(load()).title == (f"cnn ({DRAWN})" if is_drawn else "cnn")
        shutil.copytree(ROOT / "weights", "weights")
        layout.LABELLED.mkdir(parents=True, exist_ok=True)
        for path in choosing_files():
            path.write_bytes(b"")
        write_scores(0.9)
        assert load_recogniser(load()).title == ("weights" if is_drawn else "cnn")
        shutil.rmtree("weights")


def temperature_of(model):
    return load_recogniser(load(), model).recogniser.temperature


def change_card(**change):
    found = json.loads(card.CARD.read_text())
    card.CARD.write_text(json.dumps(found | change))


def write_scores(accuracy):
    """Of an own CNN with this accuracy on validation faces."""
    found = json.loads(card.CARD.read_text())["evaluated"]
    interval = {"value": accuracy, "low": 0, "high": 1}
    cnn = found | {"validation": found["validation"] | {"accuracy_interval": interval}}
    difference = {
        "accuracy": interval, "macro_f1": interval, "first_only": 0, "second_only": 0, "p": 1,
    }  # fmt: skip
    layout.folder("evaluate").mkdir(parents=True, exist_ok=True)
    (layout.folder("evaluate") / "scores.json").write_text(json.dumps({
        "epoch_chosen_on": {}, "reported_on": "test", "faces": {}, "majority_accuracy": 0.2,
        "cnn": cnn, "dnn": cnn, "difference": difference, "quality": {},
    }))  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["--every", "abc"], ["--not-sure", "2"], ["--every", "nan"], ["--camera", "-1"],
        ["--camera", "10000000000000000000"], [],
    ],
)  # fmt: skip
def test_a_number_out_of_its_bounds_and_no_picture_at_all_are_refused(said, words):
    status, _, errors = said(*words, *([PHOTO] if words else []))
    assert status == 2
    expected = f"{words[1]}: expected a number from 0 to" if words else "name a picture, a folder"
    assert expected in errors[-1]


def test_a_video_is_answered_every_second(said, tmp_path):
    size = (256, 256)
    video = cv2.VideoWriter("clip.avi", cv2.VideoWriter.fourcc(*"MJPG"), 4, size)
    with_face = cv2.cvtColor(np.asarray(photo()), cv2.COLOR_RGB2BGR)
    for number in range(10):  # two and a half seconds; the face comes after one and a half
        video.write(with_face if number > 5 else nobody(*size))
    video.release()
    status, lines, errors = said("clip.avi", "--json")
    assert (status, errors) == (Status.DONE, [])
    found = {each["second"]: len(each["faces"]) for each in of_json(lines)}
    assert found == {0.0: 0, 1.0: 0, 2.0: 1}
    (tmp_path / "clip.avi").write_bytes(b"no video")
    status, _, (error,) = said("clip.avi")
    assert (status, error) == (
        Status.UNREADABLE, "predict: clip.avi: cannot be read: no video of a kind that is read",
    )  # fmt: skip


def test_a_picture_that_is_a_face_is_not_searched(said, tmp_path, rng):
    Image.fromarray(rng.integers(0, 256, (48, 48), dtype=np.uint8)).save(tmp_path / "face.png")
    status, lines, _ = said("face.png", "--face", "--json")
    assert status == Status.DONE
    assert of_json(lines)[0]["faces"][0]["box"] == {"left": 0, "top": 0, "side": 48}


def test_an_explanation_shows_the_photo_with_its_face_marked(said, tmp_path):
    photo().save(tmp_path / "me.png")
    _, _, (told,) = said("me.png", "--explain", "--to", "shown")
    assert told == "predict: the faces are marked in shown/"
    drawn = read_picture(tmp_path / "shown/me.png.png").astype(int)
    changed = (drawn != np.asarray(photo())).any(axis=-1)
    (box,) = find_faces(to_grey(np.asarray(photo())))
    left, top, side = map(round, box)
    assert changed[top : top + side, left : left + side].mean() > 0.2
    assert changed[top, left : left + side].all()
    assert not changed[: top - 4].any()
    # What a face in a corner shows is written within the picture, too.
    Image.open(PHOTO).crop((0, 0, 290, 168)).save(tmp_path / "corner.png")
    said("corner.png", "--explain", "--to", "shown")
    drawn = read_picture(tmp_path / "shown/corner.png.png")
    assert (drawn[-6:, :-2] == PAPER).all(axis=-1).sum() > 100


def test_explanations_of_two_pictures_have_two_names_that_a_file_system_takes():
    assert file_name("./x.jpg", None) == file_name("x.jpg", None) == "x.jpg.png"
    assert file_name("clip.avi", 1.25) == "clip.avi-00001.250s.png"
    paths = ["a-b.jpg", "a/b.jpg", "x.jpg", "../x.jpg", "/x.jpg", "\\x.jpg", 99 * "\u20ac"]
    paths += [99 * "\u20ac" + "1", f"{99 * 'a/'}b", "caf\udce9.jpg", "caf\udce9/" + 240 * "a"]
    names = {file_name(path, second) for path in paths for second in (None, 0.0, 0.033, 0.067)}
    assert len(names) == 4 * len(paths)
    for name in names:
        assert Path(name).name == name
        assert len(os.fsencode(name)) <= 240  # it is written under a longer name


def test_ctrl_c_ends_it_without_a_word_after_what_was_answered(said, tmp_path, monkeypatch):
    photo().save(tmp_path / "a.png")

    def read(file, every):
        if file.name == "b.png":
            raise KeyboardInterrupt
        return read_frames(file, every)

    monkeypatch.setattr("pipeline.predict.inputs.read_frames", read)
    status, lines, errors = said("a.png", "b.png")
    assert (status, errors) == (130, [])
    assert lines[-1].endswith("a.png")


def test_a_name_that_would_move_the_cursor_is_shown_as_it_is_written(said, tmp_path):
    photo().save(tmp_path / "a\x1b[2J.png")
    _, lines, _ = said("a\x1b[2J.png")
    assert lines[1].endswith(r"a\x1b[2J.png")


@pytest.mark.parametrize("name", ["a\x1b[2J.png", "at 10.00\u202fAM.png", "caf\udce9.png"])
def test_a_program_gets_the_name_by_which_it_finds_the_picture(said, name):
    photo().save(name)
    _, (line,), _ = said(name, "--json")
    assert line.isascii()
    assert line.isprintable()
    assert Path(json.loads(line)["picture"]).is_file()


@pytest.mark.study
def test_what_is_slow_is_loaded_where_it_is_used_and_mlflow_never():
    command, model = (
        modules_loaded(f"import pipeline.predict.{name}") for name in ("__main__", "model")
    )
    assert not {"torch", "cv2", "mlflow", "captum", "pydantic"} & command
    assert not {"mlflow", "captum", "pandas", "scipy", "matplotlib"} & model
