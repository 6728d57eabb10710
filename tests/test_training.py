import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from pipeline.errors import UserError
from pipeline.networks.autoencoder import AUTOENCODERS
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.params import Augmentation, Machine
from pipeline.training.checkpoints import Checkpoints, fingerprint
from pipeline.training.device import Compute, can_compile, choose_compute
from pipeline.training.ema import AveragedModel
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import fit
from pipeline.training.objectives import Classification, Reconstruction
from pipeline.training.optimiser import learning_rate

from .conftest import ROOT
from .imports import modules_loaded

CPU = Compute(torch.device("cpu"), torch.float32, compiled=False)
SOME = Augmentation(
    flip="alternating",
    rotation=5.0,
    shift=0.05,
    zoom=0.05,
    shear=0.05,
    contrast=0.1,
    random_erasing=0.2,
)
NONE = Augmentation(
    flip="none", rotation=0.0, shift=0.0, zoom=0.0, shear=0.0, contrast=0.0, random_erasing=0.0
)


def bars(count, seed):
    """Faces of a kind: the label is the place of a bright bar in noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 7, (count,), generator=generator)
    pixels = torch.randint(0, 120, (count, 48, 48), generator=generator)
    for face, label in zip(pixels, labels, strict=True):
        face[6 * label + 2 : 6 * label + 6] += 100
    return FaceSet(pixels.to(torch.uint8), labels)


@pytest.fixture
def settings(params):
    changes = {
        "epochs": 4, "batch": 16, "ema_decay": 0.9, "keep": "best",
    }  # fmt: skip
    return params.train.dnn.model_copy(update=changes)


def elsewhere(faces):
    """The same faces, each with the next label: the more that is learnt, the worse the answers."""
    return FaceSet(faces.pixels, (faces.labels + 1) % 7)


def train(settings, *, augmentation=SOME, network="dense-dnn", validation=None, **options):
    torch.manual_seed(settings.seed)
    model = Classifier(Architecture(network, 0.1, "scale"))
    task = Classification(augmentation, 0.1, settings.seed)
    rows = []
    options.setdefault("on_epoch", rows.append)
    validation = validation or bars(64, 2)
    progress = fit(model, task, bars(128, 1), validation, settings, CPU, **options)
    return model, progress, rows


def same_weights(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_a_network_learns_what_can_be_seen(settings):
    _, progress, _ = train(settings.model_copy(update={"epochs": 8}), augmentation=NONE)
    first, last = progress.history[0], progress.history[-1]
    assert last["train_loss"] < first["train_loss"]
    assert last["validation_accuracy"] > 0.9


def test_the_history_counts_epochs_and_passes(settings):
    _, progress, rows = train(settings.model_copy(update={"batch": 50}))
    assert rows == progress.history
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    # Of 128 faces two batches of 50 are seen in an epoch; the other 28 wait for the next order.
    assert rows[-1]["passes"] == pytest.approx(4 * 100 / 128)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(settings):
    first, _, _ = train(settings)
    second, _, _ = train(settings)
    other, _, _ = train(settings.model_copy(update={"seed": 1}))
    assert same_weights(first, second)
    assert not same_weights(first, other)


@pytest.mark.parametrize(
    ("network", "large", "stopped_in"),
    [
        ("dense-dnn", 2**30, 2),
        pytest.param("paired-cnn", 2**30, 2, marks=pytest.mark.study),
        ("dense-dnn", 0, 3),
    ],
)
def test_a_training_that_was_stopped_ends_like_one_that_was_not(
    settings, tmp_path, monkeypatch, network, large, stopped_in
):
    monkeypatch.setattr("pipeline.training.checkpoints.LARGE", large)
    settings = settings.model_copy(update={"epochs": 3})
    whole, progress, _ = train(settings, network=network)

    class StoppedError(Exception):
        pass

    def stop(row):
        if row["epoch"] == stopped_in:
            raise StoppedError

    checkpoints = Checkpoints(tmp_path / "checkpoints", "this training")
    with pytest.raises(StoppedError):
        train(settings, network=network, checkpoints=checkpoints, on_epoch=stop)
    resumed, again, rows = train(settings, network=network, checkpoints=checkpoints)
    assert [row["epoch"] for row in rows] == [2, 3]  # told again rather than not at all
    assert again.history == progress.history
    assert same_weights(whole, resumed)


@pytest.mark.study
def test_a_training_killed_without_warning_goes_on(settings, tmp_path):
    """SIGKILL from outside, in the middle: the next run starts after the last whole epoch."""
    script = f"""
        import sys
        from pathlib import Path
        from pipeline.params import TrainDense
        from pipeline.training.checkpoints import Checkpoints
        from tests.test_training import train
        settings = TrainDense.model_validate_json({settings.model_dump_json()!r})
        settings = settings.model_copy(update=dict(epochs=2000))
        train(settings, checkpoints=Checkpoints(Path({str(tmp_path)!r}), "this"),
              on_epoch=lambda row: print(row["epoch"], flush=True))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    with process:
        seen = [process.stdout.readline() for _ in range(5)]
        os.kill(process.pid, signal.SIGKILL)
    assert float(seen[-1]) == 5
    state = Checkpoints(tmp_path, "this").load()
    assert len(state["progress"]["history"]) >= 4  # the fifth may have been told and not saved
    assert not list(tmp_path.glob("*.pt"))[2:]


