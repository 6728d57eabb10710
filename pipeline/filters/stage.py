"""What the filters see: images that excite them, and what they make of a face."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pipeline import layout, shell
from pipeline.explaining.ascent import noise_images
from pipeline.explaining.subject import Results, Subject, explain_each
from pipeline.figures.face_grid import draw_tiles
from pipeline.figures.style import save
from pipeline.files import write_json
from pipeline.filters.activations import (
    Maps,
    find_layer,
    last_convolution,
    layer_outputs,
    pick_layers,
)
from pipeline.filters.filters import Maximised, choose_filters, maximise, strongest_filters
from pipeline.networks.classifier import Classifier
from pipeline.networks.ensemble import members
from pipeline.networks.networks import convolutions
from pipeline.params import Filters

NO_FILTERS = "a network of dense layers has no filters to look at"


@dataclass(frozen=True)
class Layer:
    """A layer at work on one face: its name, its outputs (filters, height, width), the face."""

    name: str
    outputs: Maps
    face: NDArray[np.uint8]


def work(stage: shell.Stage) -> None:
    """From the networks and one test face to pictures of their filters, layer by layer."""
    results = explain_each(stage, explain_filters)
    write_json(layout.folder(stage.name) / "filters.json", results)
    stage.journal.artifact(layout.folder(stage.name) / "filters.json")


def explain_filters(subject: Subject) -> Results:
    """Draw the filters of one model.

    Raises:
        UserError: the network has convolutions, but not the layers that were asked for.
    """
    network, settings = one_of(subject.model)[1], subject.params.filters
    spatial = convolutions(network)
    if not spatial:
        return {"layers": [], "note": NO_FILTERS}
    names = pick_layers(network) if settings.layers == "auto" else settings.layers
    for name in names:
        find_layer(network, name)

    place = settings.face % len(subject.faces.pixels)
    face = subject.faces.pixels[place]
    draw_first(network, look(subject, spatial[0], face), subject.figures)
    results: Results = {"layers": list(names), "of": {}}
    for name in names:
        layer = look(subject, name, face)
        results["of"][name] = {
            **{start: draw_excited(subject, layer, start) for start in ("noise", "face")},
            "strongest": draw_strongest(subject, layer),
        }
    results["random"] = draw_random(subject, look(subject, last_convolution(network), face))
    return results


def one_of(model: Classifier) -> tuple[str, nn.Module]:
    """The network to look into, and its name in the classifier: of an ensemble, the first member.

    The others are like it, from other random weights.
    """
    name, network = next(iter(members(model.network).items()))
    return f"network.{name}".removesuffix("."), network


def look(subject: Subject, layer: str, face: NDArray[np.uint8]) -> Layer:
    """A layer and what it makes of a face."""
    path = f"{one_of(subject.model)[0]}.{layer}"
    return Layer(layer, layer_outputs(subject.model, path, face[None])[0], face)


def draw_first(network: nn.Module, layer: Layer, figures: Path) -> None:
    """All kernels of the first convolution, and what each makes of the face."""
    kernels = find_layer(network, layer.name).get_parameter("weight").detach().cpu().numpy()[:, 0]
    numbers = [str(number) for number in range(len(kernels))]
    title = f"All {len(kernels)} kernels of the first convolution ({layer.name})"
    save(draw_tiles(kernels, numbers, title, columns=8, tile=0.7), figures / "kernels.svg")
    title = f"{layer.name}: a test face, and what all {len(kernels)} filters make of it"
    images = [layer.face.astype(np.float32), *layer.outputs]
    save(
        draw_tiles(images, ["face", *numbers], title, columns=8, tile=0.7),
        figures / "first-outputs.svg",
    )


def draw_excited(subject: Subject, layer: Layer, start: str) -> dict[str, Any]:
    """Images that excite some filters, from noise or from the face, the most excited first."""
    settings = subject.params.filters
    chosen = choose_filters(len(layer.outputs), settings.filters, settings.seed)
    found = excite(subject, layer, chosen, start)
    origin = "noise" if start == "noise" else "a face"
    title = f"{layer.name}: what excites its filters, {settings.steps} steps from {origin}"
    path = subject.figures / f"{layer.name}-from-{start}.svg"
    save(draw_tiles(found.images, names_of(found), title, columns=6), path)
    return numbers_of(found)


def draw_strongest(subject: Subject, layer: Layer) -> dict[str, Any]:
    """The filters that the face excites most: what they make of it, and what excites them."""
    settings = subject.params.filters
    strongest = strongest_filters(layer.outputs, settings.strongest)
    found = excite(subject, layer, strongest, "noise")
    # In the order of the face's excitement, one column a filter.
    order = [int(np.flatnonzero(found.filters == number)[0]) for number in strongest]
    means = layer.outputs[strongest].mean(axis=(1, 2))
    above = [f"filter {k}: {mean:.3g}" for k, mean in zip(strongest, means, strict=True)]
    below = [names_of(found)[place] for place in order]
    images = [*layer.outputs[strongest], *found.images[order]]
    title = (
        f"{layer.name}: what the {len(strongest)} filters that a face excites most make of it, "
        f"and what excites them, {settings.steps} steps from noise"
    )
    path = subject.figures / f"{layer.name}-strongest.svg"
    save(draw_tiles(images, [*above, *below], title, columns=len(strongest)), path)
    return {"filters": strongest.tolist(), "on_face": means.tolist()}


def draw_random(subject: Subject, layer: Layer) -> dict[str, Any]:
    """Random filters of the last convolution, and images that excite them."""
    settings = subject.params.filters
    chosen = choose_filters(len(layer.outputs), settings.random, settings.seed + 1)
    found = excite(subject, layer, chosen, "noise")
    title = (
        f"{layer.name}, the last convolution: {len(chosen)} random filters, "
        f"{settings.steps} steps from noise"
    )
    save(draw_tiles(found.images, names_of(found), title, columns=5), subject.figures / "last.svg")
    return {"layer": layer.name, **numbers_of(found)}


def excite(subject: Subject, layer: Layer, filters: NDArray[np.int64], start: str) -> Maximised:
    """Images that excite filters, from noise or from the layer's face."""
    settings: Filters = subject.params.filters
    images = (
        noise_images(len(filters), settings.seed)
        if start == "noise"
        else np.repeat(layer.face[None].astype(np.float32), len(filters), axis=0)
    )
    path = f"{one_of(subject.model)[0]}.{layer.name}"
    return maximise(subject.model, path, filters, images, settings)


def names_of(found: Maximised) -> list[str]:
    """`filter 7: 0.12 → 3.4`, one each."""
    return [
        f"filter {number}: {before:.3g} → {after:.3g}"
        for number, before, after in zip(found.filters, found.before, found.after, strict=True)
    ]


def numbers_of(found: Maximised) -> dict[str, Any]:
    """What of the images goes into the results."""
    return {
        "filters": found.filters.tolist(),
        "before": found.before.tolist(),
        "after": found.after.tolist(),
    }


def main() -> None:
    """Run the stage as a program."""
    shell.run("filters", work, heavy=True, own_params=lambda params: params.filters.model_dump())
