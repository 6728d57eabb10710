"""A model as an ONNX file: the same answers in another program, and the same bytes twice."""

import re
import sys

import numpy as np
import pytest
import torch

from pipeline import layout
from pipeline.errors import UserError
from pipeline.export import Answering, main, write_onnx
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import save_classifier
from pipeline.params import TTA
from pipeline.statistics.temperature import temper

MIRRORED = TTA(flip=True, shift=0)


@pytest.fixture(scope="module")
def classifier():
    """A CNN whose random weights tell faces apart."""
    torch.manual_seed(0)
    made = Classifier(Architecture("slim-paired-cnn", 0.1, "face")).eval()
    with torch.no_grad():
        made.network.classify.weight.mul_(20)
    return made


@pytest.fixture(scope="module")
def exported(classifier, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "new" / "model.onnx"
    write_onnx(Answering(classifier, MIRRORED, 0.7), path)
    return path


def faces(count):
    return np.random.default_rng(1).integers(0, 256, (count, 48, 48)).astype(np.uint8)


def answers(classifier, count, tta=MIRRORED):
    return temper(predict_probabilities(classifier, faces(count), tta), 0.7)


@pytest.mark.parametrize("tta", [TTA(flip=False, shift=0), MIRRORED, TTA(flip=True, shift=2)])
def test_an_answering_module_gives_what_the_stages_give(classifier, tta):
    with torch.inference_mode():
        found = Answering(classifier, tta, 0.7)(torch.from_numpy(faces(5)[:, None])).numpy()
    np.testing.assert_allclose(found, answers(classifier, 5, tta), atol=1e-6)
    assert np.ptp(found.max(axis=1)) > 0.01  # not the same answer to every face


@pytest.mark.study
def test_an_exported_model_gives_the_same_answers_on_a_thousand_faces(classifier, exported):
    from onnxruntime import InferenceSession

    session = InferenceSession(exported)
    inputs = faces(1000)[:, None].astype(np.float32)
    (found,) = session.run(["probabilities"], {"faces": inputs})
    np.testing.assert_allclose(found, answers(classifier, 1000), atol=1e-4)
    (one,) = session.run(["probabilities"], {"faces": inputs[:1]})
    np.testing.assert_allclose(one, found[:1], atol=1e-5)
    properties = session.get_modelmeta().custom_metadata_map
    assert properties["classes"].split(",") == list(EXPRESSIONS)


@pytest.mark.study
def test_an_exported_model_names_no_folder_and_has_the_same_bytes_twice(
    classifier, exported, tmp_path
):
    content = exported.read_bytes()
    assert not re.search(rb"pipeline/networks|site-packages|\.py\b", content)
    write_onnx(Answering(classifier, MIRRORED, 0.7), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == content


def test_what_cannot_be_exported_is_one_line(classifier, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match="onnxscript is not installed; `pip install"):
        write_onnx(Answering(classifier, MIRRORED, 1.0), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit, match="1"):
        main([str(tmp_path / "nothing"), str(tmp_path / "model.onnx")])
    assert capsys.readouterr().err.startswith(f"export: error: {tmp_path}/nothing: no such model")


@pytest.mark.parametrize("name", ["x.onnx", "served"])
def test_a_path_below_a_file_is_one_line(classifier, tmp_path, capsys, name):
    save_classifier(classifier, tmp_path)
    taken = tmp_path / "model.json"
    with pytest.raises(SystemExit, match="1"):
        main([str(tmp_path), str(taken / "new" / name)])
    said = capsys.readouterr().err
    assert said == f"export: error: {taken}/new: not a directory; name another place\n"


def test_a_folder_may_bring_its_own_temperature(classifier, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr("pipeline.export.write_onnx", lambda made, path: asked.update({path: made}))
    save_classifier(classifier, tmp_path)
    for content, expected in ((None, 1.0), ({"temperature": 0.8}, 0.8)):
        if content:
            wrong = {"value": 0.1, "low": 0, "high": 0.2, "by_chance": 0.03}
            whole = content | {"fitted_on": 9, "before": wrong, "after": wrong}
            (tmp_path / layout.CALIBRATION.name).write_text(str(whole).replace("'", '"'))
        assert main([str(tmp_path), "x.onnx"]) == 0
        (made,) = asked.values()
        assert made.temperature == expected