def test_a_large_state_is_saved_once_in_a_while_and_a_small_one_after_every_epoch(
    settings, tmp_path, monkeypatch
):
    def epochs_left(folder):
        _, _, rows = train(settings, checkpoints=Checkpoints(folder, "this"))
        assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
        return sorted(int(path.name.split("-")[1]) for path in folder.glob("*.pt"))

    assert epochs_left(tmp_path / "small") == [3, 4]
    state = Checkpoints(tmp_path / "small", "this").load()
    # Weights, their average, the kept ones, and AdamW's two moments of each.
    weights = sum(value.nbytes for value in state["model"].values())
    for path in (tmp_path / "small").glob("*.pt"):
        assert path.stat().st_size == pytest.approx(5 * weights, rel=0.05)
    monkeypatch.setattr("pipeline.training.checkpoints.LARGE", round(0.95 * 5 * weights))
    assert epochs_left(tmp_path / "large") == [1, 4]  # the last one always
    monkeypatch.setattr("pipeline.training.checkpoints.PAUSE", 0.0)
    assert epochs_left(tmp_path / "later") == [3, 4]


@pytest.mark.study
def test_no_checkpoint_of_other_code_is_used(settings, tmp_path, monkeypatch):
    loaded = modules_loaded("import pipeline.training.loop, pipeline.train.classifier")
    weights = ("pipeline.faces.", "pipeline.networks.", "pipeline.train.", "pipeline.training.")
    names = [name for name in loaded if name.startswith(weights)]
    assert "pipeline.faces.masks" in names
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline")
    monkeypatch.setattr(
        "pipeline.training.checkpoints.__file__", str(tmp_path / "pipeline/training/any.py")
    )
    found = {fingerprint("train", [settings], [])}
    for name in names:
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.write_text(path.read_text() + "# changed")
        found.add(fingerprint("train", [settings], []))
    assert len(found) == 1 + len(names)


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_is_used(tmp_path):
    checkpoints = Checkpoints(tmp_path, "this")
    for epoch in (1, 2, 3):
        checkpoints.save(epoch, {"epoch": epoch})
    oldest, newest = sorted(tmp_path.glob("*.pt"))
    assert "-00002-" in oldest.name
    newest.write_bytes(newest.read_bytes()[:200])
    with pytest.warns(UserWarning, match="is damaged"):
        assert checkpoints.load() == {"epoch": 2}
    assert newest.with_suffix(".damaged").exists()


def test_one_flipped_bit_anywhere_in_a_checkpoint_is_noticed(tmp_path, rng):
    checkpoints = Checkpoints(tmp_path, "this")
    checkpoints.save(1, {"weights": torch.zeros(500)})
    (path,) = tmp_path.glob("*.pt")
    whole = path.read_bytes()
    for place in rng.choice(len(whole), 200, replace=False):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(place) % 8
        path.write_bytes(flipped)
        with pytest.warns(UserWarning, match="is damaged"):
            assert checkpoints.load() is None
    path.write_bytes(whole)
    assert torch.equal(checkpoints.load()["weights"], torch.zeros(500))


def test_a_training_that_is_done_clears_its_own_checkpoints_away(tmp_path):
    this, another = (Checkpoints(tmp_path / "c", name) for name in ("this", "another"))
    for each in (this, another):
        each.save(1, {"epoch": 1})
        each.remember("run", "abc")
    this.clear()
    assert (this.load(), this.remembered("run")) == (None, None)
    assert (another.load(), another.remembered("run")) == ({"epoch": 1}, "abc")
    another.clear()
    assert not (tmp_path / "c").exists()


