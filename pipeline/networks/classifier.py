"""The classifier: normalisation and network in one module, fed with grey levels."""

from dataclasses import dataclass

from torch import Tensor, nn

from pipeline.networks.networks import build_network
from pipeline.networks.normalise import Normalise
from pipeline.params import Dropout, Initialisation, Normalisation


@dataclass(frozen=True)
class Architecture:
    """All that is needed to build a classifier anew before its weights are loaded.

    Attributes:
        network: its name in the registry.
        dropout: rate of every dropout layer, or `own`: each at the rate of the network's design.
        mean: of the training faces' grey levels, as is `deviation`; for `dataset`.
        width: factor of a dense network's hidden widths.
        members: networks of this kind that answer together.
    """

    network: str
    dropout: Dropout
    normalisation: Normalisation
    mean: float = 0.0
    deviation: float = 255.0
    width: float = 1.0
    members: int = 1
    initialisation: Initialisation = "kaiming"

    @property
    def title(self) -> str:
        """The network as a reader knows it, such as `compact-cnn` or `3 x compact-cnn`."""
        return self.network if self.members == 1 else f"{self.members} x {self.network}"


class Classifier(nn.Module):
    """Faces (N, 1, 48, 48), grey levels 0..255 of any number type, to logits (N, 7)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.normalise = Normalise(
            architecture.normalisation, architecture.mean, architecture.deviation
        )
        self.network = build_network(
            architecture.network, architecture.dropout, architecture.width, architecture.members,
            architecture.initialisation,
        )  # fmt: skip

    def forward(self, faces: Tensor) -> Tensor:
        """Logits of each face, in the order of `EXPRESSIONS`."""
        logits: Tensor = self.network(self.normalise(faces.float()))
        return logits
