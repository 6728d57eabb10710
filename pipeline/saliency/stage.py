"""Where the networks look: maps in several forms, and whether the bright pixels matter."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import layout, shell
from pipeline.explaining.subject import Results, Subject, explain_each, one_of_each
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.regions import read_regions
from pipeline.figures.style import save
from pipeline.files import write_json
from pipeline.networks.classifier import Classifier
from pipeline.saliency.deletion import SHARES, Deletion, area_under, measure_deletion
from pipeline.saliency.figures import (
    Answer,
    beside,
    draw_deletion,
    draw_pictures,
    draw_rows,
    grey,
    heat,
    overlay,
)
from pipeline.saliency.randomisation import measure_randomisation, unlearned
from pipeline.saliency.saliency import Maps, Method, explain, keep_brightest, share_inside
from pipeline.statistics.intervals import mean_interval

METHODS: dict[Method, str] = {
    "smoothgrad": "SmoothGrad",
    "gradient": "gradient",
    "loss": "loss",
    "integrated": "integrated",
}
"""The first is the one that single maps are drawn with."""

FORGETTING = 16
"""Faces whose maps are made anew for each layer that is randomised."""

SEVERAL = 8
"""Faces on the figure by the gradient of the loss."""


def work(stage: shell.Stage) -> None:
    """From both networks to maps of faces, and what they are worth in numbers."""
    regions = read_regions(layout.REGIONS)
    features = None if regions is None else np.any(list(regions.values()), axis=0)
    results = explain_each(stage, lambda subject: explain_saliency(subject, features))
    write_json(layout.folder(stage.name) / "saliency.json", results)
    headline = {
        f"{model}_deletion": found["deletion"]["difference"]["smoothgrad"]["value"]
        for model, found in results.items()
    }
    headline |= {
        f"{model}_randomised": found["randomisation"]["all"]["value"]
        for model, found in results.items()
    }
    # Real faces come without the truth about their features.
    if features is not None:
        headline["on_features"] = results["cnn"]["share_on_features"]
        headline["by_chance"] = results["cnn"]["area_of_features"]
        headline["untrained"] = results["cnn"]["share_untrained"]
    write_json(layout.metrics(stage.name), {"saliency": headline})
    stage.journal.metrics({f"saliency.{name}": value for name, value in headline.items()})
    stage.journal.artifact(layout.folder(stage.name) / "saliency.json")


def explain_saliency(subject: Subject, features: NDArray[np.bool_] | None = None) -> Results:
    """Draw the maps of one model and measure them.

    Args:
        subject: the model.
        features: where brows, eyes and mouth of the labelled faces are, (faces, 48, 48), if known.
    """
    faces, settings = subject.faces, subject.params.saliency
    shown = one_of_each(faces.labels, settings.seed)
    several = np.random.default_rng(settings.seed).permutation(len(faces.labels))[:SEVERAL]
    draw_one_of_each(subject, shown)
    draw_by_loss(subject, several)

    measured = np.random.default_rng(settings.seed).permutation(len(faces.labels))
    measured = measured[: settings.faces]
    maps = {method: make_maps(subject, measured, method) for method in METHODS}
    results: Results = {
        "faces_shown": [int(place) for place in faces.places[shown]],
        "faces_measured": len(measured),
        "deletion": delete(subject, measured, maps),
        "randomisation": randomise(subject, measured[:FORGETTING]),
    }
    if features is not None:
        inside = features[faces.places[measured]]
        untrained = make_maps(
            subject, measured, "smoothgrad", unlearned(subject.model, settings.seed)
        )
        results |= on_features(subject, maps["smoothgrad"], untrained, inside)
    return results


def make_maps(
    subject: Subject, chosen: NDArray[np.int64], method: Method, network: Classifier | None = None
) -> Maps:
    """Maps of some test faces: for the model's answer, or, by the loss, for the true class.

    Args:
        subject: the model.
        chosen: which faces.
        method: of the maps.
        network: to explain the same classes by another one.
    """
    settings, labels = subject.params.saliency, subject.faces.labels[chosen]
    targets = labels if method == "loss" else subject.predict(chosen).argmax(axis=1)
    return explain(
        network or subject.model, subject.faces.pixels[chosen], targets, method=method,
        samples=settings.samples, noise=settings.noise, steps=settings.steps, seed=settings.seed,
    )  # fmt: skip


def answers_for(subject: Subject, chosen: NDArray[np.int64]) -> list[Answer]:
    """What some test faces are, and what the model says."""
    probabilities, labels = subject.predict(chosen), subject.faces.labels[chosen]
    return [
        Answer(EXPRESSIONS[label], EXPRESSIONS[int(row.argmax())], float(row.max()))
        for label, row in zip(labels, probabilities, strict=True)
    ]


def draw_one_of_each(subject: Subject, shown: NDArray[np.int64]) -> None:
    """A face of each expression: by every method, under the mask, and with the map laid over."""
    faces, answers = subject.faces.pixels[shown], answers_for(subject, shown)
    maps = {method: make_maps(subject, shown, method) for method in METHODS}
    chosen = maps["smoothgrad"]
    masked = keep_brightest(faces, chosen, subject.params.saliency.mask)
    columns = [(name, heat(maps[method])) for method, name in METHODS.items()]
    figures = {
        "methods": draw_rows(
            [("face", grey(faces)), *columns], answers,
            f"What the {subject.name}'s answer depends on, by four methods",
        ),
        "triptych": draw_rows(
            [("map", heat(chosen)), ("face", grey(faces)), ("kept", grey(masked))], answers,
            f"{subject.name}: SmoothGrad map, face, and the pixels it marks most",
        ),
        "overlay": draw_pictures(
            overlay(faces, chosen), answers, f"{subject.name}: the map over the face", columns=4
        ),
    }  # fmt: skip
    for name, figure in figures.items():
        save(figure, subject.figures / f"{name}.svg")


def draw_by_loss(subject: Subject, chosen: NDArray[np.int64]) -> None:
    """Several faces, each beside the gradient of its loss."""
    pairs = beside(grey(subject.faces.pixels[chosen]), heat(make_maps(subject, chosen, "loss")))
    figure = draw_pictures(
        pairs, answers_for(subject, chosen), f"{subject.name}: what would change its loss most",
        columns=2,
    )  # fmt: skip
    save(figure, subject.figures / "loss.svg")


def delete(subject: Subject, chosen: NDArray[np.int64], maps: dict[Method, Maps]) -> dict[str, Any]:
    """Deletion by each kind of map against deletion at random, over some test faces."""
    settings, evaluate = subject.params.saliency, subject.params.evaluate
    targets = subject.predict(chosen).argmax(axis=1)
    found: Deletion = measure_deletion(
        subject.model, subject.faces.pixels[chosen], targets,
        {str(method): values for method, values in maps.items()},
        orders=settings.random, seed=settings.seed,
    )  # fmt: skip
    curves = {name: values.mean(axis=0).tolist() for name, values in found.salient.items()}
    random = found.random.mean(axis=0).tolist()
    figure = draw_deletion(
        SHARES, {METHODS[method]: curves[method] for method in METHODS}, random,
        f"{subject.name}: how soon the answer goes, {len(chosen)} test faces",
    )  # fmt: skip
    save(figure, subject.figures / "deletion.svg")
    at_random = area_under(found.random)
    gained = {name: at_random - area_under(values) for name, values in found.salient.items()}
    return {
        "shares": SHARES.tolist(),
        "salient": curves,
        "random": random,
        "area_random": float(at_random.mean()),
        "difference": {
            name: asdict(mean_interval(values, resamples=evaluate.resamples, seed=evaluate.seed))
            for name, values in gained.items()
        },
    }


def randomise(subject: Subject, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """How alike SmoothGrad maps stay while the network forgets what it learned, layer by layer."""
    found = measure_randomisation(
        subject.model,
        lambda network: make_maps(subject, chosen, "smoothgrad", network),
        seed=subject.params.saliency.seed,
    )
    evaluate, everything = subject.params.evaluate, [*found.values()][-1]
    return {
        "faces": len(chosen),
        "spearman": {layer: float(values.mean()) for layer, values in found.items()},
        "all": asdict(mean_interval(everything, resamples=evaluate.resamples, seed=evaluate.seed)),
    }


def on_features(
    subject: Subject, maps: Maps, untrained: Maps, inside: NDArray[np.bool_]
) -> dict[str, Any]:
    """How much saliency falls on brows, eyes and mouth, against two kinds of chance.

    One is the area that they cover. But convolutions that have learned nothing respond to edges and
    less to the border: their maps are the other.
    """
    chance = {"resamples": subject.params.evaluate.resamples, "seed": subject.params.evaluate.seed}
    shares, area = share_inside(maps, inside), inside.mean(axis=(1, 2))
    without = share_inside(untrained, inside)
    return {
        "share_on_features": float(shares.mean()),
        "area_of_features": float(area.mean()),
        "share_untrained": float(without.mean()),
        # Above 1: the features draw more saliency than their area alone would give them.
        "lift": asdict(mean_interval(shares / area, **chance)),
        # Above 0: they draw more than without training.
        "learned": asdict(mean_interval(shares - without, **chance)),
    }


def main() -> None:
    """Run the stage as a program."""
    shell.run("saliency", work, heavy=True, own_params=lambda params: params.saliency.model_dump())
