"""Record results that were made before, such as those of an old commit after `dvc pull`.

All that the record needs lies beside them.
"""

import json
import os
from pathlib import Path

from pipeline.dvc_yaml import find_entry, read_locked
from pipeline.params import load
from pipeline.record import made_by
from pipeline.record.address import digest
from pipeline.record.flow_run import FlowRun
from pipeline.record.stage_run import stage_run
from pipeline.stale import find_stale


def record_again() -> list[str]:
    """Record each stage of dvc.lock whose results lie here; twice makes no further runs.

    Results of other parameters than params.yaml's are left out.

    Returns:
        The stages.

    Raises:
        UserError: params.yaml is missing or wrong.
    """
    values, stages = load().model_dump(), read_locked()
    git = made_by.git_state(Path.cwd())
    flow = FlowRun(f"again {git['revision'][:10] if git else ''}".strip(), digest(str(stages)))
    os.environ.update(flow.environment)
    found = []
    stale = find_stale(stages, values)
    for stage, locked in stages.items():
        if stage not in stale and all(Path(out["path"]).exists() for out in locked.get("outs", ())):
            made = made_by.read(stage) if made_by.check(stage)[0] else {"git": git}
            identity = digest(json.dumps([stage, locked], sort_keys=True))
            entry = find_entry(stage)
            own = entry.pick_params(stage, values)
            with stage_run(stage, own, made=made, meta=entry.record, resume=identity):
                found.append(stage)
    flow.end("FINISHED")
    return found
