"""One layer of a model and one face: numbers of its filters, with the figures that show them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.explaining.ascent import Images, noise_images
from pipeline.figures.face_grid import draw_tiles
from pipeline.filters.activations import Maps, find_layer, first_member, layer_outputs
from pipeline.filters.filters import Numbers, choose_filters, maximise, strongest_filters
from pipeline.filters.params import Filters
from pipeline.filters.result import Excited, ExcitedLayer, LayerSeen, Strongest
from pipeline.networks.classifier import Classifier

Figures = dict[str, Figure]


@dataclass(frozen=True)
class Layer:
    """A layer by its name in the network, and the face (48, 48) that it is shown by."""

    model: Classifier
    name: str
    face: NDArray[np.uint8]
    settings: Filters

    @property
    def path(self) -> str:
        """Its name in the classifier."""
        return f"{first_member(self.model)[0]}.{self.name}"

    @cached_property
    def outputs(self) -> Maps:
        """What its filters make of the face, (filters, height, width)."""
        outputs: Maps = layer_outputs(self.model, self.path, self.face[None])[0]
        return outputs

    def excite(self, chosen: Numbers, from_face: bool = False) -> tuple[Images, Excited]:
        """Images that excite some filters, from noise or from the face."""
        faces = np.repeat(self.face[None].astype(np.float32), len(chosen), axis=0)
        start = faces if from_face else noise_images(len(chosen), self.settings.seed)
        return maximise(self.model, self.path, chosen, start, self.settings)


def see_first(layer: Layer, activation: Layer) -> tuple[ExcitedLayer, Figures]:
    """All kernels of the first convolution, what each makes of the face, and what excites it.

    Excited is what the filters pass on behind the activation. The convolution's own mean would say
    nothing: it is linear, so its slope is the same at every pixel but those of the border, and its
    best image all white or all black.
    """
    weight = find_layer(layer.model, layer.path).get_parameter("weight")
    kernels = weight.detach().cpu().numpy()[:, 0]
    numbers = [str(number) for number in range(len(kernels))]
    of_kernels = f"All {len(kernels)} kernels of the first convolution ({layer.name})"
    of_outputs = f"{layer.name}: a test face, and what all {len(kernels)} filters make of it"
    shown = [layer.face.astype(np.float32), *layer.outputs]
    images, found = activation.excite(np.arange(len(kernels)))
    excited = [str(number) for number in found.filters]
    of_images = f"{activation.name}: what excites it, {layer.settings.steps} steps from noise"
    return ExcitedLayer(**vars(found), layer=activation.name), {
        "kernels": draw_tiles(kernels, numbers, of_kernels, columns=8, tile=0.7),
        "first-outputs": draw_tiles(shown, ["face", *numbers], of_outputs, columns=8, tile=0.7),
        "first": draw_tiles(images, excited, of_images, columns=8, tile=0.7),
    }


def see_layer(layer: Layer) -> tuple[LayerSeen, Figures]:
    """Images that excite some filters, from noise and from the face, and its strongest filters."""
    name, settings, steps = layer.name, layer.settings, f"{layer.settings.steps} steps from"
    chosen = choose_filters(len(layer.outputs), settings.filters, settings.seed)
    from_noise, noise = layer.excite(chosen)
    from_face, face = layer.excite(chosen, from_face=True)
    best = strongest_filters(layer.outputs, settings.strongest)
    outputs = layer.outputs[best]
    strongest = Strongest(best.tolist(), outputs.mean(axis=(1, 2)).tolist())
    means = [f"filter {f}: {mean:.3g}" for f, mean in zip(best, strongest.on_face, strict=True)]
    from_scratch, excited = layer.excite(best)
    places = [excited.filters.index(number) for number in best]  # the most excited comes first
    below = [captions(excited)[place] for place in places]
    excites = f"{name}: what excites its filters, {steps}"
    title = (
        f"{name}: what the {len(best)} filters that a face excites most make of it, "
        f"and what excites them, {steps} noise"
    )
    return LayerSeen(noise, face, strongest), {
        f"{name}-from-noise": draw_tiles(from_noise, captions(noise), f"{excites} noise"),
        f"{name}-from-face": draw_tiles(from_face, captions(face), f"{excites} a face"),
        f"{name}-strongest": draw_tiles(
            [*outputs, *from_scratch[places]], [*means, *below], title, columns=len(best)
        ),
    }


def see_last(layer: Layer) -> tuple[ExcitedLayer, Figures]:
    """Random filters of the last convolution, what excites each, and what it makes of the face."""
    settings = layer.settings
    chosen = choose_filters(len(layer.outputs), settings.random, settings.seed + 1)
    images, found = layer.excite(chosen)
    title = (
        f"{layer.name}, the last convolution: {len(chosen)} random filters, "
        f"{settings.steps} steps from noise"
    )
    shown = [layer.face.astype(np.float32), *layer.outputs[found.filters]]
    names = ["face", *(f"filter {number}" for number in found.filters)]
    of_outputs = f"{layer.name}: a test face, and what these filters make of it"
    return ExcitedLayer(**vars(found), layer=layer.name), {
        "last": draw_tiles(images, captions(found), title, columns=5),
        "last-outputs": draw_tiles(shown, names, of_outputs, columns=6),
    }


def captions(found: Excited) -> list[str]:
    """`filter 7: 0.12 → 3.4`, one each."""
    return [
        f"filter {number}: {before:.3g} → {after:.3g}"
        for number, before, after in zip(found.filters, found.before, found.after, strict=True)
    ]
