"""Draw the embedded sample faces, so that the study runs where nobody has FER2013."""

from pipeline import layout, shell
from pipeline.sample.sample import make_sample, write_sample


def work(stage: shell.Stage) -> None:
    """From the parameters `sample` to `data/sample`."""
    sample = make_sample(stage.params.sample)
    write_sample(sample, layout.SAMPLE)


def main() -> None:
    """Run the stage as a program."""
    shell.run("sample", work, own_params=lambda params: params.sample.model_dump())
