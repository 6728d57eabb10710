"""Where the CNN looks: maps of a face of each expression, and how much falls on features."""

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from pipeline import layout
from pipeline.analysis.intervals import mean_interval
from pipeline.analysis.saliency import explain, keep_brightest, share_inside
from pipeline.data.expressions import EXPRESSIONS
from pipeline.data.regions import read_regions
from pipeline.data.store import read_faces
from pipeline.figures.faces import draw_saliency
from pipeline.figures.style import save
from pipeline.models.store import load_classifier
from pipeline.stages import shell
from pipeline.stages.files import read_parquet, write_json


def work(stage: shell.Stage) -> None:
    """From the CNN and its predictions to maps, a masked face each, and one share."""
    settings = stage.params.saliency
    faces = read_faces(layout.LABELLED)
    predictions = read_parquet(layout.PREDICTIONS).query("part == 'test'")
    columns = [f"cnn_{name}" for name in EXPRESSIONS]
    probabilities = predictions[columns].to_numpy()
    labels, places = predictions["label"].to_numpy(), predictions["face"].to_numpy()
    predicted = probabilities.argmax(axis=1)
    model = load_classifier(layout.folder("train@cnn"))

    shown = one_of_each(labels, settings.seed)
    pictures, targets = faces.pixels[places[shown]], predicted[shown]
    gradient = explain(model, pictures, targets, method="gradient")
    smooth = explain(
        model,
        pictures,
        targets,
        method="smoothgrad",
        samples=settings.samples,
        noise=settings.noise,
        seed=settings.seed,
    )
    masked = keep_brightest(pictures, smooth, settings.mask)
    names = [
        (EXPRESSIONS[labels[i]], EXPRESSIONS[predicted[i]], float(probabilities[i, predicted[i]]))
        for i in shown
    ]
    figure = draw_saliency(
        pictures, [("gradient", gradient), ("SmoothGrad", smooth)], masked, names,
        "Which pixels the CNN's answer depends on",
    )  # fmt: skip
    path = layout.figures(stage.name) / "saliency.svg"
    save(figure, path)

    results: dict[str, object] = {"faces_shown": [int(places[i]) for i in shown]}
    regions = read_regions(layout.REGIONS)
    if regions is not None:
        measured = np.random.default_rng(settings.seed).permutation(len(labels))[: settings.faces]
        inside = np.any([part[places[measured]] for part in regions.values()], axis=0)
        maps = explain(
            model, faces.pixels[places[measured]], predicted[measured],
            method="smoothgrad", samples=settings.samples, noise=settings.noise,
            seed=settings.seed,
        )  # fmt: skip
        shares, area = share_inside(maps, inside), inside.mean(axis=(1, 2))
        # Above 1: the features draw more saliency than their area alone would give them.
        lift = mean_interval(
            shares / area, resamples=stage.params.evaluate.resamples, seed=settings.seed
        )
        results |= {
            "faces_measured": len(measured),
            "share_on_features": float(shares.mean()),
            "area_of_features": float(area.mean()),
            "lift": asdict(lift),
        }
        write_json(
            layout.metrics(stage.name),
            {"saliency": {"on_features": float(shares.mean()), "by_chance": float(area.mean())}},
        )
        stage.journal.metrics(
            {"saliency.on_features": float(shares.mean()), "saliency.by_chance": float(area.mean())}
        )
    else:
        # Real faces come without the truth about their features; DVC expects the file all the same.
        write_json(layout.metrics(stage.name), {})
    write_json(layout.folder(stage.name) / "saliency.json", results)
    stage.journal.artifact(path, "figures")


def one_of_each(labels: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """Position of a random face of each expression that occurs, in the order of the labels."""
    rng = np.random.default_rng(seed)
    present = np.unique(labels)
    return np.array([rng.choice(np.flatnonzero(labels == label)) for label in present])


if __name__ == "__main__":
    shell.run("saliency", work, own_params=lambda params: params.saliency.model_dump())
