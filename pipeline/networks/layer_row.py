"""A row of a network's table, for whoever reads it without torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerRow:
    """One layer.

    Attributes:
        name: as in the network.
        kind: its class.
        shape: of what comes out, for one face: (channels, height, width) or (features,).
        parameters: weights, biases and BatchNorm's statistics.
        trainable: of those, the ones that training changes by gradients.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    trainable: int
