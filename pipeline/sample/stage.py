"""Draw the embedded sample faces, so that the study runs where nobody has FER2013."""

from pipeline import layout
from pipeline.sample.sample import make_sample, write_sample
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From the parameters `sample` to `data/sample`."""
    sample = make_sample(stage.params.sample)
    write_sample(sample, layout.SAMPLE)
