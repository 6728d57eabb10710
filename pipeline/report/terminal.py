"""The study's results in a few lines, for a terminal."""

from rich.console import Console
from rich.table import Table

from pipeline import layout
from pipeline.report.content import Evaluation, SemiSupervised
from pipeline.report.numbers import percent, percent_range, points, points_range, probability


def results_table(evaluation: Evaluation, semisupervised: SemiSupervised) -> Table:
    """Accuracies on the test faces with their intervals."""
    table = Table(title="Accuracy on the test faces", title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("accuracy", justify="right", no_wrap=True)
    table.add_column("95% interval", no_wrap=True)
    for name, model in (("CNN", evaluation.cnn), ("DNN", evaluation.dnn)):
        interval = model.test.accuracy_interval
        table.add_row(f"{name} ({model.network})", percent(interval.value), percent_range(interval))
    gap = evaluation.difference
    table.add_row("CNN less DNN, in points", points(gap.accuracy.value), points_range(gap.accuracy))
    table.add_row("always the majority class", percent(evaluation.majority_accuracy), "")
    table.add_section()
    labels = f"{semisupervised.labelled_faces:,} labels"
    for name, interval in (
        (f"{labels} only", semisupervised.labelled_only),
        (f"{labels} and an autoencoder", semisupervised.pretrained),
        (f"{labels} and consistency", semisupervised.consistent),
    ):
        table.add_row(name, percent(interval.value), percent_range(interval))
    gains = {
        "autoencoder": semisupervised.gain, "consistency": semisupervised.consistency_gain,
    }  # fmt: skip
    for name, gain in gains.items():
        row = (points(gain.accuracy.value), points_range(gain.accuracy))
        table.add_row(f"gain by {name}, in points", *row)
    chances = [f"{name} {probability(gain.p)}" for name, gain in gains.items()]
    table.caption = f"McNemar: CNN and DNN {probability(gap.p)}, {', '.join(chances)}"
    table.caption_justify = "left"
    return table


def print_results(
    evaluation: Evaluation, semisupervised: SemiSupervised, console: Console | None = None
) -> None:
    """Print the table and where the whole report lies."""
    console = console or Console()
    console.print(results_table(evaluation, semisupervised))
    # The path stays on one line and whole, so that it can be clicked or copied.
    console.print(f"Report: {layout.REPORT}", soft_wrap=True, highlight=False)
