"""On what, and in which precision, a training runs."""

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.params import Machine
from pipeline.training.speed import machine_speed


@dataclass(frozen=True)
class Compute:
    """A device, the number type of its matrix products, and whether kernels are compiled."""

    device: torch.device
    dtype: torch.dtype
    compiled: bool

    @property
    def precision(self) -> str:
        """`float32` or `bfloat16`."""
        return str(self.dtype).removeprefix("torch.")

    def autocast(self) -> torch.autocast:
        """The context in which a forward pass runs."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def compile(self, model: nn.Module) -> nn.Module:
        """The model to call in training; it shares its parameters with the one that is given."""
        return cast(nn.Module, torch.compile(model)) if self.compiled else model

    def describe(self) -> dict[str, str]:
        """What a record of the training says about it."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"
        return {
            "device": name,
            "precision": self.precision,
            "compiled": str(self.compiled).lower(),
            "threads": str(torch.get_num_threads()),
        }


def choose_compute(machine: Machine, precision: str | None = None) -> Compute:
    """Settle what `auto` means here.

    bfloat16 where it is clearly faster: on CUDA cards, and on a CPU that has shown it
    (`pipeline.training.speed`). Compiling costs half a minute and gains between nothing and a fifth
    on a CPU: too little for trainings of minutes, so `auto` compiles on CUDA alone. A training that
    goes on from a checkpoint ends in the precision in which it began.

    Raises:
        UserError: CUDA is asked for and there is none, or compiling and there is no compiler.
    """
    cuda = torch.cuda.is_available()
    if machine.device == "cuda" and not cuda:
        raise UserError("machine.device = 'cuda': no CUDA device is here; use 'auto' or 'cpu'")
    use_cuda = cuda and machine.device != "cpu"
    if machine.compile == "always" and not use_cuda and not can_compile():
        raise UserError(
            f"machine.compile = 'always': C++ compiler {_compiler()!r} or Python's headers are not "
            "here; install g++ and python3-dev, name another compiler in CXX, or use 'auto'"
        )
    wanted = precision if machine.precision == "auto" and precision else machine.precision
    low_precision = wanted == "bfloat16" or (
        wanted == "auto" and (use_cuda or machine_speed().prefers_bfloat16)
    )
    return Compute(
        device=torch.device("cuda" if use_cuda else "cpu"),
        dtype=torch.bfloat16 if low_precision else torch.float32,
        compiled=machine.compile == "always" or (machine.compile == "auto" and use_cuda),
    )


def can_compile() -> bool:
    """Whether torch finds what it needs to compile for a CPU."""
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    return bool(shutil.which(_compiler())) and headers.is_file()


def _compiler() -> str:
    """The C++ compiler that torch takes for a CPU."""
    return os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
