"""What unlabelled faces are worth with changed parameters, on validation faces, and at what price.

    python benchmarks/unlabelled.py -S semisupervised.labelled_fraction=0.1 --into few.csv

The trainings of the stage `semisupervised` with each of its seeds, in a project whose faces are
ingested and split. As in train.py, nothing is written there, test faces are not touched, and
`--drawn 2000` measures on further sample faces, too.
"""

import time

import trial
from torch import nn

from pipeline.compute_slot import compute_slot
from pipeline.networks.inference import predict_probabilities
from pipeline.params import Params
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.partial_labels import Material, gather
from pipeline.semisupervised.trainings import (
    CLASSIFIERS,
    lesson,
    new_autoencoder,
    new_classifier,
    seeded,
    settings_of,
)
from pipeline.statistics.scores import score
from pipeline.training.device import choose_compute
from pipeline.training.loop import fit
from pipeline.training.selection import Row


def main() -> None:
    asked = trial.parser(__doc__)
    asked.add_argument("--only", action="append", choices=CLASSIFIERS)
    chosen = asked.parse_args()
    params = trial.parameters(chosen)
    wanted = chosen.only or CLASSIFIERS
    with compute_slot():
        for settings in seeded(params.section(SemiSupervised)):
            material, autoencoder = gather(settings), None
            if "pretrained" in wanted:
                autoencoder = new_autoencoder(settings)
                train("autoencoder", autoencoder, settings, material, params)
            for name in wanted:
                classifier = new_classifier(settings, autoencoder if name == "pretrained" else None)
                seconds = train(name, classifier, settings, material, params)
                line = {
                    "labels": len(material.labelled),
                    "training": name,
                    "epochs": settings.classifier.epochs,
                    "seed": settings.classifier.seed,
                    **scores(classifier, material, params, chosen.drawn),
                    "seconds": f"{seconds:.0f}",
                    "threads": choose_compute(params.machine).describe()["threads"],
                }
                trial.tell(line, chosen)


def train(
    name: str, model: nn.Module, settings: SemiSupervised, material: Material, params: Params
) -> float:
    """Train, and tell every epoch: seconds that it took."""

    def tell(row: Row) -> None:
        shown = " ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "passes")
        print(shown, flush=True)

    started, compute = time.monotonic(), choose_compute(params.machine)
    labelled = material.labelled.to(compute.device)
    objective, faces = lesson(name, settings, material.everything, labelled)
    how = settings_of(name, settings)
    fit(model, objective, faces, material.validation, how, compute, on_epoch=tell)
    return time.monotonic() - started


def scores(classifier: nn.Module, material: Material, params: Params, drawn: int) -> dict[str, str]:
    """Accuracy and loss on validation faces, and the accuracy on so many drawn ones."""
    sets = {"validation": (material.validation.pixels.numpy(), material.validation.labels.numpy())}
    if drawn:
        sample = trial.draw_others(params, drawn)
        sets["drawn"] = sample.pixels, sample.labels
    found: dict[str, str] = {}
    for name, (pixels, labels) in sets.items():
        each = score(predict_probabilities(classifier, pixels, params.evaluate.tta), labels)
        found |= {f"{name}_accuracy": f"{100 * each.accuracy:.2f}"}
        found |= {f"{name}_loss": f"{each.log_loss:.4f}"}
    return found


if __name__ == "__main__":
    main()
