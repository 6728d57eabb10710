"""The training loop: the same for every network and task, resumable from its checkpoints."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from pipeline.errors import UserError
from pipeline.networks.device import to_device
from pipeline.networks.ensemble import count_members
from pipeline.params import Fit
from pipeline.training.averaging import AveragedModel
from pipeline.training.checkpoints import Checkpoints
from pipeline.training.compute import Compute
from pipeline.training.distributed import World
from pipeline.training.forecast import Forecast
from pipeline.training.schedule import learning_rate
from pipeline.training.tasks import FaceSet, Task

Row = dict[str, float]
"""An epoch in numbers: epoch, passes, learning_rate, train_loss, validation_loss, ..."""

VALIDATION_BATCH = 512

ALONE = World()


@dataclass
class Progress:
    """Where a training stands: with the weights, all that a checkpoint holds."""

    history: list[Row]
    best_epoch: int = 0
    best_loss: float = math.inf
    kept_epoch: int = 0
    kept: dict[str, Tensor] | None = None
    """Weights to end with: those of the best epoch, or of the last."""

    @property
    def kept_row(self) -> Row:
        """The epoch in numbers whose weights were kept."""
        return self.history[self.kept_epoch - 1]


def fit(
    model: nn.Module,
    task: Task,
    train: FaceSet,
    validation: FaceSet,
    settings: Fit,
    compute: Compute,
    *,
    checkpoints: Checkpoints | None = None,
    on_epoch: Callable[[Row], None] = lambda _: None,
    title: str = "training",
    tell: Callable[[str], None] = lambda _: None,
    world: World = ALONE,
) -> Progress:
    """Train a model in place and leave it with the weights that were kept.

    Chance comes from the seed and the number of the epoch alone, so a training that goes on from
    a checkpoint ends with the same weights, bit for bit on one CPU, as one that never stopped.

    Args:
        model: on any device; moved to the one of `compute`.
        task: what is learned.
        train: training faces, on the device of `compute`.
        validation: faces that choose the epoch where the best is kept, on the same device.
        settings: optimiser, schedule, length and seed.
        compute: device and precision.
        checkpoints: where to save, and to go on from.
        on_epoch: called with each new row of the history.
        title: stands before the progress bar.
        tell: gets a line that says how long it will take, and others that correct it.
        world: the processes that train together; the first one saves and tells.

    Raises:
        UserError: the loss is no longer finite, or the batch cannot be shared among processes.
    """
    world.check_batch(min(settings.batch, len(train)), count_members(model))
    to_device(model, compute.device)
    optimiser = make_optimiser(model, settings)
    average = AveragedModel(model, settings.averaging)
    progress = _resume(checkpoints, model, optimiser, average)
    trained = compute.compile(world.wrap(model))
    done, faces = len(progress.history), _faces_per_epoch(train, settings)
    bar = tqdm(
        total=settings.epochs * faces, initial=done * faces, desc=title,
        unit="face", unit_scale=True, mininterval=0.5, disable=not world.is_first,
    )  # fmt: skip
    left = (settings.epochs - done) * faces

    def tell_above_the_bar(text: str) -> None:
        with tqdm.external_write_mode():
            tell(text)

    forecast = Forecast(tell_above_the_bar if world.is_first else lambda _: None, left)

    def advance(trained_on: int) -> None:
        bar.update(trained_on)
        forecast.update(trained_on)

    with bar:
        for epoch in range(done, settings.epochs):
            if _is_over(progress, settings):
                break
            row: Row = {"epoch": epoch + 1, "passes": (epoch + 1) * faces / len(train)}
            row |= train_epoch(
                trained, task, train, settings, compute, epoch, optimiser, average, advance, world
            )
            scores = evaluate(average.model, task, validation, compute, world)
            forecast.update(0, epoch_ends=True)
            row |= {f"validation_{name}": value for name, value in scores.items()}
            if not math.isfinite(row["train_loss"] + row["validation_loss"]):
                raise UserError(
                    f"{title}: the loss is not finite in epoch {epoch + 1}; "
                    f"lower learning_rate = {settings.learning_rate}"
                )
            progress.history.append(row)
            _keep(progress, average.model, row, settings)
            bar.set_postfix_str(_summary(row))
            if not world.is_first:
                continue
            # Told first, then saved: who is killed in between tells it again instead of never.
            on_epoch(row)
            is_last = epoch + 1 == settings.epochs
            if checkpoints and (is_last or checkpoints.are_due()):
                checkpoints.save(epoch + 1, _state(model, optimiser, average, progress))

    if progress.kept is not None:
        model.load_state_dict(progress.kept)
    model.eval()
    return progress


def train_epoch(
    model: nn.Module,
    task: Task,
    faces: FaceSet,
    settings: Fit,
    compute: Compute,
    epoch: int,
    optimiser: torch.optim.Optimizer,
    average: AveragedModel,
    advance: Callable[[int], None] = lambda _: None,
    world: World = ALONE,
) -> Row:
    """One pass over the faces in a new order; what is left over of a batch waits for the next.

    Returns:
        The last learning rate and the mean scores of the batches as they were trained on.
    """
    torch.manual_seed(settings.seed * 100_003 + epoch)
    generator = torch.Generator(compute.device).manual_seed(settings.seed * 99_991 + epoch)
    order = torch.randperm(len(faces)).to(compute.device)
    if not world.is_first:  # another share, other dropout; the order is the same for all
        torch.manual_seed((settings.seed * 100_003 + epoch) * world.size + world.rank)
    batch = min(settings.batch, len(faces))
    steps = len(faces) // batch
    sums: dict[str, Tensor] = {}
    rate = 0.0
    model.train()

    @torch.no_grad()
    def teacher(inputs: Tensor) -> Tensor:
        with compute.autocast():
            outputs: Tensor = average.model(inputs)
        return outputs.float()

    for number in range(steps):
        step = epoch * steps + number
        rate = learning_rate(
            settings.schedule, settings.learning_rate, step, settings.epochs * steps
        )
        for group in optimiser.param_groups:
            group["lr"] = rate
        indices = order[number * batch : (number + 1) * batch]
        # All of it, and then a share: the augmentation is what one process would have drawn.
        part = world.share(task.training_batch(faces, indices, epoch, generator, teacher))
        with compute.autocast():
            outputs = model(part.inputs)
            loss = task.loss(outputs, part)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        average.update(model, step)
        with torch.no_grad():
            _add(sums, task.scores(outputs, part))
        advance(batch)
    world.add_up(sums)
    means = {f"train_{name}": float(value) / (steps * batch) for name, value in sums.items()}
    return {"learning_rate": rate, **means}


def make_optimiser(model: nn.Module, settings: Fit) -> torch.optim.Optimizer:
    """The optimiser over all parameters; biases and norms are not decayed towards zero."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    rate = settings.learning_rate
    # Fused: one kernel for all that a step does to a parameter; of a small network's step, a tenth.
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=True)
    if settings.optimiser == "adam":
        return torch.optim.Adam(groups, lr=rate, fused=True)
    return torch.optim.AdamW(groups, lr=rate, fused=True)


