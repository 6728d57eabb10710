"""What unlabelled faces are worth with changed parameters, on validation faces, and at what price.

    python benchmarks/unlabelled.py -S semisupervised.labelled_fraction=0.1 --into few.csv

The trainings of the stage `semisupervised`, in a project whose faces are ingested and split. As in
train.py, nothing is written there and test faces are not touched.
"""

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

from measured import add_line

from pipeline.compute_slot import compute_slot
from pipeline.experiments.recipes import configure, parse_assignment
from pipeline.networks.inference import predict_probabilities
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.partial_labels import gather
from pipeline.semisupervised.trainings import (
    CLASSIFIERS,
    lesson,
    new_autoencoder,
    new_classifier,
    settings_of,
)
from pipeline.statistics.scores import score
from pipeline.training.device import choose_compute
from pipeline.training.loop import fit
from pipeline.training.selection import Row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-S", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--only", action="append", choices=CLASSIFIERS)
    parser.add_argument("--note", default="", help="what was changed, in words")
    parser.add_argument("--into", type=Path, help="a table of csv to add lines to")
    chosen = parser.parse_args()
    changes = [parse_assignment(text) for text in chosen.settings]
    params = configure("benchmark", changes, "-S").params
    settings = params.section(SemiSupervised)
    wanted = chosen.only or CLASSIFIERS

    def tell(row: Row) -> None:
        shown = " ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "passes")
        print(shown, flush=True)

    with compute_slot():
        material = gather(settings)
        compute = choose_compute(params.machine)
        labelled = material.labelled.to(compute.device)
        autoencoder = None
        if "pretrained" in wanted:
            autoencoder = new_autoencoder(settings)
            redraw, faces = lesson("autoencoder", settings, material.everything, labelled)
            how = settings.autoencoder
            fit(autoencoder, redraw, faces, material.validation, how, compute, on_epoch=tell)
        for name in wanted:
            started = time.monotonic()
            classifier = new_classifier(settings, autoencoder if name == "pretrained" else None)
            objective, faces = lesson(name, settings, material.everything, labelled)
            how = settings_of(name, settings)
            progress = fit(
                classifier, objective, faces, material.validation, how, compute, on_epoch=tell
            )
            held_out = material.validation
            guess = predict_probabilities(classifier, held_out.pixels.numpy(), params.evaluate.tta)
            scores = score(guess, held_out.labels.numpy())
            line = {
                "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
                "change": chosen.note or " ".join(chosen.settings),
                "labels": len(labelled),
                "training": name,
                "epochs": len(progress.history),
                "validation_accuracy": f"{100 * scores.accuracy:.2f}",
                "validation_loss": f"{scores.log_loss:.4f}",
                "seconds": f"{time.monotonic() - started:.0f}",
                "threads": compute.describe()["threads"],
            }
            print(", ".join(f"{key}: {value}" for key, value in line.items()), flush=True)
            if chosen.into:
                add_line(chosen.into, line)


if __name__ == "__main__":
    main()
