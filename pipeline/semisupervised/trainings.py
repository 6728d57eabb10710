"""The four trainings: from which weights each starts, what it learns, from which faces.

The autoencoder learns from pixels alone. Two classifiers learn from the same labels; they differ
by the weights that their encoder starts from and by nothing else. A third one is of the same kind,
starts where the first does, and learns from all faces.
"""

import torch

from pipeline.networks.autoencoder import AUTOENCODERS, Autoencoder, EncodedClassifier
from pipeline.params import Fit
from pipeline.semisupervised.consistency import ConsistentClassification, find_thresholds
from pipeline.semisupervised.params import SemiSupervised
from pipeline.training.face_set import FaceSet
from pipeline.training.objectives import Classification, Objective, Reconstruction

CLASSIFIERS = ("labelled_only", "pretrained", "consistent")
TRAININGS = ("autoencoder", *CLASSIFIERS)


def settings_of(name: str, settings: SemiSupervised) -> Fit:
    """How one of the four is fitted."""
    if name == "autoencoder":
        return settings.autoencoder
    return settings.consistency.fit if name == "consistent" else settings.classifier


def lesson(
    name: str, settings: SemiSupervised, everything: FaceSet, labelled: FaceSet
) -> tuple[Objective, FaceSet]:
    """What one of the four learns, and the faces that an epoch goes over.

    Args:
        name: in `TRAININGS`.
        settings: of all.
        everything: the faces to learn from without their labels.
        labelled: the faces with labels, on the training device.
    """
    weak, smoothing = settings.augmentation, settings.label_smoothing
    if name == "autoencoder":
        return Reconstruction(weak, settings.noise, settings.mask_ratio), everything
    if name == "consistent":
        method = settings.consistency
        thresholds = find_thresholds(labelled.labels, method)
        consistent = ConsistentClassification(
            weak, smoothing, labelled=labelled, thresholds=thresholds, settings=method
        )
        return consistent, everything
    return Classification(weak, smoothing), labelled


def new_autoencoder(settings: SemiSupervised) -> Autoencoder:
    """An autoencoder with the random weights that its seed gives."""
    torch.manual_seed(settings.autoencoder.seed)
    return AUTOENCODERS[settings.network](settings.code)


def new_classifier(settings: SemiSupervised, pretrained: Autoencoder | None) -> EncodedClassifier:
    """A classifier with a random head, on a random encoder or on a copy of a trained one's."""
    # The same draws in either case: both classifiers start from the same head.
    torch.manual_seed(settings.classifier.seed)
    autoencoder = AUTOENCODERS[settings.network](settings.code)
    classifier = EncodedClassifier(autoencoder, settings.dropout)
    if pretrained is not None:
        classifier.encoder.load_state_dict(pretrained.encoder.state_dict())
    return classifier
