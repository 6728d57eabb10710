"""Keep the study's CNN at hand: `python -m pipeline.weights --made-by COMMAND --at REVISION ...`.

From what lies here (`dvc exp apply NAME` brings an experiment), `weights/` gets the network in
bfloat16, which halves it, its temperature, and its card. Every figure of the card is measured
anew, with the weights as they are kept.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline import disk, layout
from pipeline.command import command
from pipeline.dvc_yaml import choosing_files
from pipeline.evaluate.evaluate import evaluate_model
from pipeline.evaluate.quality import compare_by_quality
from pipeline.faces.photographs import read_photographs
from pipeline.faces.store import read_faces
from pipeline.files import read_parquet, write_json
from pipeline.ingest import result as ingest
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import WEIGHTS, keep_small, load_classifier
from pipeline.params import Evaluate, Params, load
from pipeline.photographs import result as found_copies
from pipeline.split import result as split
from pipeline.stale import refuse_emptied
from pipeline.statistics.champion import name_faces
from pipeline.statistics.intervals import Clusters, share_of
from pipeline.statistics.scores import Labels, Probabilities, score
from pipeline.statistics.trainings import compare
from pipeline.weights.card import CARD, FOR_PEOPLE, Card, Rounding, render


@command("weights")
def main(arguments: Sequence[str] | None = None) -> int:
    """Write `weights/`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.weights", description="Keep the study's CNN at hand, in weights/."
    )
    parser.add_argument("--made-by", required=True, help="the command that trained it")
    parser.add_argument("--at", required=True, help="the revision at which that ran")
    parser.add_argument(
        "--origin", required=True, help="whose the faces are, and who labelled them"
    )
    parser.add_argument("--remark", default="", help="what else is to be known of the protocol")
    chosen = parser.parse_args(arguments)
    refuse_emptied("train@cnn")  # it may have been trained on what are test faces now
    with tempfile.TemporaryDirectory(dir=layout.WEIGHTS.absolute().parent) as made:
        kept = Path(made)
        keep_small(layout.folder("train@cnn"), kept)
        card = measure(load(), kept, chosen)
        tempered = {**vars(card.evaluated.calibration), "tta": card.tta}
        write_json(kept / layout.CALIBRATION.name, tempered)
        write_json(kept / CARD.name, card)
        disk.write_text(kept / FOR_PEOPLE.name, render(card))
        layout.WEIGHTS.mkdir(exist_ok=True)
        for file in kept.iterdir():  # all of them or, where the card was refused, none
            file.replace(layout.WEIGHTS / file.name)
    print(FOR_PEOPLE)
    return 0


def measure(params: Params, kept: Path, told: argparse.Namespace) -> Card:
    """The card of the network that lies in a folder, on the faces of the study here."""
    settings, faces = params.evaluate, read_faces(layout.LABELLED)
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    held_out = np.flatnonzero(parts != "train")
    labels, on_test = faces.labels[held_out].astype(np.int64), parts[held_out] == "test"
    photographs = read_photographs(layout.PHOTOGRAPHS).labelled[held_out]
    classifier = load_classifier(kept)
    found = predict_probabilities(classifier, faces.pixels[held_out], settings.tta)
    right = (found.argmax(axis=1) == labels)[on_test]
    trained = predict_probabilities(
        load_classifier(layout.folder("train@cnn")), faces.pixels[held_out][on_test], settings.tta
    )
    ingested, copies = ingest.read(), found_copies.read()
    return Card(
        command=told.made_by,
        revision=told.at,
        origin=told.origin,
        remark=told.remark,
        source=ingested.files,
        faces=ingested.labelled,
        copies=copies.copies,
        agreement=copies.agreement,
        parts=split.read(),
        measured_on=name_faces(choosing_files()),
        tta=settings.tta,
        md5=hashlib.md5((kept / WEIGHTS).read_bytes(), usedforsecurity=False).hexdigest(),
        evaluated=evaluate_model(classifier, found, labels, photographs, on_test, settings),
        quality=compare_by_quality(faces.pixels, parts, labels[on_test], {"cnn": right}),
        rounding=compare_rounded(
            found[on_test], trained, labels[on_test], photographs[on_test], settings
        ),
    )


def compare_rounded(
    kept: Probabilities, trained: Probabilities, labels: Labels, photographs: Clusters,
    settings: Evaluate,
) -> Rounding:  # fmt: skip
    """What smaller weights cost, from their answers and those of the trained ones: (N, 7) each."""
    answers, before = kept.argmax(axis=1), trained.argmax(axis=1)
    paired = compare(labels, answers, before, photographs, settings)
    return Rounding(
        changed=share_of(answers != before),
        kept_only=paired.first_only,
        trained_only=paired.second_only,
        p=paired.p,
        log_loss=score(kept, labels).log_loss - score(trained, labels).log_loss,
    )


if __name__ == "__main__":
    sys.exit(main())
