"""What a network takes for each expression: images from noise that it is sure of.

Class model visualisation (Simonyan et al. 2013, arXiv:1312.6034): the cross-entropy of the wanted
class is descended. A report once added its gradient instead, which leads away from the class.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pipeline.class_images.result import ClassImage, ClassImagesResult
from pipeline.explaining.ascent import ascend, noise_images
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.networks.inference import predict_probabilities
from pipeline.params import Ascent


def imagine_classes(
    model: nn.Module, settings: Ascent
) -> tuple[NDArray[np.uint8], ClassImagesResult]:
    """An image for each expression in their order, and what the network makes of it.

    Images are (7, 48, 48), of grey levels 0..255, whole numbers as a face has them.
    """
    model.eval()
    device = next(model.parameters()).device
    classes = torch.arange(len(EXPRESSIONS), device=device)

    def fit(images: Tensor) -> Tensor:
        return -functional.cross_entropy(model(images), classes, reduction="none")

    # The same noise for all classes: images then differ by what the network wants alone.
    start = np.repeat(noise_images(1, settings.seed), len(EXPRESSIONS), axis=0)
    found = ascend(fit, start, settings, device)
    # Of the rounded image: what is reported is what the picture shows.
    images = np.rint(found.images).astype(np.uint8)
    probabilities = predict_probabilities(model, images)
    after = -np.log(np.maximum(np.diagonal(probabilities), 1e-12)).astype(np.float64)
    results = {
        name: ClassImage(
            cross_entropy_before=float(-found.before[k]),
            cross_entropy_after=float(after[k]),
            probability=float(probabilities[k, k]),
            named=EXPRESSIONS[int(probabilities[k].argmax())],
        )
        for k, name in enumerate(EXPRESSIONS)
    }
    won = sum(image.named == name for name, image in results.items())
    return images, ClassImagesResult(won, results)
