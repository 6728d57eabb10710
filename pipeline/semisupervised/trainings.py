"""The four trainings: from which weights each starts, what it learns, from which faces.

The autoencoder learns from pixels alone. Three classifiers of the same kind follow, shown as many
faces in as many steps, changed alike, at the same rates. One learns from labels alone; one
likewise, on the autoencoder's encoder, whose own passes come on top; one, from random weights, is
shown all faces where the others are shown labelled ones again.
"""

import torch

from pipeline.networks.autoencoder import AUTOENCODERS, Autoencoder, EncodedClassifier
from pipeline.params import Fit
from pipeline.semisupervised.consistency import ConsistentClassification, find_thresholds
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.weak_and_strong import WeakAndStrong, labelled_in_step
from pipeline.training.face_set import FaceSet
from pipeline.training.objectives import Objective, Reconstruction

CLASSIFIERS = ("labelled_only", "pretrained", "consistent")
TRAININGS = ("autoencoder", *CLASSIFIERS)


def settings_of(name: str, settings: SemiSupervised) -> Fit:
    """How one of the four is fitted."""
    return settings.autoencoder if name == "autoencoder" else settings.classifier


def seeded(settings: SemiSupervised) -> list[SemiSupervised]:
    """The settings with each of the seeds: those that they have, and as many more as asked for."""
    fits = {name: getattr(settings, name) for name in ("autoencoder", "classifier")}
    return [
        settings.model_copy(
            update={n: fit.model_copy(update={"seed": fit.seed + more}) for n, fit in fits.items()}
        )
        for more in range(settings.seeds)
    ]


def effort(settings: SemiSupervised, everything: int) -> tuple[int, int]:
    """Steps of each classifier's training, and the faces it is shown in each; the same for all."""
    batch = min(settings.classifier.batch, everything)
    beside = labelled_in_step(batch, settings.labelled_share)
    return settings.classifier.epochs * (everything // batch), batch + beside


def lesson(
    name: str, settings: SemiSupervised, everything: FaceSet, labelled: FaceSet
) -> tuple[Objective, FaceSet]:
    """What one of `TRAININGS` learns, and the faces that an epoch goes over: as many for each.

    The faces with labels lie on the training device.
    """
    weak, smoothing = settings.augmentation, settings.label_smoothing
    if name == "autoencoder":
        return Reconstruction(weak, settings.noise, settings.mask_ratio), everything
    control = WeakAndStrong(
        weak,
        smoothing,
        labelled=labelled,
        strong=settings.strong_augmentation,
        weight=settings.strong_weight,
        labelled_share=settings.labelled_share,
    )
    if name == "consistent":
        method, shared = settings.consistency, vars(control)
        thresholds = find_thresholds(labelled.labels, method)
        consistent = ConsistentClassification(**shared, thresholds=thresholds, settings=method)
        return consistent, everything
    again = torch.arange(len(everything), device=labelled.labels.device) % len(labelled)
    return control, FaceSet(labelled.pixels[again], labelled.labels[again])


def new_autoencoder(settings: SemiSupervised) -> Autoencoder:
    """An autoencoder with the random weights that its seed gives."""
    torch.manual_seed(settings.autoencoder.seed)
    return AUTOENCODERS[settings.network](settings.code)


def new_classifier(settings: SemiSupervised, pretrained: Autoencoder | None) -> EncodedClassifier:
    """A classifier with a random head, on a random encoder or on a copy of a trained one's."""
    # The same draws in either case: all classifiers start from the same head.
    torch.manual_seed(settings.classifier.seed)
    autoencoder = AUTOENCODERS[settings.network](settings.code)
    classifier = EncodedClassifier(autoencoder, settings.dropout)
    if pretrained is not None:
        classifier.encoder.load_state_dict(pretrained.encoder.state_dict())
    return classifier
