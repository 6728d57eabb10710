"""One training of the CNN or DNN with changed parameters: how good on validation faces, how fast.

    python benchmarks/train.py -S train.cnn.epochs=40 -S train.cnn.augmentation.random_erasing=0.25
    python benchmarks/train.py --model dnn --note "wider" --into benchmarks/tried.csv -S ...

Runs in a project whose faces are ingested and split (`dvc repro split`), and writes nothing there:
a quick look before a change goes into params.yaml. Test faces are not touched: a choice that looked
at them would spoil every figure they give afterwards. Accuracy is that of the views of a face
that `evaluate` takes the mean of. The sample has few validation faces; `--drawn 2000` draws more of
the same kind, with another seed than params.yaml's, and tells the accuracy on those, too.
"""

import time

import trial

from pipeline.compute_slot import compute_slot
from pipeline.networks.classifier import Classifier
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.networks import count_parameters
from pipeline.params import MODELS, Params
from pipeline.statistics.scores import score
from pipeline.train.classifier import new_classifier
from pipeline.train.stage import read_sets
from pipeline.training.device import choose_compute
from pipeline.training.loop import fit
from pipeline.training.objectives import Classification
from pipeline.training.selection import Row


def main() -> None:
    asked = trial.parser(__doc__)
    asked.add_argument("--model", choices=MODELS, default="cnn")
    chosen = asked.parse_args()
    params = trial.parameters(chosen)
    settings = getattr(params.train, chosen.model)
    compute = choose_compute(params.machine)
    train, held_out = read_sets()
    network = new_classifier(params, chosen.model, train)
    task = Classification.of(settings)

    def tell(row: Row) -> None:
        shown = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
        numbers = " ".join(f"{row[name]:.4f}" for name in shown)
        print(f"{row['epoch']:3.0f} {numbers} {time.monotonic() - started:6.0f} s", flush=True)

    with compute_slot():
        started = time.monotonic()
        progress = fit(
            network, task, train, held_out, settings, compute,
            on_epoch=tell, title="",
        )  # fmt: skip
        seconds = time.monotonic() - started
    probabilities = predict_probabilities(network, held_out.pixels.numpy(), params.evaluate.tta)
    scores = score(probabilities, held_out.labels.numpy())
    line = {
        "network": network.architecture.title,
        "parameters": count_parameters(network),
        "epochs": len(progress.history),
        "validation_accuracy": f"{100 * scores.accuracy:.2f}",
        "validation_loss": f"{scores.log_loss:.4f}",
        "drawn_accuracy": drawn_accuracy(network, params, chosen.drawn) if chosen.drawn else "",
        "train_accuracy": f"{100 * progress.history[-1]['train_accuracy']:.1f}",
        "seconds": f"{seconds:.0f}",
        "faces_per_second": f"{len(progress.history) * len(train) / seconds:.0f}",
        **{key: compute.describe()[key] for key in ("device", "precision", "threads")},
    }
    trial.tell(line, chosen)


def drawn_accuracy(network: Classifier, params: Params, count: int) -> str:
    """Accuracy in % on so many further sample faces."""
    sample = trial.draw_others(params, count)
    probabilities = predict_probabilities(network, sample.pixels, params.evaluate.tta)
    return f"{100 * score(probabilities, sample.labels).accuracy:.2f}"


if __name__ == "__main__":
    main()
