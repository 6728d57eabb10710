import shutil

import pytest
import torch

from pipeline.errors import UserError
from pipeline.experiments.flops import CPU
from pipeline.networks.autoencoder import AUTOENCODERS
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.params import Augmentation
from pipeline.training.checkpoints import Checkpoints, find_checkpoints
from pipeline.training.device import Compute, can_compile
from pipeline.training.ema import AveragedModel
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import fit
from pipeline.training.objectives import Chosen, Classification, Reconstruction
from pipeline.training.optimiser import learning_rate, make_optimiser

from ..conftest import ROOT
from ..imports import modules_loaded

NONE = Augmentation(
    flip="none", rotation=0.0, shift=0.0, zoom=0.0, shear=0.0, contrast=0.0, random_erasing=0.0
)
SOME = NONE.model_copy(
    update={"flip": "alternating", "rotation": 5.0, "shift": 0.05, "random_erasing": 0.2}
)


def bars(count, seed):
    """Faces of a kind: the label is the place of a bright bar in noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 7, (count,), generator=generator)
    pixels = torch.randint(0, 120, (count, 48, 48), generator=generator)
    for face, label in zip(pixels, labels, strict=True):
        face[6 * label + 2 : 6 * label + 6] += 100
    return FaceSet(pixels.to(torch.uint8), labels)


FACES, OTHERS = bars(128, 1), bars(64, 2)
MISNAMED = FaceSet(OTHERS.pixels, (OTHERS.labels + 1) % 7)
"""Each with the next label: the more that is learned, the worse the answers."""


@pytest.fixture
def settings(params):
    changes = {"epochs": 4, "batch": 16, "ema_decay": 0.9, "keep": "best"}
    return params.train.dnn.model_copy(update=changes)


def train(
    settings, *, augmentation=SOME, network="dense-dnn", validation=OTHERS, cutmix=0.0,
    members=1, dropout=0.1, compute=CPU, **options,
):  # fmt: skip
    """A model after its training, and the training's progress."""
    torch.manual_seed(settings.seed)
    model = Classifier(Architecture(network, dropout, "scale", members=members))
    task = Classification(augmentation, 0.1, cutmix)
    return model, fit(model, task, FACES, validation, settings, compute, **options)


