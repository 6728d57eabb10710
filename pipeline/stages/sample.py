"""Draw the embedded sample faces, so that the study runs where nobody has FER2013."""

from pipeline import layout
from pipeline.data.sample import make_sample, write_sample
from pipeline.stages import shell


def work(stage: shell.Stage) -> None:
    """From the parameters `sample` to `data/sample`."""
    sample = make_sample(stage.params.sample)
    write_sample(sample, layout.SAMPLE)


if __name__ == "__main__":
    shell.run("sample", work, own_params=lambda params: params.sample.model_dump())
