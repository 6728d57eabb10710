"""What a classifier says of many faces."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pipeline.params import TTA

BATCH = 512

AS_IT_IS = TTA(flip=False, shift=0)


@torch.inference_mode()
def predict_probabilities(
    model: nn.Module, faces: NDArray[np.uint8], tta: TTA = AS_IT_IS
) -> NDArray[np.float32]:
    """Class probabilities (N, 7) of faces (N, 48, 48), in batches, in evaluation mode.

    The faces may be memory-mapped; with `tta` the mean answer of what is shown of a face counts.
    """
    model.eval()
    batches = []
    for start in range(0, len(faces), BATCH):
        batch = inputs_of(model, faces[start : start + BATCH])
        answers = [model(view).float().softmax(dim=1) for view in show_views(batch, tta)]
        batches.append(torch.stack(answers).mean(dim=0).cpu().numpy())
    return np.concatenate(batches) if batches else np.empty((0, 7), np.float32)


def inputs_of(model: nn.Module, faces: NDArray[np.uint8]) -> Tensor:
    """Faces (N, 48, 48) as a model takes them, float32 (N, 1, 48, 48), on its device."""
    # A copy: torch does not accept the read-only pages of a memory map.
    grey_levels = torch.from_numpy(np.array(faces)).unsqueeze(1)
    return grey_levels.to(next(model.parameters()).device).float()


def show_views(faces: Tensor, tta: TTA) -> Iterator[Tensor]:
    """Faces (N, 1, H, W) as they are, moved, and all of these mirrored; each of the same shape."""
    for moved in _move(faces, tta.shift):
        yield moved
        if tta.flip:
            yield moved.flip(-1)


def _move(faces: Tensor, shift: int) -> Iterator[Tensor]:
    """Faces as they are, and moved by so many pixels each way; the border is repeated."""
    yield faces
    if not shift:
        return
    height, width = faces.shape[-2:]
    padded = functional.pad(faces.float(), [shift] * 4, mode="replicate")
    for top, left in ((0, shift), (2 * shift, shift), (shift, 0), (shift, 2 * shift)):
        yield padded[:, :, top : top + height, left : left + width]


@torch.inference_mode()
def reconstruct(autoencoder: nn.Module, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Faces (N, 48, 48) as an autoencoder redraws them: grey levels 0..255, the same shape."""
    drawn: Tensor = autoencoder.eval()(inputs_of(autoencoder, faces)).float().squeeze(1)
    redrawn: NDArray[np.float32] = 255 * drawn.cpu().numpy()
    return redrawn