def test_trainings_that_differ_neither_use_nor_remove_one_anothers_checkpoints(tmp_path):
    this, another = Checkpoints(tmp_path, "this"), Checkpoints(tmp_path, "another")
    for epoch in (8, 9):
        this.save(epoch, {"epoch": epoch})
    assert another.load() is None
    another.save(1, {"epoch": 1})
    assert another.load() == {"epoch": 1}
    assert this.load() == {"epoch": 9}


def test_what_a_killed_training_must_know_again_is_remembered(tmp_path):
    checkpoints = Checkpoints(tmp_path / "new", "this")
    assert checkpoints.remembered("run") is None
    checkpoints.remember("run", "abc")
    checkpoints.remember("precision", "bfloat16")
    assert checkpoints.remembered("run") == "abc"
    assert checkpoints.remembered("precision") == "bfloat16"
    assert Checkpoints(tmp_path / "new", "another").remembered("run") is None
    checkpoints.clear()
    assert checkpoints.remembered("run") is None


def test_the_best_epoch_is_kept_unless_the_last_is_asked_for(settings):
    settings = settings.model_copy(update={"epochs": 6, "ema_decay": 0.0})
    worsening = elsewhere(bars(64, 2))
    best, progress, _ = train(settings, validation=worsening)
    last, _, _ = train(settings.model_copy(update={"keep": "last"}), validation=worsening)
    losses = [row["validation_loss"] for row in progress.history]
    assert progress.best_epoch == losses.index(min(losses)) + 1
    assert progress.best_epoch < 6
    assert not same_weights(best, last)


def test_early_stopping_waits_for_so_many_epochs(settings):
    patient = settings.model_copy(update={"epochs": 30, "early_stopping": 2, "ema_decay": 0.0})
    _, progress, _ = train(patient, validation=elsewhere(bars(64, 2)))
    assert len(progress.history) == progress.best_epoch + 2 < 30


def test_a_network_learns_from_mixed_faces_and_is_asked_about_whole_ones(settings):
    changed = settings.model_copy(update={"epochs": 12, "cutmix": 1.0, "augmentation": NONE})
    torch.manual_seed(0)
    model = Classifier(Architecture("dense-dnn", 0.1, "scale"))
    faces = bars(128, 1)
    progress = fit(model, Classification.of(changed), faces, bars(64, 2), changed, CPU)
    last = progress.history[-1]
    assert last["validation_accuracy"] > 0.9
    # No answer is right about a face that two labels share: their entropy is left.
    plain = fit(
        Classifier(Architecture("dense-dnn", 0.1, "scale")),
        Classification(NONE, changed.label_smoothing, 0), faces, bars(64, 2), changed, CPU,
    )  # fmt: skip
    assert last["train_loss"] > plain.history[-1]["train_loss"] + 0.2


def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_do(settings):
    wild = settings.model_copy(
        update={"learning_rate": 10.0, "optimiser": "sgd", "schedule": "constant"}
    )
    model = Classifier(Architecture("dense-dnn", 0.0, "none"))
    with torch.no_grad():
        model.network.get_submodule("classify").weight.mul_(1e38)
    task = Classification(NONE, 0.0, 0)
    with pytest.raises(UserError, match=r"not finite.*lower learning_rate"):
        fit(model, task, bars(64, 1), bars(32, 2), wild, CPU)


def test_one_cycle_rises_to_its_peak_and_falls_to_nearly_nothing():
    rates = [learning_rate("one_cycle", 1.0, step, 100) for step in range(100)]
    top = rates.index(max(rates))
    assert max(rates) == 1.0
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[0] == pytest.approx(0.04)
    assert rates[-1] < 0.01
    assert learning_rate("constant", 0.5, 7, 10) == 0.5


def test_the_average_follows_slowly_and_without_its_random_start():
    model = torch.nn.Linear(1, 1)
    average = AveragedModel(model, 0.99)
    with torch.no_grad():
        model.weight.fill_(1.0)
    for step in range(50):
        average.update(model, step)
    assert average.model.weight.item() == pytest.approx(1.0, abs=1e-3)
    with torch.no_grad():
        model.weight.fill_(2.0)
    average.update(model, 50)
    assert 1.0 < average.model.weight.item() < 1.3


