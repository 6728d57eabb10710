"""Autoencoders by name, and the classifier that grows on an encoder.

An autoencoder draws faces again from a code. One whose code is as large as a face could copy the
pixels and learn nothing from them, so it matters how large the code is.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from pipeline.faces.expressions import SIDE
from pipeline.networks.initialisation import initialise
from pipeline.networks.layers import CLASSES
from pipeline.networks.normalise import Normalise
from pipeline.networks.residual import convolution
from pipeline.params import Initialisation

CHANNELS = (32, 64, 128)
SLIM = (16, 32, 64)
"""Channels of the bottleneck encoders' convolutions: half as many take a quarter of the work."""

CORE = SIDE // 2 ** len(CHANNELS)
"""Side of a bottleneck encoder's last maps: 6."""


class Autoencoder(nn.Sequential):
    """Layers from faces to a code, and on from the code to faces.

    Args:
        encoder: layers by name; grey levels (N, 1, 48, 48) in 0..255 to codes of any shape.
        decoder: layers by name; codes to reconstructions (N, 1, 48, 48) in 0..1.
        code_size: numbers in the code of one face.
        initialisation: of its weights, and of what grows on its encoder.
    """

    def __init__(
        self,
        encoder: OrderedDict[str, nn.Module],
        decoder: OrderedDict[str, nn.Module],
        code_size: int,
        initialisation: Initialisation = "kaiming",
    ) -> None:
        super().__init__(OrderedDict([*encoder.items(), *decoder.items()]))
        self.code_size, self.initialisation = code_size, initialisation
        self._encoding = tuple(encoder)
        initialise(self, initialisation)

    @property
    def encoder(self) -> nn.Sequential:
        """The layers up to the code: these very modules, not a copy of them."""
        layers = dict(self.named_children())
        return nn.Sequential(OrderedDict((name, layers[name]) for name in self._encoding))

    def forward(self, faces: Tensor) -> Tensor:
        """Grey levels (N, 1, 48, 48) in 0..255 to reconstructions of that shape in 0..1."""
        drawn: Tensor = super().forward(faces.float())  # type: ignore[no-untyped-call]
        return drawn


def bottleneck_autoencoder(code: int, channels: tuple[int, int, int] = CHANNELS) -> Autoencoder:
    """Strided convolutions to a code of any size, best one much smaller than 2,304 pixels."""
    first, second, third = channels
    encoder: OrderedDict[str, nn.Module] = OrderedDict(
        scale=Normalise("scale"),
        conv1=convolution(1, first, stride=2),
        conv2=convolution(first, second, stride=2),
        conv3=convolution(second, third, stride=2),
        flatten1=nn.Flatten(),
        dense1=nn.Linear(third * CORE**2, code),
    )
    decoder: OrderedDict[str, nn.Module] = OrderedDict(
        dense2=nn.Linear(code, third * CORE**2),
        relu1=nn.ReLU(),
        maps1=nn.Unflatten(1, (third, CORE, CORE)),
        up1=nn.Upsample(scale_factor=2),
        conv4=convolution(third, second),
        up2=nn.Upsample(scale_factor=2),
        conv5=convolution(second, first),
        up3=nn.Upsample(scale_factor=2),
        conv6=nn.Conv2d(first, 1, 3, padding=1),
        sigmoid=nn.Sigmoid(),
    )
    autoencoder = Autoencoder(encoder, decoder, code)
    # Scaled by its single output map, the last convolution would drive the sigmoid to its flat
    # ends, from where learning is slow. From mid-grey the error of sample faces after 8 epochs
    # was 0.006, not 0.009, when it drew them without noise.
    nn.init.normal_(autoencoder.get_parameter("conv6.weight"), std=0.01)
    return autoencoder


def wide_autoencoder(_code: int) -> Autoencoder:
    """The autoencoder of the reference report R0: 21,297 parameters and no bottleneck.

    Its code is what the second pool gives, 16 maps of 12x12: 2,304 numbers, as many as a face has
    pixels. Nothing forces it to leave anything out, so the size that is asked for is ignored.

    The report's printed code also builds two convolutions with 32 channels (9,568 parameters) whose
    output nothing uses and which no gradient reaches: left out.
    """
    encoder: OrderedDict[str, nn.Module] = OrderedDict(
        scale=Normalise("scale"),
        conv1=nn.Conv2d(1, 16, 3, padding=1),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(16, 16, 3, padding=1),
        relu2=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        pool2=nn.MaxPool2d(2, ceil_mode=True),  # Keras' `same`; 24 is even, so either gives 12
    )
    decoder: OrderedDict[str, nn.Module] = OrderedDict(
        conv3=nn.Conv2d(16, 16, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(16, 16, 3, padding=1),
        relu4=nn.ReLU(),
        up1=nn.Upsample(scale_factor=2),
        conv5=nn.Conv2d(16, 32, 3, padding=1),
        relu5=nn.ReLU(),
        conv6=nn.Conv2d(32, 32, 3, padding=1),
        relu6=nn.ReLU(),
        up2=nn.Upsample(scale_factor=2),
        conv7=nn.Conv2d(32, 1, 3, padding=1),
        sigmoid=nn.Sigmoid(),
    )
    # Glorot's are the weights that Keras, in which the report was made, starts from.
    return Autoencoder(encoder, decoder, 16 * (SIDE // 4) ** 2, initialisation="glorot")


AUTOENCODERS: dict[str, Callable[[int], Autoencoder]] = {
    "bottleneck-autoencoder": bottleneck_autoencoder,
    "slim-bottleneck-autoencoder": partial(bottleneck_autoencoder, channels=SLIM),
    "wide-autoencoder": wide_autoencoder,
}
"""Each takes the numbers in its code; what it makes of that is its `code_size`."""


class EncodedClassifier(nn.Module):
    """A classifier on an encoder, fresh or trained, whose very layers go on learning here.

    `dropout` is the rate before the last layer.
    """

    def __init__(self, autoencoder: Autoencoder, dropout: float) -> None:
        super().__init__()
        self.encoder = autoencoder.encoder
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.BatchNorm1d(autoencoder.code_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(autoencoder.code_size, CLASSES),
        )
        initialise(self.head, autoencoder.initialisation)

    def forward(self, faces: Tensor) -> Tensor:
        """Grey levels (N, 1, 48, 48) to logits (N, 7)."""
        logits: Tensor = self.head(self.encoder(faces.float()))
        return logits
