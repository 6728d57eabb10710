"""How close training comes to what the machine's matrix products allow.

    python benchmarks/steps.py [--rounds 5] [--batch 64] [--profile] [NETWORK ...]

One round measures, in the same process, one after another: a large square matrix product, by the
faster of two libraries, some training steps (augmentation, forward, backward, optimiser, average:
`train_epoch`, as the study calls it, compiled where the study compiles), and the augmentation of as
many faces. The share of the peak is that of the same round; the median over rounds counts, so that
other work on the machine slows both sides or neither.
`--profile` says instead which operations a step's processor time goes into.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from measured import Measured, report
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.memory_format import to_device
from pipeline.networks.networks import CONVOLUTIONAL, NETWORKS
from pipeline.params import Train, load
from pipeline.training.device import Compute, choose_compute
from pipeline.training.ema import AveragedModel
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import train_epoch
from pipeline.training.objectives import Chosen, Classification
from pipeline.training.optimiser import make_optimiser

SIDE = {"cpu": 2048, "cuda": 8192}
"""Of the matrices whose product is the peak."""

STEPS = {"cpu": 4, "cuda": 40}
"""In a round, of a network of convolutions."""

KINDS = {
    "products": ("convolution", "mkldnn_linear", "addmm", "aten::mm"),
    "norms": ("batch_norm",),
    "activations": ("threshold", "clamp_min", "relu", "elu"),
    "pools": ("pool",),
    "dropout": ("bernoulli", "dropout"),
}
"""Operations by words in their names."""

SHORT = (
    "compact-cnn", "slim-paired-cnn", "paired-cnn", "triple-cnn", "leaky-cnn", "plain-cnn",
    "dense-dnn", "waist-dnn",
)  # fmt: skip
"""The networks that take seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    params = load()
    found = []
    for precision in precisions():
        for name in chosen.networks or SHORT:
            base = params.train.cnn if name in CONVOLUTIONAL else params.train.dnn
            settings = base.model_copy(update={"network": name, "batch": chosen.batch})
            machine = params.machine.model_copy(update={"precision": precision})
            compute = choose_compute(machine)
            if chosen.profile:
                found += profile(settings, compute)
            else:
                found += measure(settings, compute, chosen.rounds)
    report(found)


def precisions() -> list[str]:
    """float32, and what `auto` is here if that is another one."""
    own = choose_compute(load().machine).dtype
    return ["float32"] if own == torch.float32 else ["float32", "bfloat16"]


def measure(settings: Train, compute: Compute, rounds: int) -> list[Measured]:
    """Training steps of one network."""
    network = build(settings, compute)
    steps = STEPS[compute.device.type] if settings.network in CONVOLUTIONAL else 40
    faces = random_faces(steps * settings.batch, compute.device)
    step, augmentation = trainer(network, faces, settings, compute), augmenter(faces, settings)
    for warm_up in (step, augmentation):
        warm_up()
    operations = count_operations(network, settings.batch, compute) * steps
    found = []
    for _ in range(rounds):
        peak = measure_peak(compute)
        seconds, spent = timed(step, compute), timed(augmentation, compute)
        speed = steps * settings.batch / seconds
        found.append((speed, operations / seconds / peak, spent / seconds))
    speed, share, cost = (statistics.median(of_all) for of_all in zip(*found, strict=True))
    name = f"{settings.network}_{compute.precision}"
    note = f"batch {settings.batch}, peak {peak / 1e9:.0f} GFLOP/s"
    rows = [
        Measured(f"train_faces_per_second_{name}", speed, "faces/s", "", note),
        Measured(f"train_share_of_peak_{name}", share),
        Measured(f"augment_share_of_step_{name}", cost),
    ]
    if settings.network == "triple-cnn" and compute.precision == "float32":
        rows.append(Measured("train_share_of_peak", share, "", ">= 0.7", f"R1 CNN, {note}"))
    if settings.network == load().train.cnn.network and compute.precision == precisions()[-1]:
        note = f"the default CNN, batch {settings.batch}"
        rows.append(Measured("augment_share_of_step", cost, "", "<= 0.1", note))
    return rows


def profile(settings: Train, compute: Compute) -> list[Measured]:
    """Shares of the processor time of some training steps, by what it was spent on."""
    network = build(settings, compute)
    step = trainer(network, random_faces(4 * settings.batch, compute.device), settings, compute)
    step()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiled:
        step()
    events = profiled.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    shares: dict[str, float] = {}
    for event in events:
        kind = next((kind for kind, words in KINDS.items() if any(w in event.key for w in words)),
                    "other")  # fmt: skip
        shares[kind] = shares.get(kind, 0.0) + event.self_cpu_time_total / total
    name = f"{settings.network}_{compute.precision}"
    return [Measured(f"{kind}_{name}", share) for kind, share in shares.items()]


def build(settings: Train, compute: Compute) -> Classifier:
    """A network that has learnt nothing, where it will be trained."""
    network = Classifier(Architecture(settings.network, settings.dropout, settings.normalisation))
    to_device(network, compute.device)
    return network


def random_faces(count: int, device: torch.device) -> FaceSet:
    pixels = torch.randint(0, 256, (count, 48, 48), dtype=torch.uint8, device=device)
    return FaceSet(pixels, torch.randint(0, 7, (count,), device=device))


def trainer(
    network: nn.Module, faces: FaceSet, settings: Train, compute: Compute
) -> Callable[[], None]:
    """One pass over the faces, as the study trains."""
    optimiser = make_optimiser(network, settings)
    average = AveragedModel(network, settings.ema_decay)
    task = Classification.of(settings)
    trained = compute.compile(network)

    def run() -> None:
        train_epoch(trained, task, faces, settings, compute, 0, optimiser, average)

    return run


def augmenter(faces: FaceSet, settings: Train) -> Callable[[], None]:
    """The augmentation of a pass, and nothing else of it."""
    generator = torch.Generator(faces.pixels.device).manual_seed(0)

    def run() -> None:
        places = torch.arange(len(faces), device=faces.pixels.device)
        for indices in places.split(settings.batch):
            Chosen(faces, indices, 0, generator, seed=0).augmented(settings.augmentation)

    return run


def count_operations(network: nn.Module, batch: int, compute: Compute) -> int:
    """Floating-point operations of matrix products and convolutions, forward and backward."""
    faces = torch.rand(batch, 1, 48, 48, device=compute.device)
    with FlopCounterMode(display=False) as counter:
        network(faces).sum().backward()
    network.zero_grad()
    return int(counter.get_total_flops())


def measure_peak(compute: Compute) -> float:
    """Operations a second of a large matrix product, by whichever of torch's libraries is faster.

    On some processors the library of `@` leaves the widest vectors unused, and that of
    convolutions, here one of 1x1 pixels, does not: against half a peak any share looks good.
    """
    side = SIDE[compute.device.type]
    left, right = (
        torch.randn(side, side, device=compute.device, dtype=compute.dtype) for _ in range(2)
    )
    pixels, weights = right.reshape(1, side, 1, side), left.reshape(side, side, 1, 1)
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    products = (lambda: left @ right, lambda: functional.conv2d(pixels, weights))
    best = min(timed(product, compute) for product in products for _ in range(3))
    return 2 * side**3 / best


def timed(run: Callable[[], object], compute: Compute) -> float:
    """Seconds."""
    if compute.device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    run()
    if compute.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
