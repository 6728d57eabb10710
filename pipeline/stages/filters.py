"""What the CNN's filters see: images that excite them, and what they make of a face."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pipeline import layout
from pipeline.analysis.filters import (
    Maximised,
    choose_filters,
    find_layer,
    layer_outputs,
    maximise,
    noise_images,
)
from pipeline.data.store import read_faces
from pipeline.figures.faces import draw_tiles
from pipeline.figures.style import save
from pipeline.models.networks import convolutions
from pipeline.models.store import load_classifier
from pipeline.params import Filters
from pipeline.stages import shell
from pipeline.stages.files import read_parquet, write_json

OUTPUTS_SHOWN = 24


def work(stage: shell.Stage) -> None:
    """From the CNN and one test face to pictures of its filters, layer by layer."""
    settings, figures = stage.params.filters, layout.figures(stage.name)
    model = load_classifier(layout.folder("train@cnn"))
    network = model.network
    for layer in settings.layers:
        find_layer(network, layer)
    face = pick_test_face(settings.face)
    paths = [draw_kernels(network, figures)]

    results = {}
    for layer in settings.layers:
        outputs = layer_outputs(model, f"network.{layer}", face[None])[0]
        paths.append(draw_outputs(outputs, layer, figures))
        chosen = choose_filters(len(outputs), settings.filters, settings.seed)
        starts = {
            "noise": noise_images(len(chosen), settings.seed),
            "face": np.repeat(face[None].astype(np.float32), len(chosen), axis=0),
        }
        for start, images in starts.items():
            found = maximise(
                model, f"network.{layer}", chosen, images, steps=settings.steps,
                learning_rate=settings.learning_rate, smoothness=settings.smoothness,
                seed=settings.seed,
            )  # fmt: skip
            paths.append(draw_maximised(found, layer, start, settings, figures))
            results[f"{layer} from {start}"] = {
                "filters": found.filters.tolist(),
                "before": found.before.tolist(),
                "after": found.after.tolist(),
            }
    write_json(layout.folder(stage.name) / "filters.json", results)
    for path in paths:
        stage.journal.artifact(path, "figures")


def pick_test_face(number: int) -> NDArray[np.uint8]:
    """A test face (48, 48); numbers beyond the last start again from the first."""
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    test = np.flatnonzero(parts == "test")
    face: NDArray[np.uint8] = np.array(read_faces(layout.LABELLED).pixels[test[number % len(test)]])
    return face


def draw_kernels(network: nn.Module, figures: Path) -> Path:
    """All kernels of the first convolution."""
    first = convolutions(network)[0]
    kernels = find_layer(network, first).get_parameter("weight").detach().numpy()[:, 0]
    title = f"All {len(kernels)} kernels of the first convolution ({first})"
    figure = draw_tiles(kernels, [str(k) for k in range(len(kernels))], title, columns=8, tile=0.7)
    save(figure, figures / "kernels.svg")
    return figures / "kernels.svg"


def draw_outputs(outputs: NDArray[np.float32], layer: str, figures: Path) -> Path:
    """What the filters most active on a face make of it."""
    strongest = np.argsort(-outputs.mean(axis=(1, 2)), kind="stable")[:OUTPUTS_SHOWN]
    title = f"{layer}: the filters most active on one test face, and what they make of it"
    figure = draw_tiles(
        outputs[strongest], [f"filter {k}" for k in strongest], title, columns=8, tile=0.8
    )
    save(figure, figures / f"{layer}-outputs.svg")
    return figures / f"{layer}-outputs.svg"


def draw_maximised(
    found: Maximised, layer: str, start: str, settings: Filters, figures: Path
) -> Path:
    """Images that excite some filters, the most excited first."""
    names = [
        f"filter {number}: {before:.2f} → {after:.2f}"
        for number, before, after in zip(found.filters, found.before, found.after, strict=True)
    ]
    title = f"{layer}: what excites its filters, {settings.steps} steps from {start}"
    save(draw_tiles(found.images, names, title, columns=6), figures / f"{layer}-from-{start}.svg")
    return figures / f"{layer}-from-{start}.svg"


if __name__ == "__main__":
    shell.run("filters", work, own_params=lambda params: params.filters.model_dump())
