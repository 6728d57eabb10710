"""Model selection: when a training ends, whose weights it ends with, which faces decide that."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from pipeline.params import Fit

Row = dict[str, float]
"""An epoch in numbers: epoch, passes, learning_rate, train_loss, validation_loss, ..."""


@dataclass
class TrainingProgress:
    """How far a training is: with model and optimiser, all that a checkpoint holds.

    Attributes:
        history: a row for each epoch.
        best_epoch: the one with the least validation loss, from 1; 0 before the first.
        best_loss: its validation loss.
        kept_epoch: the one whose weights are kept: the best, or the last.
        kept: these weights.
    """

    history: list[Row] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = math.inf
    kept_epoch: int = 0
    kept: dict[str, Tensor] = field(default_factory=dict)

    @property
    def kept_row(self) -> Row:
        """The epoch in numbers whose weights were kept."""
        return self.history[self.kept_epoch - 1]

    def add(self, row: Row, weights: Mapping[str, Tensor], settings: Fit) -> None:
        """Take in an epoch, and keep a copy of its weights if they are the ones to end with."""
        self.history.append(row)
        improved = row["validation_loss"] < self.best_loss
        if improved:
            self.best_epoch, self.best_loss = int(row["epoch"]), row["validation_loss"]
        if improved or settings.keep == "last":
            self.kept_epoch = int(row["epoch"])
            self.kept = {name: value.clone() for name, value in weights.items()}

    def is_over(self, settings: Fit) -> bool:
        """Whether early stopping ends the training: so many epochs without a better one."""
        waited = len(self.history) - self.best_epoch
        return bool(settings.early_stopping) and waited >= settings.early_stopping


def epoch_chosen_on(settings: Fit) -> Literal["validation", "none"]:
    """The faces by which one epoch is preferred to another: none where the last one is kept."""
    return "validation" if settings.keep == "best" or settings.early_stopping else "none"
