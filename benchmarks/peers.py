"""Training steps of this study against Keras' on TensorFlow, the same network on the same cores.

    python -m pip install -c constraints.txt -e '.[peers]'
    python benchmarks/peers.py [--network triple-cnn] [--batches 32 64 128 256] [--rounds 5]

Two processes take turns on random faces, one of each library, and the median over rounds of the
ratio of neighbouring turns counts, so that other work slows both or neither. Both normalise,
drop and optimise (Adam); this study's side also changes each face as the recipe `r1` does, and
Keras' does not. Each side has the defaults that its users have: Keras' `fit`, in float32; here
both float32 and what `machine.precision: auto` takes.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from timeit import timeit

from measured import Measured, report
from torch import nn

from pipeline.networks.networks import CONVOLUTIONAL

FACES = 1024
"""In a turn, of the largest batch; fewer batches than eight would measure their start."""

Turn = Callable[[], float]
"""Trains once over the faces and returns the faces a second."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=CONVOLUTIONAL, default="triple-cnn")
    parser.add_argument("--batches", nargs="+", type=int, default=[32, 64, 128, 256])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", choices=("keras", "float32", "auto"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.side:
        (batch,) = chosen.batches
        answer(keras_turn(chosen.network, batch) if chosen.side == "keras"
               else own_turn(chosen.network, batch, chosen.side))  # fmt: skip
        return
    rows = []
    for batch in chosen.batches:
        sides = {side: Side(chosen.network, batch, side) for side in ("keras", "float32", "auto")}
        turns = [
            {side: process.turn() for side, process in sides.items()} for _ in range(chosen.rounds)
        ]
        for process in sides.values():
            process.end()
        name = f"{chosen.network}_{batch}"
        for side in sides:
            speed = statistics.median(turn[side] for turn in turns)
            rows.append(Measured(f"train_{side}_{name}", speed, "faces/s"))
        for side in ("float32", "auto"):
            ratio = statistics.median(turn[side] / turn["keras"] for turn in turns)
            goal = ">= 2" if side == "auto" else ""
            rows.append(Measured(f"{side}_vs_keras_{name}", ratio, "", goal))
    report(rows)


class Side:
    """A process that trains when it is asked to."""

    def __init__(self, network: str, batch: int, side: str) -> None:
        command = [sys.executable, __file__, "--network", network, "--batches", str(batch)]
        self.process = subprocess.Popen(
            [*command, "--side", side], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )  # fmt: skip
        self.turn()  # what is compiled or measured once is done in it

    def turn(self) -> float:
        """Faces a second of one more pass."""
        asked, answered = self.process.stdin, self.process.stdout
        if asked is None or answered is None:
            raise RuntimeError("the process was started without pipes")
        print(file=asked, flush=True)
        return float(answered.readline())

    def end(self) -> None:
        """Let the process end, as there is nothing more to read."""
        self.process.communicate()


def answer(turn: Turn) -> None:
    """Train once for each line that is read."""
    for _ in sys.stdin:
        print(turn(), flush=True)


def own_turn(network: str, batch: int, precision: str) -> Turn:
    """Of this study, as it trains the recipe r1."""
    from steps import build, random_faces, trainer

    from pipeline.experiments.recipes import configure, read_recipe
    from pipeline.training.device import choose_compute

    params = configure("r1", [read_recipe("r1").overrides], "r1").params
    settings = params.train.cnn.model_copy(update={"network": network, "batch": batch})
    compute = choose_compute(params.machine.model_copy(update={"precision": precision}))
    faces = random_faces(FACES, compute.device)
    train = trainer(build(settings, compute), faces, settings, compute)
    return lambda: FACES / timeit(train, number=1)


def keras_turn(network: str, batch: int) -> Turn:
    """Of Keras, on faces that are between 0 and 1 already."""
    import keras
    import numpy as np

    layers = CONVOLUTIONAL[network]().children()
    model = keras.Sequential([keras.Input((48, 48, 1)), *(as_keras(layer) for layer in layers)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    random = np.random.default_rng(0)
    faces = random.random((FACES, 48, 48, 1), np.float32)
    labels = random.integers(0, 7, FACES)
    return lambda: FACES / timeit(lambda: model.fit(faces, labels, batch, verbose=0), number=1)


def as_keras(layer: nn.Module) -> object:
    """The same layer of Keras."""
    from keras import layers

    match layer:
        case nn.Conv2d():
            return layers.Conv2D(layer.out_channels, layer.kernel_size, padding="same")
        case nn.Linear():
            return layers.Dense(layer.out_features)
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return layers.BatchNormalization()
        case nn.MaxPool2d():
            return layers.MaxPooling2D()
        case nn.Dropout():
            return layers.Dropout(layer.p)
        case nn.ReLU():
            return layers.ReLU()
        case nn.Flatten():
            return layers.Flatten()
    raise TypeError(f"{layer} has no translation")


if __name__ == "__main__":
    main()
