"""What a classifier says of many faces."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

BATCH = 512


@torch.inference_mode()
def predict_probabilities(
    model: nn.Module, faces: NDArray[np.uint8], *, flip: bool = False
) -> NDArray[np.float32]:
    """Class probabilities (N, 7) of faces (N, 48, 48), in batches, in evaluation mode.

    Args:
        model: a classifier of grey levels.
        faces: grey levels; may be memory-mapped.
        flip: average the face with its mirror image (test-time augmentation).
    """
    model.eval()
    device = next(model.parameters()).device
    batches = []
    for start in range(0, len(faces), BATCH):
        # A copy: torch does not accept the read-only pages of a memory map.
        batch = torch.from_numpy(np.array(faces[start : start + BATCH])).to(device).unsqueeze(1)
        probabilities = model(batch).float().softmax(dim=1)
        if flip:
            mirrored = model(batch.flip(-1)).float().softmax(dim=1)
            probabilities = (probabilities + mirrored) / 2
        batches.append(probabilities.cpu().numpy())
    return np.concatenate(batches) if batches else np.empty((0, 7), np.float32)


@torch.inference_mode()
def reconstruct(autoencoder: nn.Module, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Faces (N, 48, 48) as an autoencoder redraws them: grey levels 0..255, the same shape."""
    autoencoder.eval()
    device = next(autoencoder.parameters()).device
    inputs = torch.from_numpy(np.array(faces)).to(device).unsqueeze(1)
    drawn: NDArray[np.float32] = 255 * autoencoder(inputs).float().squeeze(1).cpu().numpy()
    return drawn
