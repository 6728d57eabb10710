"""A network's answer for one face."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """The true expression of a face, the one that a network names, and its probability."""

    true: str
    predicted: str
    probability: float

    @property
    def is_right(self) -> bool:
        """Whether the network names the true expression."""
        return self.true == self.predicted

    @property
    def verdict(self) -> str:
        """`right, 93%` or `as neutral, 51%`."""
        return f"{'right' if self.is_right else f'as {self.predicted}'}, {self.probability:.0%}"