def same_weights(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_a_network_learns_what_can_be_seen_also_from_mixed_faces(settings):
    longer, rows = settings.model_copy(update={"epochs": 12}), []
    _, plain = train(longer, augmentation=NONE, on_epoch=rows.append)
    _, mixed = train(longer, augmentation=NONE, cutmix=1.0)
    assert rows == plain.history
    for progress in (plain, mixed):
        first, last = progress.history[0], progress.history[-1]
        assert last["train_loss"] < first["train_loss"]
        assert last["validation_accuracy"] > 0.9
    # No answer is right about a face that two labels share: their entropy is left.
    assert mixed.history[-1]["train_loss"] > plain.history[-1]["train_loss"] + 0.2


def test_the_same_seed_gives_the_same_weights_and_another_does_not(settings):
    settings = settings.model_copy(update={"batch": 50})
    first, progress = train(settings)
    second, _ = train(settings)
    other, _ = train(settings.model_copy(update={"seed": 1}))
    assert same_weights(first, second)
    assert not same_weights(first, other)
    assert [row["epoch"] for row in progress.history] == [1, 2, 3, 4]
    # Of 128 faces two batches of 50 are seen in an epoch; the other 28 wait for the next order.
    assert progress.history[-1]["passes"] == pytest.approx(4 * 100 / 128)


def test_each_epoch_of_each_seed_has_a_chance_of_its_own_and_the_changes_of_faces_another(settings):
    """Not the same numbers again in another place, of which a CPU's generator has 2**32 kinds."""
    firsts = []

    class Spy(Classification):
        def training_batch(self, chosen, teacher):
            state = torch.Generator()
            for now in (torch.get_rng_state(), chosen.generator.get_state()):
                state.set_state(now)
                firsts.append(state.initial_seed() % 2**32)
            return super().training_batch(chosen, teacher)

    whole = settings.model_copy(update={"batch": len(FACES), "epochs": 14})
    for seed in (0, 1):
        model = Classifier(Architecture("dense-dnn", 0.1, "scale"))
        task = Spy(NONE, 0.1)
        fit(model, task, FACES, OTHERS, whole.model_copy(update={"seed": seed}), CPU)
    assert len(set(firsts)) == len(firsts) == 2 * 14 * 2


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
    whole, progress = train(settings, network=network)

    class StoppedError(Exception):
        pass

    def stop(row):
        if row["epoch"] == stopped_in:
            raise StoppedError

    checkpoints, rows = Checkpoints(tmp_path / "checkpoints", "this training"), []
    with pytest.raises(StoppedError):
        train(settings, network=network, checkpoints=checkpoints, on_epoch=stop)
    resumed, again = train(settings, network=network, checkpoints=checkpoints, on_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [2, 3]  # reported twice rather than never
    assert again.history == progress.history
    assert same_weights(whole, resumed)


def test_a_large_state_is_saved_once_in_a_while_and_a_small_one_after_every_epoch(
    settings, tmp_path, monkeypatch
):
    def epochs_left(folder):
        train(settings, checkpoints=Checkpoints(folder, "this"))
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
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    monkeypatch.setattr("pipeline.dvc_yaml.FILE", tmp_path / "dvc.yaml")
    found = {find_checkpoints("train@dnn", [settings], []).fingerprint}
    for name in names:
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.write_text(path.read_text() + "# changed")
        found.add(find_checkpoints("train@dnn", [settings], []).fingerprint)
    assert len(found) == 1 + len(names)


def test_one_flipped_bit_anywhere_sets_a_checkpoint_aside_for_the_one_before_it(tmp_path, rng):
    checkpoints = Checkpoints(tmp_path, "this")
    for epoch in (1, 2, 3):
        checkpoints.save(epoch, {"epoch": epoch, "weights": torch.zeros(500)})
    _, path = sorted(tmp_path.glob("*.pt"))
    whole = path.read_bytes()
    damaged = [whole[:200], b""]
    for place in rng.choice(len(whole), 200, replace=False):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(place) % 8
        damaged.append(flipped)
    for content in damaged:
        path.write_bytes(content)
        with pytest.warns(UserWarning, match="is damaged"):
            assert checkpoints.load()["epoch"] == 2
        assert path.with_suffix(".damaged").read_bytes() == content
    path.write_bytes(whole)
    assert checkpoints.load()["epoch"] == 3


def test_trainings_that_differ_neither_use_nor_remove_one_anothers_checkpoints(tmp_path):
    this, another = (Checkpoints(tmp_path / "c", name) for name in ("this", "another"))
    assert (this.load(), this.remembered("run")) == (None, None)
    for epoch in (8, 9):
        this.save(epoch, {"epoch": epoch})
    this.remember("run", "abc")
    this.remember("precision", "bfloat16")
    assert (another.load(), another.remembered("run")) == (None, None)
    another.save(1, {"epoch": 1})
    assert (this.load(), this.remembered("run")) == ({"epoch": 9}, "abc")
    assert this.remembered("precision") == "bfloat16"
    this.clear()  # as it is done
    assert (this.load(), this.remembered("run")) == (None, None)
    assert another.load() == {"epoch": 1}
    another.clear()
    assert not (tmp_path / "c").exists()


def test_a_training_that_starts_anew_beside_anothers_epochs_says_so(settings, tmp_path, capsys):
    folder = tmp_path / "checkpoints"
    train(settings, checkpoints=Checkpoints(folder, "this"))
    train(settings, checkpoints=Checkpoints(folder, "this"))
    assert "starts anew" not in capsys.readouterr().out
    train(settings, checkpoints=Checkpoints(folder, "with more epochs"))
    said = capsys.readouterr().out
    assert f"starts anew: {folder} holds epoch {settings.epochs} of a training with" in said
    assert said.count("\n") == 1


def test_early_stopping_waits_for_so_many_epochs_and_the_best_is_kept_unless_the_last_is_asked_for(
    settings,
):
    patient = settings.model_copy(update={"epochs": 30, "early_stopping": 2, "ema_decay": 0.0})
    best, progress = train(patient, validation=MISNAMED)
    last, _ = train(patient.model_copy(update={"keep": "last"}), validation=MISNAMED)
    losses = [row["validation_loss"] for row in progress.history]
    assert progress.best_epoch == losses.index(min(losses)) + 1
    assert len(losses) == progress.best_epoch + 2 < 30
    assert not same_weights(best, last)


def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_do(settings):
    wild = settings.model_copy(
        update={"learning_rate": 10.0, "optimiser": "sgd", "schedule": "constant"}
    )
    model = Classifier(Architecture("dense-dnn", 0.0, "none"))
    with torch.no_grad():
        model.network.get_submodule("classify").weight.mul_(1e38)
    with pytest.raises(UserError, match=r"not finite.*lower learning_rate"):
        fit(model, Classification(NONE, 0.0), FACES, OTHERS, wild, CPU)


def test_one_face_in_a_batch_is_an_error_only_where_batch_normalisation_needs_two(settings):
    alone = FaceSet(FACES.pixels[:1], FACES.labels[:1])

    def learn(network):
        model = Classifier(Architecture(network, 0.0, "scale"))
        fit(model, Classification(NONE, 0.0), alone, OTHERS, settings, CPU)

    learn("compact-cnn")
    with pytest.raises(UserError, match="one face is in a batch, and batch normalisation needs"):
        learn("dense-dnn")


def test_one_cycle_rises_to_its_peak_and_falls_to_nearly_nothing(settings):
    settings = settings.model_copy(update={"learning_rate": 1.0, "schedule": "one_cycle"})
    rates = [learning_rate(settings, step, 100) for step in range(100)]
    top = rates.index(max(rates))
    assert max(rates) == 1.0
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[0] == pytest.approx(0.04)
    assert rates[-1] < 0.01
    constant = settings.model_copy(update={"schedule": "constant"})
    assert learning_rate(constant, 7, 10) == 1.0


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
def test_epsilon_shortens_the_steps_of_small_gradients(settings, optimiser):
    def first_step(epsilon):
        model = torch.nn.Linear(1, 1, bias=False)
        model.weight.data.fill_(0.0)
        changes = {"optimiser": optimiser, "epsilon": epsilon, "learning_rate": 1.0}
        stepping = make_optimiser(model, settings.model_copy(update=changes))
        model.weight.grad = torch.full((1, 1), -1e-7)
        stepping.step()
        return model.weight.item()

    assert first_step(1e-7) == pytest.approx(1 / 2)  # gradient / (its size + epsilon)
    assert first_step(1e-8) == pytest.approx(1 / 1.1)


def test_the_average_follows_slowly_and_without_its_random_start():
    model = torch.nn.Linear(1, 1)
    average = AveragedModel(model, 0.99)
    with torch.no_grad():
        model.weight.fill_(1.0)
    for step in range(50):
        average.update(step)
    assert average.model.weight.item() == pytest.approx(1.0, abs=1e-3)
    with torch.no_grad():
        model.weight.fill_(2.0)
    average.update(50)
    assert 1.0 < average.model.weight.item() < 1.3


def test_squares_of_a_face_are_hidden_from_an_autoencoder_and_not_from_its_target():
    faces = OTHERS
    chosen = Chosen(faces, torch.arange(64), 0, torch.Generator().manual_seed(0), seed=0)
    batch = Reconstruction(NONE, 0.0, 0.4).training_batch(chosen, lambda inputs: inputs)
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
    model = AUTOENCODERS["bottleneck-autoencoder"](16)
    longer = settings.model_copy(update={"epochs": 12})
    progress = fit(model, Reconstruction(NONE, 0.05, 0.2), FACES, OTHERS, longer, CPU)
    mean_face = FACES.pixels.float().mean(dim=0)
    always_the_same = ((OTHERS.pixels - mean_face) / 255).square().mean().item()
    assert progress.history[-1]["validation_loss"] < 0.8 * always_the_same
    assert "validation_accuracy" not in progress.history[0]


@pytest.mark.skipif(not can_compile(), reason="torch compiles with g++ and Python's headers")
@pytest.mark.nightly
def test_a_compiled_ensemble_learns_what_an_uncompiled_one_does(settings):
    fast = {"optimiser": "sgd", "learning_rate": 0.1, "schedule": "constant"}
    few = settings.model_copy(update={"epochs": 3, "batch": 64, "ema_decay": 0.0, **fast})
    torch.manual_seed(few.seed)
    start = Classifier(Architecture("small-dnn", 0.0, "scale", members=2)).state_dict()
    plain, compiled = (
        train(
            few, network="small-dnn", members=2, dropout=0.0,
            compute=Compute(torch.device("cpu"), torch.float32, compiled=each),
        )[0].state_dict() for each in (False, True)
    )  # fmt: skip
    assert plain.keys() == compiled.keys()
    for name, value in plain.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-2, atol=1e-4)
    layers = {name: value for name, value in start.items() if value.ndim > 1}
    moved = {name: float((plain[name] - value).abs().max()) for name, value in layers.items()}
    assert min(moved.values()) > 0.005  # far more than what may differ


@pytest.mark.nightly
@pytest.mark.skipif(not can_compile(), reason="torch compiles with g++ and Python's headers")
def test_a_cnn_learns_as_on_a_gpu_compiled_in_bfloat16_and_channels_last(settings):
    few = settings.model_copy(update={"epochs": 6, "batch": 64, "ema_decay": 0.0})
    compute = Compute(torch.device("cpu"), torch.bfloat16, compiled=True)
    model, progress = train(
        few, augmentation=NONE, network="leaky-cnn", dropout=0.0, compute=compute
    )
    losses = [row["train_loss"] for row in progress.history]
    assert losses[-1] < 0.8 * losses[0]
    layer = [each for each in model.modules() if isinstance(each, torch.nn.Conv2d)][-1]
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    with compute.autocast():
        assert layer(torch.zeros(1, layer.in_channels, 12, 12)).dtype == torch.bfloat16
