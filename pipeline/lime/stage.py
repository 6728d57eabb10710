"""Which parts of a face decide: LIME for a test face of each expression, both networks."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipeline import layout, shell
from pipeline.explaining.subject import Results, Subject, explain_each, one_of_each
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.style import save
from pipeline.files import write_json
from pipeline.lime import lime
from pipeline.lime.figures import Explained, draw_lime
from pipeline.lime.segments import segment
from pipeline.networks.inference import predict_probabilities


@dataclass(frozen=True)
class Found:
    """LIME of one face: the first seed's row of the figure, and how far the second one agrees.

    Attributes:
        row: what is drawn.
        place: of the face among all labelled ones.
        correlation: of all weights between the two seeds; None where they do not differ.
    """

    row: Explained
    place: int
    correlation: float | None


def work(stage: shell.Stage) -> None:
    """From both networks to a picture each, and how good and how stable the explanations are."""
    results = explain_each(stage, explain_lime)
    write_json(layout.folder(stage.name) / "lime.json", results)
    stage.journal.artifact(layout.folder(stage.name) / "lime.json")
    stage.journal.metrics(
        {
            f"lime.{model}.{name}": value
            for model, found in results.items()
            for name, value in found["mean"].items()
            if value is not None
        }
    )


def explain_lime(subject: Subject) -> Results:
    """LIME of a face of each expression for the class that the model names: figure and numbers."""
    settings = subject.params.lime
    shown = one_of_each(subject.faces.labels, settings.seed)
    probabilities = subject.predict(shown)
    found = [_explain(subject, at, answer) for at, answer in zip(shown, probabilities, strict=True)]
    rows = [each.row for each in found]
    title = f"{subject.name}: which parts of a face decide (LIME)"
    save(draw_lime(rows, settings.marked, title), subject.figures / "lime.svg")
    faces = {each.row.true: _numbers(each) for each in found}
    return {
        "marked": settings.marked,
        "seeds": [settings.seed, settings.seed + 1],
        "faces": faces,
        "mean": {
            name: _mean(numbers[name] for numbers in faces.values())
            for name in ("r2", "overlap", "correlation")
        },
    }


def _explain(
    subject: Subject, at: np.int64, answer: "np.ndarray[tuple[int], np.dtype[np.float32]]"
) -> Found:
    settings, face = subject.params.lime, np.array(subject.faces.pixels[at])
    segments, predicted = segment(face, settings.segments), int(answer.argmax())
    first, second = (
        lime.explain(
            lambda faces: predict_probabilities(subject.model, faces),
            face, segments, predicted, samples=settings.samples, seed=seed,
        )
        for seed in (settings.seed, settings.seed + 1)
    )  # fmt: skip
    marked, again = (lime.strongest(each.weights, settings.marked) for each in (first, second))
    row = Explained(
        face=face,
        segments=segments,
        weights=first.weights,
        kept=lime.keep(face, segments, marked),
        true=EXPRESSIONS[subject.faces.labels[at]],
        predicted=EXPRESSIONS[predicted],
        probability=float(answer[predicted]),
        r2=first.r2,
        samples=settings.samples,
        overlap=lime.jaccard(marked, again),
    )
    place = int(subject.faces.places[at])
    return Found(row, place, lime.correlation(first.weights, second.weights))


def _numbers(found: Found) -> Results:
    row = found.row
    return {
        "face": found.place,
        "predicted": row.predicted,
        "probability": row.probability,
        "segments": int(row.segments.max()) + 1,
        "samples": row.samples,
        "r2": row.r2,
        "overlap": row.overlap,
        "correlation": found.correlation,
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def main() -> None:
    """Run the stage as a program."""
    shell.run("lime", work, heavy=True, own_params=lambda params: params.lime.model_dump())
