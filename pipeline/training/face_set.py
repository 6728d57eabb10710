"""The faces of a training, on its device."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.faces.store import Faces


@dataclass(frozen=True)
class FaceSet:
    """Faces on the training device, all at once: 23,000 of them take 53 MB.

    Attributes:
        pixels: uint8 (N, 48, 48), grey levels.
        labels: int64 (N,); unused where the objective needs none.
    """

    pixels: Tensor
    labels: Tensor

    @classmethod
    def of(cls, faces: Faces, places: NDArray[np.int64]) -> "FaceSet":
        """Some faces of a store, in memory."""
        labels = faces.labels[places].astype(np.int64)
        return cls(torch.from_numpy(faces.pixels[places]), torch.from_numpy(labels))

    def __len__(self) -> int:
        return len(self.pixels)

    def inputs(self, indices: Tensor) -> Tensor:
        """Some of them as a network takes them: float32 (n, 1, 48, 48) in 0..255."""
        return self.pixels[indices].unsqueeze(1).float()

    def to(self, device: torch.device) -> "FaceSet":
        """The same faces on another device."""
        return FaceSet(self.pixels.to(device), self.labels.to(device))

    def grey_levels(self) -> tuple[float, float]:
        """Mean and standard deviation of all pixels, to four decimals."""
        # From a histogram: as floats, the pixels would take eight times their memory.
        counts = torch.bincount(self.pixels.flatten(), minlength=256).cpu().numpy()
        levels = np.arange(256)
        mean = float(np.average(levels, weights=counts))
        deviation = float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))
        return round(mean, 4), round(deviation, 4)
