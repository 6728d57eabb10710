"""What a network takes for each expression: images from noise that it is sure of.

Class model visualisation (Simonyan et al. 2013, arXiv:1312.6034): the cross-entropy of the wanted
class is descended. A report once added its gradient instead, which leads away from the class.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pipeline.explaining.ascent import Images, ascend, noise_images
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.networks.inference import predict_probabilities
from pipeline.params import Ascent


@dataclass(frozen=True)
class ClassImages:
    """An image for each expression, in their order.

    Attributes:
        images: grey levels 0..255, whole numbers as a face has them, (7, 48, 48).
        before: cross-entropy of the wanted class on the noise, nats, (7,).
        after: on the image, (7,).
        probabilities: of all classes on each image, (7, 7).
    """

    images: NDArray[np.uint8]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    probabilities: NDArray[np.float32]


def imagine_classes(model: nn.Module, settings: Ascent) -> ClassImages:
    """Make an image for each expression.

    Args:
        model: a classifier of grey levels; put into evaluation mode.
        settings: of the ascent.
    """
    model.eval()
    device = next(model.parameters()).device
    classes = torch.arange(len(EXPRESSIONS), device=device)

    def fit(images: Tensor) -> Tensor:
        return -functional.cross_entropy(model(images), classes, reduction="none")

    start = _same(noise_images(1, settings.seed))
    found = ascend(fit, start, settings, device)
    images = np.rint(found.images).astype(np.uint8)
    probabilities = predict_probabilities(model, images)
    # Of the rounded image: what is reported is what the picture shows.
    after = -np.log(np.maximum(np.diagonal(probabilities), 1e-12)).astype(np.float64)
    return ClassImages(images, -found.before, after, probabilities)


def _same(noise: Images) -> Images:
    """The same noise for all classes: images then differ by what the network wants alone."""
    return np.repeat(noise, len(EXPRESSIONS), axis=0)
