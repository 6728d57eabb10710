"""The report's tables: rows of text, ready to be set."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.params import Augmentation, Params, Train
from pipeline.report.content import (
    Confusion,
    Evaluated,
    Evaluation,
    Ingested,
    Layer,
    Parts,
    ReportContent,
    Trained,
)
from pipeline.report.numbers import count, percent, percent_range, probability
from pipeline.tracking.journal import flatten

_NORMALISATIONS = {
    "none": "grey levels 0 to 255",
    "scale": "grey levels divided by 255",
    "face": "each face to mean 0, deviation 1",
    "dataset": "all faces by one mean and deviation",
}


_NOTHING = "\N{EN DASH}"


class Cell(NamedTuple):
    """A figure, and what stands beneath it in small."""

    text: str
    beneath: str = ""


class Row(NamedTuple):
    """What is told of both models."""

    name: str
    cnn: Cell
    dnn: Cell


class ClassRow(NamedTuple):
    """One expression: its test faces, then precision, recall and F1 of CNN and of DNN."""

    name: str
    faces: str
    scores: list[str]


def score_rows(results: Evaluation) -> list[Row]:
    """How good both models are on the test faces, and on the validation faces for comparison."""

    def row(name: str, cell: Any) -> Row:
        return Row(name, cell(results.cnn), cell(results.dnn))

    def with_interval(interval: Any) -> Cell:
        return Cell(percent(interval.value), percent_range(interval))

    return [
        row("Network", lambda model: Cell(model.network)),
        row("Parameters", lambda model: Cell(count(model.parameters))),
        row("Accuracy", lambda model: with_interval(model.test.accuracy_interval)),
        row("Macro-F1", lambda model: with_interval(model.test.macro_f1_interval)),
        row("Top-2 accuracy", lambda model: Cell(percent(model.test.top2))),
        row("Log loss, nats", lambda model: Cell(f"{model.test.log_loss:.3f}")),
        row("Calibration error", lambda model: Cell(percent(model.test.calibration_error))),
        row(
            "Accuracy on validation faces",
            lambda model: with_interval(model.validation.accuracy_interval),
        ),
    ]


def class_rows(results: Evaluation, confusion: Mapping[Any, Confusion]) -> list[ClassRow]:
    """Scores of each expression; a dash where a score has nothing to rest on."""
    models: list[tuple[Evaluated, Confusion]] = [
        (results.cnn, confusion["cnn"]),
        (results.dnn, confusion["dnn"]),
    ]
    rows = []
    for number, name in enumerate(EXPRESSIONS):
        texts = []
        for model, matrix in models:
            scores = model.test.per_class[name]
            named = sum(row[number] for row in matrix.counts)
            texts += [
                f"{scores.precision:.2f}" if named else _NOTHING,
                f"{scores.recall:.2f}" if scores.faces else _NOTHING,
                f"{scores.f1:.2f}" if scores.faces else _NOTHING,
            ]
        rows.append(ClassRow(name, count(results.cnn.test.per_class[name].faces), texts))
    return rows


def training_rows(content: ReportContent) -> list[Row]:
    """How both models were trained."""
    told = {
        model: _training(getattr(content.params.train, model), content.trained[model])
        for model in content.trained
    }
    return [Row(name, Cell(told["cnn"][name]), Cell(told["dnn"][name])) for name in told["cnn"]]


def layer_rows(layers: Sequence[Layer]) -> list[tuple[str, str, str, str]]:
    """A network's layers: name, kind, what comes out, parameters as Keras counts them."""
    return [
        (
            layer.name,
            layer.kind,
            layer.shape.replace(" x ", " × "),  # noqa: RUF001
            count(layer.parameters) if layer.parameters else "",
        )
        for layer in layers
    ]


