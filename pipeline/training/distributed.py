"""Several processes train one network, each on its share of every batch: `torchrun`.

What one process would do with a batch, all do together: the order of the faces, their augmentation,
the statistics of BatchNorm and the mean gradient are those of the whole batch. So the loss falls as
it does in one process, within rounding; dropout alone draws for each share apart.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pipeline.errors import UserError
from pipeline.training.tasks import Batch

PROCESSES = "STUDY_PROCESSES"
"""Environment variable: how many processes of this machine train one network together."""


@dataclass(frozen=True)
class World:
    """This process among those that train together.

    Attributes:
        rank: from 0; the first one records and writes.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that records and writes."""
        return self.rank == 0

    def check_batch(self, batch: int, members: int = 1) -> None:
        """See that a batch can be shared evenly, and has enough for each member of an ensemble.

        Raises:
            UserError: it cannot, or has not.
        """
        # Each process deals its share out to all members, as one would deal the whole.
        even = self.size * members
        if self.size > 1 and batch % even:
            together = f"{self.size} processes train together"
            of_all = f"{together} {members} members" if members > 1 else together
            raise UserError(f"batch = {batch}: {of_all}; should be a multiple of {even}")
        if members > 1 and batch < 2 * even:
            raise UserError(
                f"{batch} faces are in a batch: each of {members} members needs two at least in "
                f"each of {self.size} processes; use fewer members or more faces"
            )

    def share(self, batch: Batch) -> Batch:
        """This process's part of a batch; each input has a target."""
        if self.size == 1:
            return batch
        inputs, targets = (
            values.tensor_split(self.size)[self.rank] for values in (batch.inputs, batch.targets)
        )
        return Batch(inputs, targets)

    def add_up(self, sums: dict[str, Tensor]) -> None:
        """Replace each number by its sum over all processes."""
        if self.size > 1:
            for name in sorted(sums):  # in the same order everywhere
                dist.all_reduce(sums[name])

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model to call in training: its gradients are means over all processes.

        It shares its parameters with `model`, whose BatchNorm layers are made to use the statistics
        of the whole batch.
        """
        if self.size == 1:
            return model
        on_gpu = next(model.parameters()).device.type == "cuda"
        if on_gpu:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        else:
            _share_statistics(model)
        return cast(nn.Module, DistributedDataParallel(model, forward_sync_buffers=False))


class _Total(torch.autograd.Function):
    """A sum over all processes; what it adds to the loss of each counts in the gradient, too."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


def _total(values: Tensor) -> Tensor:
    total: Tensor = _Total.apply(values)  # type: ignore[no-untyped-call]
    return total


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """BatchNorm over the batches of all processes; torch's `SyncBatchNorm` knows GPUs only."""

    def _check_input_dim(self, _input: Tensor) -> None:
        """Any number of dimensions: the channels are the second."""

    def forward(self, inputs: Tensor) -> Tensor:
        """The same as in one process that had the whole batch, (N, C, ...) to (N, C, ...)."""
        if not self.training:
            return super().forward(inputs)
        dims = [0, *range(2, inputs.dim())]
        shape = [1, -1, *[1] * (inputs.dim() - 2)]
        values = inputs.float()
        count = values.numel() / values.shape[1] * dist.get_world_size()
        mean = _total(values.sum(dims)) / count
        centred = values - mean.view(shape)
        variance = _total((centred * centred).sum(dims)) / count
        self._follow(mean.detach(), variance.detach() * count / (count - 1))
        scaled = centred * torch.rsqrt(variance + self.eps).view(shape)
        outputs: Tensor = scaled * self.weight.view(shape) + self.bias.view(shape)
        return outputs.to(inputs.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        momentum = 0.1 if self.momentum is None else self.momentum
        for running, new in ((self.running_mean, mean), (self.running_var, variance)):
            if running is not None:
                running.lerp_(new.to(running.dtype), momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


def _share_statistics(model: nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.__class__ = SharedBatchNorm  # the same parameters and statistics, another forward


def is_first() -> bool:
    """Whether this process records and writes: alone, or the first that `torchrun` started."""
    return int(os.environ.get("RANK", "0")) == 0


def start_others(arguments: Sequence[str]) -> None:
    """Become a `torchrun` of this program where the environment asks for several processes.

    Args:
        arguments: of the interpreter, such as `-m` and a module.

    Raises:
        UserError: the environment names an impossible number.
    """
    text = os.environ.get(PROCESSES, "1")
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"{PROCESSES} = {text!r}: should be a whole number from 1, or not set")
    if int(text) == 1 or "RANK" in os.environ:
        return
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={text}"]
    os.execv(sys.executable, [sys.executable, *launcher, *arguments])  # noqa: S606 (no shell)


@contextmanager
def join_world(device: torch.device) -> Iterator[World]:
    """Find the processes that `torchrun` started with this one; alone, there are none.

    Args:
        device: what it trains on; with CUDA, each process of a machine takes its own GPU.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()
