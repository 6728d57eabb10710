"""From grey levels to network inputs, as the first layer of every classifier.

Because the layer travels with the weights, nobody can feed a model inputs on another scale than
the one it was trained on: everything outside speaks grey levels from 0 to 255.
"""

import torch
from torch import Tensor, nn

from pipeline.params import Normalisation


class Normalise(nn.Module):
    """Grey levels (N, 1, 48, 48) in 0..255 to inputs of the same shape.

    `none` leaves 0..255; `scale` divides by 255; `face` gives each face mean 0 and standard
    deviation 1, which takes exposure and contrast out; `dataset` does the same with the `mean` and
    `deviation` of all training faces.
    """

    def __init__(self, kind: Normalisation, mean: float = 0.0, deviation: float = 255.0) -> None:
        super().__init__()
        self.kind, self.mean, self.deviation = kind, mean, deviation

    def forward(self, faces: Tensor) -> Tensor:
        """Normalise a batch; differentiable, so that gradients reach the grey levels."""
        if self.kind == "none":
            return faces
        if self.kind == "scale":
            return faces / 255
        if self.kind == "dataset":
            return (faces - self.mean) / self.deviation
        # A black face has deviation 0: one grey level keeps it at zero instead of NaN.
        mean = faces.mean(dim=(1, 2, 3), keepdim=True)
        variance = (faces - mean).square().mean(dim=(1, 2, 3), keepdim=True)
        return (faces - mean) / torch.sqrt(variance + 1)
