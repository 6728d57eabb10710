"""The training loop: the same for every network and objective, resumable from its checkpoints."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from pipeline.errors import UserError
from pipeline.networks.ensemble import count_members
from pipeline.networks.memory_format import to_device
from pipeline.params import Fit
from pipeline.training.checkpoints import Checkpoints
from pipeline.training.device import Compute
from pipeline.training.ema import AveragedModel
from pipeline.training.face_set import FaceSet
from pipeline.training.objectives import Chosen, Objective
from pipeline.training.optimiser import learning_rate, make_optimiser
from pipeline.training.selection import Row, TrainingProgress

VALIDATION_BATCH = 512


def fit(
    model: nn.Module,
    objective: Objective,
    train: FaceSet,
    validation: FaceSet,
    settings: Fit,
    compute: Compute,
    *,
    checkpoints: Checkpoints | None = None,
    on_epoch: Callable[[Row], None] = lambda _: None,
    title: str = "training",
) -> TrainingProgress:
    """Train a model in place and leave it with the weights that were kept.

    Chance comes from the seed and the number of the epoch alone, so a training that goes on from
    a checkpoint ends with the same weights, bit for bit on one CPU, as one that never stopped.

    Model and faces may be on any device, and are moved to that of `compute`. Validation faces
    choose the epoch where the best is kept. Checkpoints are saved and gone on from; they keep the
    precision, too. `on_epoch` is called with each new row of the history, and the title stands
    before the progress bar, which says how long it will take.

    Raises:
        UserError: the loss is no longer finite, or a batch has too few faces for an ensemble or for
            batch normalisation.
    """
    batch = min(settings.batch, len(train))
    if batch < 2 * (members := count_members(model)) and members > 1:
        raise UserError(
            f"{batch} faces are in a batch: each of {members} members needs two at least; "
            "use fewer members or more faces"
        )
    train, validation = train.to(compute.device), validation.to(compute.device)
    to_device(model, compute.device)
    optimiser = make_optimiser(model, settings)
    average = AveragedModel(model, settings.ema_decay)
    trained = compute.compile(model)
    parts: dict[str, Any] = {"model": model, "optimiser": optimiser, "average": average.model}
    progress = TrainingProgress()
    if checkpoints:
        checkpoints.remember("precision", compute.precision)
        if state := checkpoints.load():
            progress = TrainingProgress(**state.pop("progress"))
            for name, part in parts.items():
                part.load_state_dict(state[name])
        elif reason := checkpoints.explain_new_start():
            tqdm.write(f"{title}: {reason}")

    done, faces = len(progress.history), len(train) // batch * batch
    with tqdm(
        total=settings.epochs * faces, initial=done * faces, desc=title,
        unit="face", unit_scale=True, mininterval=0.5,
    ) as bar:  # fmt: skip
        for epoch in range(done, settings.epochs):
            if progress.is_over(settings):
                break
            row: Row = {"epoch": epoch + 1, "passes": (epoch + 1) * faces / len(train)}
            try:
                row |= train_epoch(
                    trained, objective, train, settings, compute, epoch, optimiser, average,
                    bar.update,
                )  # fmt: skip
            except ValueError as error:
                # Not asked before: whether one face is too few depends on network and objective.
                if "more than 1 value per channel" not in str(error):
                    raise
                raise UserError(
                    f"{title}: one face is in a batch, and batch normalisation needs two at least; "
                    "use a larger batch or more faces"
                ) from None
            scores = evaluate(average.model, objective, validation, compute)
            row |= {f"validation_{name}": value for name, value in scores.items()}
            if not math.isfinite(row["train_loss"] + row["validation_loss"]):
                raise UserError(
                    f"{title}: the loss is not finite in epoch {epoch + 1}; "
                    f"lower learning_rate = {settings.learning_rate}"
                )
            progress.add(row, average.model.state_dict(), settings)
            bar.set_postfix_str(_summary(row))
            # Reported, then saved: whoever is killed in between reports it twice instead of never.
            on_epoch(row)
            if checkpoints and (checkpoints.are_due() or epoch + 1 == settings.epochs):
                states = {name: part.state_dict() for name, part in parts.items()}
                checkpoints.save(epoch + 1, states | {"progress": vars(progress)})

    model.load_state_dict(progress.kept)
    model.eval()
    return progress


def train_epoch(
    model: nn.Module,
    objective: Objective,
    faces: FaceSet,
    settings: Fit,
    compute: Compute,
    epoch: int,
    optimiser: torch.optim.Optimizer,
    average: AveragedModel,
    advance: Callable[[int], object] = lambda _: None,
) -> Row:
    """One pass over the faces in a new order; what is left over of a batch waits for the next.

    Returns:
        The last learning rate and the mean scores of the batches as they were trained on.
    """
    # One number for order and dropout, and an unrelated one for what changes the faces. Of 32 bits:
    # a CPU's generator takes no more of a seed.
    shuffling, changing = np.random.SeedSequence([settings.seed, epoch]).generate_state(2).tolist()
    torch.manual_seed(shuffling)
    generator = torch.Generator(compute.device).manual_seed(changing)
    order = torch.randperm(len(faces)).to(compute.device)
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
        rate = learning_rate(settings, step, settings.epochs * steps)
        for group in optimiser.param_groups:
            group["lr"] = rate
        indices = order[number * batch : (number + 1) * batch]
        chosen = Chosen(faces, indices, epoch, generator, settings.seed)
        part = objective.training_batch(chosen, teacher)
        with compute.autocast():
            outputs = model(part.inputs)
            loss = objective.loss(outputs, part)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        average.update(step)
        with torch.no_grad():
            _add(sums, objective.scores(outputs, part))
        advance(batch)
    means = {f"train_{name}": float(value) / (steps * batch) for name, value in sums.items()}
    return {"learning_rate": rate, **means}


@torch.no_grad()
def evaluate(model: nn.Module, objective: Objective, faces: FaceSet, compute: Compute) -> Row:
    """Scores of a model on faces as they are, averaged over them, in evaluation mode."""
    model.eval()
    sums: dict[str, Tensor] = {}
    for indices in torch.arange(len(faces), device=compute.device).split(VALIDATION_BATCH):
        part = objective.validation_batch(faces, indices)
        with compute.autocast():
            outputs = model(part.inputs)
        _add(sums, objective.scores(outputs, part))
    return {name: float(value) / len(faces) for name, value in sums.items()}


def _add(sums: dict[str, Tensor], scores: dict[str, Tensor]) -> None:
    """Add scores on the device: reading them out would make the device wait in every step."""
    for name, value in scores.items():
        sums[name] = sums[name] + value if name in sums else value


def _summary(row: Row) -> str:
    shown = ("train_loss", "validation_loss", "validation_accuracy")
    parts = [f"{name.replace('_', ' ')} {row[name]:.3f}" for name in shown if name in row]
    return f"epoch {row['epoch']:.0f}, " + ", ".join(parts)
