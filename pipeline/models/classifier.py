"""The classifier: normalisation and network in one module, fed with grey levels."""

from dataclasses import asdict, dataclass

from torch import Tensor, nn

from pipeline.models.networks import build_network
from pipeline.models.normalise import Normalisation, Normalise


@dataclass(frozen=True)
class Architecture:
    """All that is needed to build a classifier anew before its weights are loaded."""

    network: str
    dropout: float
    normalisation: Normalisation
    mean: float = 0.0
    deviation: float = 255.0

    def as_dict(self) -> dict[str, str | float]:
        """For a json file."""
        return asdict(self)


class Classifier(nn.Module):
    """Faces (N, 1, 48, 48), grey levels 0..255 of any number type, to logits (N, 7)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.normalise = Normalise(
            architecture.normalisation, architecture.mean, architecture.deviation
        )
        self.network = build_network(architecture.network, architecture.dropout)

    def forward(self, faces: Tensor) -> Tensor:
        """Logits of each face, in the order of `EXPRESSIONS`."""
        logits: Tensor = self.network(self.normalise(faces.float()))
        return logits
