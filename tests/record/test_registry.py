"""The model of an evaluation in MLflow: served, registered, no pickle, the best one marked."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

from pipeline.dvc_yaml import find_entry
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.store import load_classifier, save_classifier
from pipeline.predict.model import load_recogniser
from pipeline.record import registry
from pipeline.record.address import find_address
from pipeline.record.registry import take_alias
from pipeline.record.spool import Spool
from pipeline.record.stage_run import stage_run
from pipeline.record.uploader import Uploader
from pipeline.statistics.champion import Measured

DVC = """
stages:
  evaluate:
    meta:
      record:
        model:
          name: faces
          files: [cnn/weights.safetensors, cnn/model.json]
          scores: scores.json
          measure: cnn.validation
          faces: [split.txt]
"""

SCORES = {"accuracy": 0.6, "accuracy_interval": {"low": 0.5, "high": 0.7}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An MLflow with the one run of a stage that registers a model."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
        patch.setenv("MLFLOW_EXPERIMENT_NAME", "faces")  # as every recorder has it
        Path("dvc.yaml").write_text(DVC)
        Path("split.txt").touch()
        results = Path("artifacts/evaluate")
        results.mkdir(parents=True)
        (results / "scores.json").write_text(json.dumps({"cnn": {"validation": SCORES}}))
        (results / "calibration.json").write_text(json.dumps({"cnn": {"temperature": 0.8}}))
        (results / "metrics.json").write_text(json.dumps({"cnn": {"accuracy": 0.7}}))
        save_classifier(Classifier(Architecture("small-dnn", 0.1, "face")), Path("cnn"))
        spool, address = Spool(folder), find_address(folder)
        with FileLock(spool.lock(address)):  # the recorder is this process
            entry = find_entry("evaluate", Path("dvc.yaml"))
            with stage_run("evaluate", {}, meta=entry.record):
                pass
            uploader = Uploader(spool, address)
            uploader.upload_all()
        yield uploader.store


@pytest.mark.study
def test_a_model_is_served_registered_once_and_has_its_metrics(store):
    best = store.client.get_model_version_by_alias("faces", "best")
    assert best.tags["accuracy"] == "0.6"
    assert "python -m pipeline.export models:/faces/1 FOLDER" in best.description
    run = store.client.get_run(best.run_id)
    assert run.data.tags["gate"] == best.tags["gate"]
    assert best.tags["gate"].startswith("takes the alias best: version 1, 60.0%")
    (model,) = store.client.search_logged_models([store.experiment])
    assert model.source_run_id == best.run_id
    assert {metric.key: metric.value for metric in model.metrics} == {"cnn.accuracy": 0.7}
    again = {"run": best.run_id, "name": "faces", "event": best.tags["study.event"]}
    verdict = registry.register(store, Path("cnn"), measured=Measured(0.9, 0.8, 1.0, "x"), **again)
    assert verdict == best.tags["gate"]
    assert len(store.client.search_model_versions("name = 'faces'")) == 1


@pytest.mark.study
def test_a_registered_model_brings_its_temperature(store, params):
    recogniser = load_recogniser(params, "models:/faces@best").recogniser
    assert recogniser.temperature == 0.8


@pytest.mark.study
def test_a_registered_model_is_no_pickle_and_one_that_is_does_not_open(store, tmp_path, bomb):
    import mlflow

    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    (graph,) = Path("mlruns").rglob("model.pt2")
    for path in graph.parents[1].rglob("*"):
        assert path.suffix not in (".pkl", ".pickle", ".pth", ".pt"), path
    # MLflow itself looks into the archive before it opens it, as pickles are not allowed.
    model = mlflow.pyfunc.load_model("models:/faces@best")
    faces = np.random.default_rng(0).uniform(0, 255, (5, 1, 48, 48)).astype(np.float32)
    with torch.inference_mode():
        expected = load_classifier(Path("cnn"))(torch.from_numpy(faces)).numpy()
    np.testing.assert_allclose(model.predict(faces), expected, rtol=1e-4, atol=1e-5)

    torch.save(bomb, tmp_path / "hostile.pt")
    with zipfile.ZipFile(graph) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (weights,) = [name for name in parts if name.endswith("_weights_config.json")]
    hostile = parts[weights].replace(b'"use_pickle": false', b'"use_pickle": true')
    assert hostile != parts[weights]
    with zipfile.ZipFile(graph, "w") as archive:
        for name, content in parts.items():
            changed = (tmp_path / "hostile.pt").read_bytes() if "/weight_" in name else content
            archive.writestr(name, hostile if name == weights else changed)
    with pytest.raises(mlflow.MlflowException, match="not a pickle-free payload"):
        mlflow.pyfunc.load_model("models:/faces@best")


@pytest.mark.parametrize(
    ("accuracy", "faces", "passes", "why"),
    [
        (0.60, "these", True, "takes the alias best: version 2"),
        (0.59, "these", False, "not better: version 2"),
        (0.54, "these", False, "worse beyond its interval: version 2"),
        (0.56, "others", True, "takes the alias best: on other faces: version 2"),
        (0.54, "others", False, "worse beyond its interval, on other faces"),
    ],
)
def test_a_worse_model_does_not_take_the_alias(accuracy, faces, passes, why):
    champion = Measured(0.60, 0.55, 0.65, "these", "1")
    candidate = Measured(accuracy, accuracy - 0.05, accuracy + 0.05, faces, "2")
    found = take_alias(candidate, champion)
    assert found[0] == passes
    assert why in found[1]
    assert "60.0% (55.0% to 65.0%)" in found[1]
    assert take_alias(champion, None)[0]
