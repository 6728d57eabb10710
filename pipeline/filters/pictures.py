"""The figures of one model's filters, with the numbers that belong to them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pipeline.explaining.ascent import noise_images
from pipeline.explaining.subject import Subject
from pipeline.figures.face_grid import draw_tiles
from pipeline.filters.activations import Maps, find_layer, layer_outputs
from pipeline.filters.filters import Maximised, choose_filters, maximise, strongest_filters
from pipeline.filters.params import Filters as FiltersParams
from pipeline.filters.result import Excited, LastLayer, Strongest
from pipeline.networks.classifier import Classifier
from pipeline.networks.ensemble import members

Start = Literal["noise", "face"]


@dataclass(frozen=True)
class Layer:
    """A layer at work on one face: its name, its outputs (filters, height, width), the face."""

    name: str
    outputs: Maps
    face: NDArray[np.uint8]


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


def draw_first(subject: Subject, network: nn.Module, layer: Layer) -> None:
    """All kernels of the first convolution, and what each makes of the face."""
    kernels = find_layer(network, layer.name).get_parameter("weight").detach().cpu().numpy()[:, 0]
    numbers = [str(number) for number in range(len(kernels))]
    of_kernels = f"All {len(kernels)} kernels of the first convolution ({layer.name})"
    of_outputs = f"{layer.name}: a test face, and what all {len(kernels)} filters make of it"
    images = [layer.face.astype(np.float32), *layer.outputs]
    subject.save(
        {
            "kernels": draw_tiles(kernels, numbers, of_kernels, columns=8, tile=0.7),
            "first-outputs": draw_tiles(
                images, ["face", *numbers], of_outputs, columns=8, tile=0.7
            ),
        }
    )


def draw_excited(subject: Subject, layer: Layer, start: Start) -> Excited:
    """Images that excite some filters, from noise or from the face, the most excited first."""
    settings = subject.params.section(FiltersParams)
    chosen = choose_filters(len(layer.outputs), settings.filters, settings.seed)
    found = excite(subject, layer, chosen, start)
    origin = "noise" if start == "noise" else "a face"
    title = f"{layer.name}: what excites its filters, {settings.steps} steps from {origin}"
    figure = draw_tiles(found.images, captions(found), title, columns=6)
    subject.save({f"{layer.name}-from-{start}": figure})
    return Excited(found.filters.tolist(), found.before.tolist(), found.after.tolist())


def draw_strongest(subject: Subject, layer: Layer) -> Strongest:
    """The filters that the face excites most: what they make of it, and what excites them."""
    settings = subject.params.section(FiltersParams)
    strongest = strongest_filters(layer.outputs, settings.strongest)
    found = excite(subject, layer, strongest, "noise")
    # In the order of the face's excitement, one column a filter.
    order = [int(np.flatnonzero(found.filters == number)[0]) for number in strongest]
    means = layer.outputs[strongest].mean(axis=(1, 2))
    above = [f"filter {k}: {mean:.3g}" for k, mean in zip(strongest, means, strict=True)]
    below = [captions(found)[place] for place in order]
    images = [*layer.outputs[strongest], *found.images[order]]
    title = (
        f"{layer.name}: what the {len(strongest)} filters that a face excites most make of it, "
        f"and what excites them, {settings.steps} steps from noise"
    )
    figure = draw_tiles(images, [*above, *below], title, columns=len(strongest))
    subject.save({f"{layer.name}-strongest": figure})
    return Strongest(strongest.tolist(), means.tolist())


def draw_random(subject: Subject, layer: Layer) -> LastLayer:
    """Random filters of the last convolution, and images that excite them."""
    settings = subject.params.section(FiltersParams)
    chosen = choose_filters(len(layer.outputs), settings.random, settings.seed + 1)
    found = excite(subject, layer, chosen, "noise")
    title = (
        f"{layer.name}, the last convolution: {len(chosen)} random filters, "
        f"{settings.steps} steps from noise"
    )
    subject.save({"last": draw_tiles(found.images, captions(found), title, columns=5)})
    return LastLayer(
        layer.name, found.filters.tolist(), found.before.tolist(), found.after.tolist()
    )


def excite(subject: Subject, layer: Layer, filters: NDArray[np.int64], start: Start) -> Maximised:
    """Images that excite filters, from noise or from the layer's face."""
    settings = subject.params.section(FiltersParams)
    images = (
        noise_images(len(filters), settings.seed)
        if start == "noise"
        else np.repeat(layer.face[None].astype(np.float32), len(filters), axis=0)
    )
    path = f"{one_of(subject.model)[0]}.{layer.name}"
    return maximise(subject.model, path, filters, images, settings)


def captions(found: Maximised) -> list[str]:
    """`filter 7: 0.12 → 3.4`, one each."""
    return [
        f"filter {number}: {before:.3g} → {after:.3g}"
        for number, before, after in zip(found.filters, found.before, found.after, strict=True)
    ]
