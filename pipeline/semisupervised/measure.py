"""The answers in numbers, how sure they are, and which faces chose something in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.networks.networks import count_parameters
from pipeline.params import Bootstrap
from pipeline.semisupervised.learn import Learned
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.result import SemiSupervisedResult
from pipeline.semisupervised.trainings import CLASSIFIERS, TRAININGS, effort, seeded, settings_of
from pipeline.statistics.scores import majority_accuracy
from pipeline.statistics.trainings import compare_trainings, mean_accuracy_and_f1
from pipeline.training.selection import epoch_chosen_on


def measure(
    settings: SemiSupervised, bootstrap: Bootstrap, found: Sequence[Learned]
) -> SemiSupervisedResult:
    """Compare the classifiers of all seeds on the test faces; all else is of the first seed."""
    guesses = {name: np.stack([each.guesses[name] for each in found]) for name in CLASSIFIERS}
    material, autoencoder = found[0].material, found[0].autoencoder
    labels, photographs = material.test_labels, material.test_photographs
    figures = {
        name: mean_accuracy_and_f1(labels, each, photographs, bootstrap)
        for name, each in guesses.items()
    }
    gain, consistency_gain = (
        compare_trainings(labels, guesses[name], guesses["labelled_only"], photographs, bootstrap)
        for name in ("pretrained", "consistent")
    )
    steps, in_each = effort(settings, len(material.everything))
    return SemiSupervisedResult(
        labelled_faces=len(material.labelled),
        labelled_rows=settings.labelled_rows,
        training_faces=material.training_faces,
        unlabelled_faces=len(material.everything) - material.training_faces,
        seeds=[each.classifier.seed for each in seeded(settings)],
        steps=steps,
        shown=steps * in_each,
        network=settings.network,
        code=autoencoder.code_size,
        noise=settings.noise,
        mask_ratio=settings.mask_ratio,
        parameters={
            "autoencoder": count_parameters(autoencoder),
            "encoder": count_parameters(autoencoder.encoder),
        },
        reconstruction_error=found[0].progress.kept_row["validation_loss"],
        majority_accuracy=majority_accuracy(material.labelled.labels.numpy(), labels),
        gain=gain,
        consistency_gain=consistency_gain,
        macro_f1={name: f1 for name, (_, f1) in figures.items()},
        **{name: accuracy for name, (accuracy, _) in figures.items()},
    )


def headline(result: SemiSupervisedResult, settings: SemiSupervised) -> dict[str, Any]:
    """The few numbers that compare studies, and which faces chose and gave them."""
    return {
        **{name: getattr(result, name).value for name in result.macro_f1},
        "macro_f1": {name: f1.value for name, f1 in result.macro_f1.items()},
        "epoch_chosen_on": {
            name: epoch_chosen_on(settings_of(name, settings)) for name in TRAININGS
        },
        # Where guesses have thresholds, the rareness of expressions among the labels sets them.
        "thresholds_chosen_on": "train" if settings.consistency.threshold else "none",
        # By people, in earlier trainings (benchmarks/TRIED.md); params.yaml names what they chose.
        "network_chosen_on": "validation",
        "trainings_of_each": len(result.seeds),
        "measured_on": "test",
    }