def test_squares_of_a_face_are_hidden_from_an_autoencoder_and_not_from_its_target():
    faces = bars(64, 1)
    task = Reconstruction(NONE, 0.0, 0.4, 0)
    chance = torch.Generator().manual_seed(0)
    batch = task.training_batch(faces, torch.arange(64), 0, chance, lambda inputs: inputs)
    assert torch.equal(batch.targets.squeeze(1) * 255, faces.pixels.float())
    changed = (batch.inputs != batch.targets * 255).squeeze(1)
    assert changed.float().mean() == pytest.approx(0.4, abs=0.03)
    for face, inputs, pixels in zip(changed, batch.inputs.squeeze(1), faces.pixels, strict=True):
        assert torch.allclose(inputs[face], pixels.float().mean(), atol=1e-3)
        squares = face.unflatten(0, (8, 6)).unflatten(2, (8, 6)).float().mean(dim=(1, 3))
        assert ((squares == 0) | (squares > 0.9)).all()  # a pixel may be the mean by itself


@pytest.mark.study
def test_an_autoencoder_learns_to_redraw(settings):
    torch.manual_seed(0)
    model, faces, others = AUTOENCODERS["bottleneck-autoencoder"](16), bars(128, 1), bars(32, 2)
    longer = settings.model_copy(update={"epochs": 12})
    progress = fit(model, Reconstruction(NONE, 0.05, 0.2, 0), faces, others, longer, CPU)
    mean_face = faces.pixels.float().mean(dim=0)
    always_the_same = ((others.pixels - mean_face) / 255).square().mean().item()
    assert progress.history[-1]["validation_loss"] < 0.8 * always_the_same
    assert "validation_accuracy" not in progress.history[0]


def test_what_auto_means_here(params):
    auto = choose_compute(params.machine)
    assert (auto.device.type == "cuda") == torch.cuda.is_available()
    low = Machine(device="cpu", precision="bfloat16", compile="auto")
    assert choose_compute(low).describe()["precision"] == "bfloat16"


@pytest.mark.skipif(torch.cuda.is_available(), reason="has the card that the test says is missing")
def test_a_card_that_is_not_there_is_named():
    with pytest.raises(UserError, match="no CUDA device"):
        choose_compute(Machine(device="cuda", precision="auto", compile="auto"))


def test_compiling_without_a_compiler_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    asked = Machine(device="cpu", precision="float32", compile="always")
    with pytest.raises(UserError, match=r"compile = 'always': .*'no-such-compiler'.*install g\+\+"):
        choose_compute(asked)
    assert not choose_compute(asked.model_copy(update={"compile": "auto"})).compiled


@pytest.mark.skipif(not can_compile(), reason="torch compiles with g++ and Python's headers")
@pytest.mark.study
def test_a_compiled_ensemble_learns_what_an_uncompiled_one_does(settings):
    fast = {"optimiser": "sgd", "learning_rate": 0.1, "schedule": "constant"}
    few = settings.model_copy(update={"epochs": 3, "batch": 64, "ema_decay": 0.0, **fast})
    weights = []
    for compiled in (False, True):
        torch.manual_seed(0)
        model = Classifier(Architecture("small-dnn", 0.0, "scale", members=2))
        start = {name: value.clone() for name, value in model.named_parameters()}
        compute = Compute(torch.device("cpu"), torch.float32, compiled=compiled)
        fit(model, Classification(SOME, 0.1, 0), bars(128, 1), bars(64, 2), few, compute)
        weights.append(model.state_dict())
    plain, compiled = weights
    assert plain.keys() == compiled.keys()
    for name, value in plain.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-2, atol=1e-4)
    layers = {name: value for name, value in start.items() if value.ndim > 1}
    moved = {name: float((plain[name] - value).abs().max()) for name, value in layers.items()}
    assert min(moved.values()) > 0.005  # far more than what may differ


@pytest.mark.nightly
@pytest.mark.skipif(not can_compile(), reason="torch compiles with g++ and Python's headers")
def test_a_cnn_learns_as_on_a_gpu_compiled_in_bfloat16_and_channels_last(settings):
    few = settings.model_copy(update={"epochs": 4, "batch": 64, "ema_decay": 0.0})
    compute = Compute(torch.device("cpu"), torch.bfloat16, compiled=True)
    torch.manual_seed(0)
    model = Classifier(Architecture("leaky-cnn", 0.0, "scale"))
    progress = fit(model, Classification(NONE, 0.0, 0), bars(256, 1), bars(64, 2), few, compute)
    losses = [row["train_loss"] for row in progress.history]
    assert losses[-1] < 0.8 * losses[0]
    layer = [each for each in model.modules() if isinstance(each, torch.nn.Conv2d)][-1]
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    with compute.autocast():
        assert layer(torch.zeros(1, layer.in_channels, 12, 12)).dtype == torch.bfloat16
