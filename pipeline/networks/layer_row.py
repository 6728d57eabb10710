"""A row of a network's table, for whoever reads it without torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerRow:
    """One layer: its name in the network, its class, and what comes out for one face.

    That is (channels, height, width) or (features,). Its parameters are weights, biases and
    BatchNorm's statistics, of which training changes the trainable ones by gradients.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    trainable: int
