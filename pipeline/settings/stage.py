"""What all stages begin after: params.yaml is right, and no metrics of other parameters lie here.

A stage alone cannot see to that. DVC puts results back from its cache without running a stage, and
does not look at stages that are not asked for. This one is never put back (`persist` in dvc.yaml),
so it runs whenever a parameter changes, and before all others.
"""

from pipeline import disk, layout, stale
from pipeline.dvc_yaml import read_locked
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From params.yaml, which the shell has checked, to a file that is always the same."""
    now = stage.params.model_dump(mode="json")
    stale.empty_metrics(stale.find_stale(read_locked(), now))
    disk.write_text(layout.SETTINGS, f"{layout.PARAMS} was checked\n")
