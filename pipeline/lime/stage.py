"""Which parts of a face decide: LIME for a test face of each expression, both networks."""

from collections.abc import Iterable

import numpy as np

from pipeline import layout
from pipeline.explaining.subject import Subject, explain_each, one_of_each
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.files import write_json
from pipeline.lime import lime
from pipeline.lime.figures import Explained, draw_lime
from pipeline.lime.params import Lime as LimeParams
from pipeline.lime.result import FaceExplained, Lime, Mean
from pipeline.lime.segments import segment
from pipeline.networks.inference import predict_probabilities
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From both networks to a picture each, and how good and how stable the explanations are."""
    write_json(layout.folder(stage.name) / "lime.json", explain_each(stage, explain))


def explain(subject: Subject) -> Lime:
    """LIME of a face of each expression for the class that the model names: figure and numbers."""
    settings = subject.params.section(LimeParams)
    shown = one_of_each(subject.faces.labels, settings.seed)
    rows, faces = [], {}
    for at, answer in zip(shown, subject.predict(shown), strict=True):
        row, found = explain_face(subject, int(at), answer)
        rows.append(row)
        faces[row.true] = found
    title = f"{subject.name}: which parts of a face decide (LIME)"
    subject.save({"lime": draw_lime(rows, settings.marked, title)})
    means = {
        name: _mean(getattr(face, name) for face in faces.values())
        for name in ("r2", "overlap", "correlation")
    }
    return Lime(settings.marked, [settings.seed, settings.seed + 1], faces, Mean(**means))


def explain_face(
    subject: Subject, at: int, answer: "np.ndarray[tuple[int], np.dtype[np.float32]]"
) -> tuple[Explained, FaceExplained]:
    """The first seed's row of the figure, and how far the second one agrees."""
    settings, face = subject.params.section(LimeParams), np.array(subject.faces.pixels[at])
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
    return row, FaceExplained(
        int(subject.faces.places[at]), row.predicted, row.probability, int(segments.max()) + 1,
        row.samples, row.r2, row.overlap, lime.correlation(first.weights, second.weights),
    )  # fmt: skip


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
