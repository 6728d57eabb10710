"""What unlabelled faces are worth: three classifiers that meet them in different ways, compared."""

from pipeline import layout
from pipeline.figures.style import save_all
from pipeline.files import write_json
from pipeline.networks.inference import reconstruct
from pipeline.params import Params
from pipeline.semisupervised.figures import draw
from pipeline.semisupervised.learn import checkpoints_of, learn
from pipeline.semisupervised.measure import headline, measure
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.trainings import seeded
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From faces and split to the accuracy with and without unlabelled faces."""
    settings = stage.params.section(SemiSupervised)
    checkpoints_of(stage.params, "autoencoder", settings).remember("run", stage.record.identity)
    found = [learn(stage, own) for own in seeded(settings)]
    first, result = found[0], measure(settings, stage.params.evaluate, found)
    write_json(layout.folder(stage.name) / "semisupervised.json", result)
    write_json(layout.metrics(stage.name), {"semisupervised": headline(result, settings)})
    some = first.material.test_pixels[:8]
    redrawn = reconstruct(first.autoencoder, some)
    save_all(draw(result, some, redrawn, first.progress), layout.figures(stage.name))


def resume(_name: str, params: Params) -> str | None:
    """The run that a killed stage recorded to, if this one continues it."""
    settings = params.section(SemiSupervised)
    return checkpoints_of(params, "autoencoder", settings).remembered("run")
