"""From an autoencoder to a classifier: what is trained, from which weights, for which task.

The autoencoder learns from pixels alone. Two classifiers learn from the same labels; they differ
by the weights that their encoder starts from and by nothing else. A third one is of the same kind,
starts where the first does, and learns from all faces.
"""

import torch

from pipeline.networks.autoencoder import AUTOENCODERS, Autoencoder, EncodedClassifier
from pipeline.params import SemiSupervised
from pipeline.training.consistency import ConsistentClassification, find_thresholds
from pipeline.training.tasks import Classification, FaceSet, Reconstruction


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


def reconstruction(settings: SemiSupervised) -> Reconstruction:
    """What the autoencoder learns: to draw a face again, without noise, and all of it."""
    return Reconstruction(
        settings.augmentation, settings.noise, settings.hidden, settings.autoencoder.seed
    )


def consistency(settings: SemiSupervised, labelled: FaceSet) -> ConsistentClassification:
    """What a classifier learns from all faces and some labels; see `ConsistentClassification`."""
    thresholds = find_thresholds(labelled.labels, settings.consistency)
    seed = settings.consistency.fit.seed
    return ConsistentClassification(
        labelled, thresholds, settings.augmentation, settings.label_smoothing,
        settings.consistency, seed,
    )  # fmt: skip


def classification(settings: SemiSupervised) -> Classification:
    """What both classifiers learn."""
    return Classification(settings.augmentation, settings.label_smoothing, settings.classifier.seed)
