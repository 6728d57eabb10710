"""Which parts of a face decide: LIME for a test face of each expression, both networks."""

from collections.abc import Iterable

from pipeline import layout
from pipeline.explaining.subject import Answer, Subject, explain_each, one_of_each
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.files import write_json
from pipeline.lime.figures import Row, draw_lime
from pipeline.lime.lime import correlation, fit_linear_model, jaccard, keep, strongest
from pipeline.lime.params import Lime
from pipeline.lime.result import FaceExplained, LimeResult, Mean, headline
from pipeline.lime.segments import segment
from pipeline.networks.inference import predict_probabilities
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From both networks to a picture each, and how good and how stable the explanations are."""
    write_json(layout.metrics(stage.name), {"lime": headline(explain_each(stage, explain))})


def explain(subject: Subject) -> LimeResult:
    """LIME of a face of each expression for the class that the model names: figure and numbers."""
    settings = subject.params.section(Lime)
    shown = one_of_each(subject.faces.labels, settings.seed)
    rows = [
        explain_face(subject, int(at), answer)
        for at, answer in zip(shown, subject.answers(shown), strict=True)
    ]
    title = f"{subject.name}: which parts of a face decide (LIME)"
    subject.save({"lime": draw_lime(rows, settings.marked, title)})
    faces = {row.true: row.found for row in rows}
    means = {
        name: _mean(getattr(face, name) for face in faces.values())
        for name in ("r2", "overlap", "correlation")
    }
    return LimeResult(settings.marked, [settings.seed, settings.seed + 1], faces, Mean(**means))


def explain_face(subject: Subject, at: int, answer: Answer) -> Row:
    """One face's row of the figure, by the first seed, and how far the second one agrees."""
    settings, face = subject.params.section(Lime), subject.faces.pixels[at]
    segments = segment(face, settings.segments)
    first, second = (
        fit_linear_model(
            lambda faces: predict_probabilities(subject.model, faces), face, segments,
            EXPRESSIONS.index(answer.predicted), samples=settings.samples, seed=seed,
        )
        for seed in (settings.seed, settings.seed + 1)
    )  # fmt: skip
    marked, again = (strongest(each.weights, settings.marked) for each in (first, second))
    found = FaceExplained(
        face=int(subject.faces.places[at]),
        predicted=answer.predicted,
        probability=answer.probability,
        segments=int(segments.max()) + 1,
        samples=settings.samples,
        r2=first.r2,
        overlap=jaccard(marked, again),
        correlation=correlation(first.weights, second.weights),
    )
    return Row(answer.true, found, face, segments, first.weights, keep(face, segments, marked))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