@torch.no_grad()
def evaluate(
    model: nn.Module, task: Task, faces: FaceSet, compute: Compute, world: World = ALONE
) -> Row:
    """Scores of a model on faces as they are, averaged over them, in evaluation mode."""
    model.eval()
    sums: dict[str, Tensor] = {}
    for indices in torch.arange(len(faces), device=compute.device).split(VALIDATION_BATCH):
        part = world.share(task.validation_batch(faces, indices))
        with compute.autocast():
            outputs = model(part.inputs)
        _add(sums, task.scores(outputs, part))
    world.add_up(sums)
    return {name: float(value) / len(faces) for name, value in sums.items()}


def _faces_per_epoch(faces: FaceSet, settings: Fit) -> int:
    batch = min(settings.batch, len(faces))
    return len(faces) // batch * batch


def _add(sums: dict[str, Tensor], scores: dict[str, Tensor]) -> None:
    """Add scores on the device: reading them out would make the device wait in every step."""
    for name, value in scores.items():
        sums[name] = sums[name] + value if name in sums else value


def _summary(row: Row) -> str:
    shown = ("train_loss", "validation_loss", "validation_accuracy")
    parts = [f"{name.replace('_', ' ')} {row[name]:.3f}" for name in shown if name in row]
    return f"epoch {row['epoch']:.0f}, " + ", ".join(parts)


def _is_over(progress: Progress, settings: Fit) -> bool:
    waited = len(progress.history) - progress.best_epoch
    return bool(settings.early_stopping) and waited >= settings.early_stopping


def _keep(progress: Progress, model: nn.Module, row: Row, settings: Fit) -> None:
    improved = row["validation_loss"] < progress.best_loss
    if improved:
        progress.best_epoch, progress.best_loss = int(row["epoch"]), row["validation_loss"]
    if improved or settings.keep == "last":
        progress.kept_epoch = int(row["epoch"])
        progress.kept = {name: value.clone() for name, value in model.state_dict().items()}


def _state(
    model: nn.Module, optimiser: torch.optim.Optimizer, average: AveragedModel, progress: Progress
) -> dict[str, Any]:
    return {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average.model.state_dict(),
        "progress": vars(progress),
    }


def _resume(
    checkpoints: Checkpoints | None,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: AveragedModel,
) -> Progress:
    state = checkpoints.load() if checkpoints else None
    if state is None:
        return Progress(history=[])
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    average.model.load_state_dict(state["average"])
    return Progress(**state["progress"])
