"""What the explaining stages share: trained models, and test faces to explain them on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline import layout
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import read_faces
from pipeline.figures.style import save_all
from pipeline.files import read_parquet, write_json
from pipeline.networks.classifier import Classifier
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import load_classifier
from pipeline.params import MODELS, ModelName, Params
from pipeline.shell import Stage

Result = TypeVar("Result")


@dataclass(frozen=True)
class UnseenFaces:
    """The faces of part `test` (N, 48, 48), unseen by the networks of this study.

    With their true expressions, and the place of each among all labelled faces, (N,).
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    places: NDArray[np.int64]


@dataclass(frozen=True)
class Answer:
    """The true expression of a face, the one that a network names, and its probability."""

    true: str
    predicted: str
    probability: float

    @property
    def is_right(self) -> bool:
        """Whether the network names the true expression."""
        return self.true == self.predicted

    @property
    def verdict(self) -> str:
        """`right, 93%` or `as neutral, 51%`."""
        return f"{'right' if self.is_right else f'as {self.predicted}'}, {self.probability:.0%}"


@dataclass(frozen=True)
class Subject:
    """One model to explain, in evaluation mode, on test faces.

    Titles have its name: `CNN` or `DNN`, or what else a user calls it; its pictures are put into
    the folder `figures`.
    """

    name: str
    model: Classifier
    faces: UnseenFaces
    params: Params
    figures: Path

    def predict(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        """Class probabilities (n, 7) of some test faces, as the evaluation computes them."""
        pixels = self.faces.pixels[chosen]
        return predict_probabilities(self.model, pixels, self.params.evaluate.tta)

    def answers(self, chosen: NDArray[np.int64]) -> list[Answer]:
        """The true expression of some test faces, and the model's answer."""
        return [
            Answer(EXPRESSIONS[label], EXPRESSIONS[int(row.argmax())], float(row.max()))
            for label, row in zip(self.faces.labels[chosen], self.predict(chosen), strict=True)
        ]

    def save(self, figures: Mapping[str, Figure]) -> None:
        """Write figures by their names."""
        save_all(figures, self.figures)


def explain_each(stage: Stage, explain: Callable[[Subject], Result]) -> dict[ModelName, Result]:
    """Explain both models of the study: figures to `figures/MODEL`, all results to `STAGE.json`."""
    faces = read_test_faces()
    results: dict[ModelName, Result] = {}
    for model in MODELS:
        figures = layout.figures(stage.name) / model
        classifier = load_classifier(layout.folder(f"train@{model}"))
        results[model] = explain(Subject(model.upper(), classifier, faces, stage.params, figures))
    write_json(layout.folder(stage.name) / f"{stage.name}.json", results)
    return results


def read_test_faces() -> UnseenFaces:
    """The faces that neither trained a network of this study nor chose an epoch.

    Raises:
        UserError: the split is missing.
    """
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    stored, places = read_faces(layout.LABELLED), np.flatnonzero(parts == "test")
    return UnseenFaces(stored.pixels[places], stored.labels[places].astype(np.int64), places)


def one_of_each(labels: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """Position of a random face of each expression that occurs, in the order of the labels."""
    rng = np.random.default_rng(seed)
    present = np.unique(labels)
    return np.array([rng.choice(np.flatnonzero(labels == label)) for label in present])
