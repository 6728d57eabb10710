"""How fast this machine trains in float32 and in bfloat16: measured once, then written down.

What a processor lists among its instructions does not say which is faster. One with AVX-512's BF16
and matrix units multiplies bfloat16 at twice the rate of float32; one with the same instruction and
no such units at half. So the answer is measured, by some steps of a small network of convolutions,
and kept: results of one machine must not differ because it was busy on another day.
"""

import hashlib
import os
import platform
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from filelock import FileLock
from pydantic import TypeAdapter, ValidationError
from torch.nn import Sequential

from pipeline import disk
from pipeline.networks.memory_format import to_device
from pipeline.networks.residual import convolution

CLEARLY = 1.2
"""How many times as fast bfloat16 must be: with less, float32 is as good and rounds less."""

HOPELESS = 3.0
"""How many times as slow bfloat16 must be to be tried no more: it is emulated."""

ROUNDS = 6

_INPUTS, _CHANNELS, _SIDE, _FACES = 32, 64, 24, 16
_OPERATIONS = 3 * 2 * 9 * _SIDE**2 * _CHANNELS * (_INPUTS + _CHANNELS) * _FACES
"""Floating point operations of a step: a multiplication and an addition, there and twice back."""


@dataclass(frozen=True)
class Speed:
    """Floating point operations a second of one core, training a network of convolutions.

    Attributes:
        float32: in float32.
        bfloat16: with products in bfloat16, emulated where the processor has none of them.
    """

    float32: float
    bfloat16: float

    @property
    def prefers_bfloat16(self) -> bool:
        """Whether bfloat16 is clearly faster."""
        return self.bfloat16 > CLEARLY * self.float32

    def of_all_threads(self, precision: Literal["auto", "float32", "bfloat16"]) -> float:
        """Operations a second of all threads together, in a precision of params.yaml."""
        low = self.prefers_bfloat16 if precision == "auto" else precision == "bfloat16"
        return torch.get_num_threads() * (self.bfloat16 if low else self.float32)


_BY_MACHINE = TypeAdapter(dict[str, Speed])


@lru_cache(maxsize=1)
def machine_speed() -> Speed:
    """The speed of this machine's CPU, from the file of former measurements if it is in there."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    instead = Path(tempfile.gettempdir()) / f"image-sentiment-{os.getuid()}"
    for folder in (caches / "image-sentiment", instead):  # of a home that may not be written
        with suppress(OSError):
            return _kept_speed(folder / "speed.json", describe_machine())
    return measure_speed()


def _kept_speed(file: Path, machine: str) -> Speed:
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):  # whoever comes second waits for the answer
        try:
            known = _BY_MACHINE.validate_json(file.read_bytes())
        except (FileNotFoundError, ValidationError):
            known = {}
        if machine not in known:
            known[machine] = measure_speed()
            disk.write_text(file, _BY_MACHINE.dump_json(known, indent=2).decode() + "\n")
        return known[machine]


def describe_machine() -> str:
    """What decides the speed: processor, what of it may be used, and torch's version."""
    name, listed = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        first, _, _ = cpuinfo.read_text(encoding="utf-8").partition("\n\n")
        lines = (line.partition(":") for line in first.splitlines())
        pairs = {key.strip(): value.strip() for key, _, value in lines}
        kept = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags")
        name = pairs.get("model name", name)
        described = "|".join(pairs.get(key, "") for key in kept)
        listed = hashlib.sha256(described.encode()).hexdigest()[:8]
    allowed = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
    capability = torch.backends.cpu.get_cpu_capability()
    parts = (name, listed, capability, allowed, f"torch {torch.__version__}")
    return ", ".join(filter(None, parts))


def measure_speed() -> Speed:
    """Train a little in either precision, in turn; the best of some steps counts.

    In processor time of one thread, so that other work on the machine hardly matters.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        model = Sequential(convolution(_INPUTS, _CHANNELS), convolution(_CHANNELS, _CHANNELS))
        to_device(model, torch.device("cpu"))
        faces = torch.rand(_FACES, _INPUTS, _SIDE, _SIDE)
    inputs = faces.to(memory_format=torch.channels_last).requires_grad_()
    best = dict.fromkeys((torch.float32, torch.bfloat16), float("inf"))
    for number in range(ROUNDS + 1):
        hopeless = best[torch.bfloat16] > HOPELESS * best[torch.float32]
        for precision in [torch.float32] if hopeless else best:
            started = time.process_time()
            with torch.autocast("cpu", precision, enabled=precision != torch.float32):
                outputs = model(inputs)
            outputs.float().square().mean().backward()
            if number:  # the first one makes kernels ready
                best[precision] = min(best[precision], time.process_time() - started)
    torch.set_num_threads(threads)
    return Speed(*(_OPERATIONS / seconds for seconds in best.values()))
