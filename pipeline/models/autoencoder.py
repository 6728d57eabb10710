"""An autoencoder with a real bottleneck, and the classifier that grows on its encoder."""

from torch import Tensor, nn

from pipeline.data.expressions import SIDE
from pipeline.models.compact import convolution
from pipeline.models.layers import CLASSES
from pipeline.models.networks import initialise
from pipeline.models.normalise import Normalise

CHANNELS = (32, 64, 128)
CORE = SIDE // 2 ** len(CHANNELS)
"""Side of the encoder's last maps: 6."""


class Encoder(nn.Sequential):
    """Faces (N, 1, 48, 48), grey levels 0..255, to codes (N, code)."""

    def __init__(self, code: int) -> None:
        inputs = (1, *CHANNELS)
        super().__init__(
            Normalise("scale"),
            *(convolution(i, o, stride=2) for i, o in zip(inputs, CHANNELS, strict=False)),
            nn.Flatten(),
            nn.Linear(CHANNELS[-1] * CORE**2, code),
        )


class Autoencoder(nn.Module):
    """Faces to themselves through a code that is much smaller than a face's 2,304 pixels.

    With a code as large as the input a network could copy pixels and learn nothing.
    """

    def __init__(self, code: int) -> None:
        super().__init__()
        self.encoder = Encoder(code)
        layers: list[nn.Module] = [
            nn.Linear(code, CHANNELS[-1] * CORE**2),
            nn.ReLU(),
            nn.Unflatten(1, (CHANNELS[-1], CORE, CORE)),
        ]
        for inputs, outputs in zip(CHANNELS[::-1], CHANNELS[-2::-1], strict=False):
            layers += [nn.Upsample(scale_factor=2), convolution(inputs, outputs)]
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(CHANNELS[0], 1, 3, padding=1)]
        layers += [nn.Sigmoid()]
        self.decoder = nn.Sequential(*layers)
        initialise(self)

    def forward(self, faces: Tensor) -> Tensor:
        """Grey levels (N, 1, 48, 48) in 0..255 to reconstructions of that shape in 0..1."""
        drawn: Tensor = self.decoder(self.encoder(faces.float()))
        return drawn


class EncodedClassifier(nn.Module):
    """A classifier on an encoder's code; starts at random, or from a trained encoder's weights."""

    def __init__(self, code: int, dropout: float) -> None:
        super().__init__()
        self.encoder = Encoder(code)
        self.head = nn.Sequential(
            nn.BatchNorm1d(code), nn.ReLU(), nn.Dropout(dropout), nn.Linear(code, CLASSES)
        )
        initialise(self)

    def forward(self, faces: Tensor) -> Tensor:
        """Grey levels (N, 1, 48, 48) to logits (N, 7)."""
        logits: Tensor = self.head(self.encoder(faces.float()))
        return logits
