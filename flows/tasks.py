"""Stages as Prefect tasks, each after those that it needs."""

import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.client.schemas.objects import TaskRun
from prefect.futures import PrefectFuture, wait
from prefect.states import Completed, Failed
from prefect.tasks import Task

from flows.experiment import FollowedExperiment
from flows.graph import Graph, Stage
from flows.stage import Outcome, reproduce
from pipeline.compute_slot import count_slots
from pipeline.experiments.running import Experiment

Log = Callable[[str], None]

HEAVY = "heavy"
"""Tag of the tasks of heavy stages."""

RETRIES = 2
"""How often a stage is tried again that was killed; a training goes on from its last checkpoint."""


def reproduce_in_place(
    graph: Graph, root: Path, force: bool, environment: Mapping[str, str], timeout: float
) -> dict[str, Outcome]:
    """Bring a workspace's stages up to date.

    Returns:
        Outcomes of all stages but those downstream of one that failed.
    """
    # The slots are held by the stages themselves, whoever starts them. This only keeps those that
    # would wait for one from being started, as each holds half a gigabyte of libraries.
    turns = threading.BoundedSemaphore(count_slots())

    def run(stage: Stage, log: Log) -> Outcome:
        with turns if stage.is_heavy else nullcontext():
            return reproduce(
                stage.name, root, log, force=force, environment=environment, timeout=timeout
            )

    return _run_all(graph, run, retries=RETRIES)


def reproduce_experiment(
    graph: Graph, experiment: Experiment, environment: Mapping[str, str], timeout: float
) -> dict[str, Outcome]:
    """Run an experiment in a copy of the workspace.

    Returns:
        As above.
    """
    log = get_run_logger().info
    followed = FollowedExperiment(experiment, environment=environment, timeout=timeout, log=log)
    thread = threading.Thread(target=followed.run, daemon=True)
    thread.start()
    try:
        return _run_all(graph, lambda stage, log: followed.follow(stage.name, log), retries=0)
    finally:
        thread.join()


def _run_all(
    graph: Graph, run: Callable[[Stage, Log], Outcome], *, retries: int
) -> dict[str, Outcome]:
    futures: dict[str, PrefectFuture[Any]] = {}
    for stage in graph.stages:
        named = _reproduce_stage.with_options(
            name=stage.name,
            task_run_name=stage.name,
            tags=[HEAVY] if stage.is_heavy else [],
            retries=retries,
        )
        needed = [futures[name] for name in stage.needs]
        futures[stage.name] = named.submit(stage, run, wait_for=needed, return_state=False)
    wait(list(futures.values()))
    ends = {name: future.state for name, future in futures.items()}
    return {name: _outcome(end) for name, end in ends.items() if end.is_final()}


def _may_help(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether to try again: not where the same would come of it."""
    return isinstance(state.data, Outcome) and state.data.was_killed


@task(  # what is up to date, DVC decides
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_delay_seconds=2,
    retry_condition_fn=_may_help,
)
def _reproduce_stage(stage: Stage, run: Callable[[Stage, Log], Outcome]) -> State[Any]:
    outcome = run(stage, get_run_logger().info)
    if outcome.state == "failed":
        return Failed(message=outcome.message, data=outcome)
    name = "Cached" if outcome.state == "cached" else "Completed"
    return Completed(name=name, message=outcome.message, data=outcome)


def _outcome(end: State[Any]) -> Outcome:
    found = end.result(raise_on_failure=False)
    if isinstance(found, Outcome):
        return found
    return Outcome("failed", 0.0, end.message or repr(found))  # the task itself broke
