"""A classifier with all that turns its logits into an answer, as one module to be exported."""

import torch
from torch import Tensor, nn

from pipeline.networks.classifier import Classifier
from pipeline.networks.inference import show_views
from pipeline.params import TTA

SMALLEST = float(torch.finfo(torch.float32).tiny)


class Answering(nn.Module):
    """Faces (N, 1, 48, 48), grey levels 0..255, to calibrated probabilities (N, 7).

    The mean answer for what `tta` shows of a face counts; the temperature divides its logarithms
    (`pipeline.statistics.temperature.temper`).
    """

    def __init__(self, classifier: Classifier, tta: TTA, temperature: float) -> None:
        super().__init__()
        self.classifier, self.tta, self.temperature = classifier, tta, temperature

    def forward(self, faces: Tensor) -> Tensor:
        """Probabilities of each face, in the order of `EXPRESSIONS`."""
        views = list(show_views(faces.float(), self.tta))
        # All at once: an exported graph then holds the network once, not for each view.
        answers = self.classifier(torch.cat(views)).softmax(dim=1)
        mean = answers.reshape(len(views), -1, answers.shape[1]).mean(dim=0)
        tempered: Tensor = mean.clamp_min(SMALLEST).log() / self.temperature
        return tempered.softmax(dim=1)