def comparison_rows(results: Evaluation) -> list[tuple[str, str, str, str, str]]:
    """Networks side by side: name, parameters, accuracy, its interval, McNemar's p to the CNN."""
    cnn, dnn = results.cnn, results.dnn
    return [
        ("CNN", count(cnn.parameters), percent(cnn.test.accuracy),
         percent_range(cnn.test.accuracy_interval), _NOTHING),
        ("DNN", count(dnn.parameters), percent(dnn.test.accuracy),
         percent_range(dnn.test.accuracy_interval), probability(results.difference.p)),
        ("Majority class", _NOTHING, percent(results.majority_accuracy), _NOTHING, _NOTHING),
    ]  # fmt: skip


def data_rows(ingested: Ingested, parts: Parts) -> list[tuple[str, str]]:
    """Counts of faces."""
    labelled, unlabelled = ingested.labelled, ingested.unlabelled
    return [
        ("Labelled faces", count(labelled.faces)),
        ("… for training", count(parts.train)),
        ("… for validation", count(parts.validation)),
        ("… for the test", count(parts.test)),
        ("Unlabelled faces", count(unlabelled.faces)),
        ("Exact copies among the labelled", count(labelled.copies)),
        ("Sets of copies with more than one label", count(labelled.disagreeing)),
        ("Blank labelled faces", count(labelled.constant)),
        ("Exact copies among the unlabelled", count(unlabelled.copies)),
        ("Blank unlabelled faces", count(unlabelled.constant)),
        ("Unlabelled faces that are also labelled", count(ingested.shared)),
        ("Rows dropped", count(ingested.dropped)),
        ("Held-out faces with a copy in another part", count(parts.copies_across_parts)),
    ]


def parameter_rows(params: Params) -> list[tuple[str, str]]:
    """Every parameter, by its dotted name."""
    return [(name, _plain(value)) for name, value in flatten(params.model_dump()).items()]


def _training(settings: Train, trained: Trained) -> dict[str, str]:
    schedule = {"one_cycle": "one cycle", "constant": "constant"}[settings.schedule]
    reason = "lowest validation loss" if settings.keep == "best" else "the last"
    members = settings.members
    network = settings.network if members == 1 else f"{members} x {settings.network}"
    shared = "" if members == 1 else f", shared by {members} networks"
    return {
        "Network": network
        if trained.width == 1
        else f"{network}, {trained.width:.3g} times as wide to match the CNN's size",
        "Input": _NORMALISATIONS[settings.normalisation],
        "Optimiser": f"{settings.optimiser}, weight decay {settings.weight_decay:g}",
        "Learning rate": f"{settings.learning_rate:g} at most, {schedule}"
        if settings.schedule == "one_cycle"
        else f"{settings.learning_rate:g}, {schedule}",
        "Batch": f"{settings.batch} faces{shared}",
        "Epochs": _epochs(settings, trained),
        "Passes over the faces": f"{trained.passes:.3g}{shared}",
        "Epoch kept": f"{trained.epoch} ({reason})",
        "Label smoothing": _or_none(settings.label_smoothing),
        "Mixed faces": f"{settings.mix:.0%}" if settings.mix else "none",
        "Dropout": _or_none(settings.dropout)
        if settings.dropout != "own"
        else "each layer at the rate of its design",
        "Weight averaging": _or_none(settings.averaging),
        "Augmentation": _augmentation(settings.augmentation),
    }


def _epochs(settings: Train, trained: Trained) -> str:
    if trained.epochs < settings.epochs:
        return f"{trained.epochs} of {settings.epochs}, then stopped early"
    return f"{trained.epochs}"


def _augmentation(settings: Augmentation) -> str:
    changes = [
        {"none": "", "random": "mirrored at random", "alternating": "mirrored every other epoch"}[
            settings.flip
        ],
        f"turned up to {settings.rotation:g}°" if settings.rotation else "",
        f"moved up to {settings.shift:.0%}" if settings.shift else "",
        f"scaled up to {settings.zoom:.0%}" if settings.zoom else "",
        f"sheared up to {settings.shear:g}" if settings.shear else "",
        f"contrast changed up to {settings.contrast:.0%}" if settings.contrast else "",
        f"a square covered in {settings.erase:.0%} of faces" if settings.erase else "",
    ]
    return ", ".join(filter(None, changes)) or "none"


def _or_none(value: float) -> str:
    return f"{value:g}" if value else "none"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
