"""How the networks were trained, in tables."""

from collections.abc import Mapping, Sequence

from pipeline.networks.layer_row import LayerRow
from pipeline.params import Augmentation, Classifiers, ModelName, Train
from pipeline.train import examples as examples
from pipeline.train.result import Trained
from pipeline.wording.numbers import count
from pipeline.wording.table import Cell, Row

_NORMALISATIONS = {
    "none": "grey levels 0 to 255",
    "scale": "grey levels divided by 255",
    "face": "each face to mean 0, deviation 1",
    "dataset": "all faces by one mean and deviation",
}

_INITIALISATIONS = {"kaiming": "Kaiming", "glorot": "Glorot, uniform", "torch": "PyTorch's own"}


def training_rows(settings: Classifiers, trained: Mapping[ModelName, Trained]) -> list[Row]:
    """How both models were trained."""
    cnn, dnn = (_training(getattr(settings, model), trained[model]) for model in ("cnn", "dnn"))
    return [Row(name, Cell(cnn[name]), Cell(dnn[name])) for name in cnn]


def scored(settings: Train) -> str:
    """How training faces are scored otherwise than validation faces are."""
    ways = {
        "augmented": _augmentation(settings.augmentation) != "none",
        "with dropout": settings.dropout,
        "by the weights of the moment": settings.ema_decay,
    }
    learning = ", ".join(["while the network learns from them", *filter(ways.get, ways)])
    averaged = " by averaged weights (EMA)" if settings.ema_decay else ""
    return (
        f"Training faces are scored {learning}; validation faces as they are, at the end of each "
        f"epoch{averaged}. A gap of either sign can come from that alone."
    )


def layer_rows(layers: Sequence[LayerRow]) -> list[tuple[str, str, str, str]]:
    """A network's layers: name, kind, what comes out, parameters as Keras counts them."""
    return [
        (
            layer.name,
            layer.kind,
            " × ".join(map(str, layer.shape)),  # noqa: RUF001
            count(layer.parameters) if layer.parameters else "",
        )
        for layer in layers
    ]


def _training(settings: Train, trained: Trained) -> dict[str, str]:
    rate = f"{settings.learning_rate:g}"
    stopped = f" of {settings.epochs}, then stopped early"
    reason = "lowest validation loss" if settings.keep == "best" else "the last"
    members = settings.ensemble
    network = settings.network if members == 1 else f"{members} x {settings.network}"
    epsilon = "" if settings.optimiser == "sgd" else f", epsilon {settings.epsilon:g}"
    passes = count(round(trained.passes)) if trained.passes >= 100 else f"{trained.passes:.3g}"
    shared = "" if members == 1 else f", shared by {members} networks"
    return {
        "Network": network
        if trained.width == 1
        else f"{network}, {trained.width:.3g} times as wide to match the CNN's size",
        "Initial weights": _INITIALISATIONS[settings.initialisation],
        "Input": _NORMALISATIONS[settings.normalisation],
        "Optimiser": f"{settings.optimiser}{epsilon}, weight decay {settings.weight_decay:g}",
        "Learning rate": {
            "one_cycle": f"{rate} at most, one cycle",
            "constant": f"{rate}, constant",
        }[settings.schedule],
        "Batch": f"{settings.batch} faces{shared}",
        "Epochs": f"{trained.epochs}{stopped if trained.epochs < settings.epochs else ''}",
        "Passes over the faces": f"{passes}{shared}",
        "Epoch kept": f"{trained.epoch} ({reason})",
        "Label smoothing": _or_none(settings.label_smoothing),
        "CutMix": f"{settings.cutmix:.0%}" if settings.cutmix else "none",
        "Dropout": _or_none(settings.dropout)
        if settings.dropout != "own"
        else "each layer at the rate of its design",
        "EMA decay": _or_none(settings.ema_decay),
        "Augmentation": _augmentation(settings.augmentation),
    }


def _augmentation(settings: Augmentation) -> str:
    flips = {"random": "mirrored at random", "alternating": "mirrored every other epoch"}
    changes = [
        flips.get(settings.flip, ""),
        f"turned up to {settings.rotation:g}°" if settings.rotation else "",
        f"moved up to {settings.shift:.0%}" if settings.shift else "",
        _scaled(settings.zoom),
        f"sheared up to {settings.shear:g}" if settings.shear else "",
        f"contrast changed up to {settings.contrast:.0%}" if settings.contrast else "",
        f"a square covered in {settings.random_erasing:.0%} of faces"
        if settings.random_erasing
        else "",
    ]
    return ", ".join(filter(None, changes)) or "none"


def _scaled(zoom: float | list[float]) -> str:
    if isinstance(zoom, list):
        across, down = (f"{each:.0%}" for each in zoom)
        return f"scaled up to {across} across and {down} down" if any(zoom) else ""
    return f"scaled up to {zoom:.0%}" if zoom else ""


def _or_none(value: float) -> str:
    return f"{value:g}" if value else "none"
