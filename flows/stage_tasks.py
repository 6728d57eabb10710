"""Stages as Prefect tasks, each after those that it needs."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from prefect import allow_failure, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.client.schemas.objects import TaskRun
from prefect.futures import PrefectFuture, wait
from prefect.states import Completed, Failed
from prefect.tasks import Task

from pipeline.compute_slot import count_slots
from pipeline.driver.experiment_runs import Experiment, run_experiment
from pipeline.driver.output_lines import LineLog
from pipeline.driver.stage_graph import Graph, Stage
from pipeline.driver.stage_runs import Outcome, reproduce

Log = Callable[[str], None]

RETRIES = 2
"""How often a stage is tried again that was killed; a training goes on from its last checkpoint."""

NOT_REACHED = Outcome("failed", 0.0, "not run: the experiment ended before")
NOTHING_TO_DO = Outcome("cached", 0.0, "up to date: DVC had nothing to do")


def reproduce_in_place(
    graph: Graph, root: Path, force: bool, environment: Mapping[str, str], timeout: float
) -> dict[str, Outcome]:
    """Bring a workspace's stages up to date.

    Returns:
        Outcomes of all stages but those downstream of one that failed.
    """

    def run(stage: Stage, log: Log) -> Outcome:
        return reproduce(
            stage.name, root, log, force=force, environment=environment, timeout=timeout
        )

    # Heavy stages hold the machine's slots themselves, whoever starts them. Here those that would
    # wait for one are not started, as each holds half a gigabyte of libraries.
    heavy, slots = [stage.name for stage in graph if stage.is_heavy], count_slots()
    return _run_all(graph, run, dict(zip(heavy[slots:], heavy, strict=False)), RETRIES)


def reproduce_experiment(
    graph: Graph, experiment: Experiment, environment: Mapping[str, str], timeout: float
) -> dict[str, Outcome]:
    """Run an experiment: all its stages in one call of DVC, one after another.

    Returns:
        As above.
    """
    heard: dict[str, SimpleQueue[str | Outcome]]
    heard = {stage.name: SimpleQueue() for stage in graph}
    logs = {name: LineLog(queue.put) for name, queue in heard.items()}
    before = LineLog(get_run_logger().info)

    def run_dvc() -> None:
        rest = NOT_REACHED
        try:
            outcome = run_experiment(
                experiment,
                hear=lambda name, text, end: logs.get(name, before)(text, end),
                ended=lambda name, outcome: heard[name].put(outcome),
                environment=environment,
                timeout=timeout,
            )
            rest = NOT_REACHED if outcome.state == "failed" else NOTHING_TO_DO
        finally:
            for queue in heard.values():
                queue.put(rest)

    def follow(stage: Stage, log: Log) -> Outcome:
        while not isinstance(item := heard[stage.name].get(), Outcome):
            log(item)
        return item

    thread = threading.Thread(target=run_dvc, daemon=True)
    thread.start()
    try:
        names = [stage.name for stage in graph]
        return _run_all(graph, follow, dict(zip(names[1:], names, strict=False)), retries=0)
    finally:
        thread.join()


def _run_all(
    graph: Graph, run: Callable[[Stage, Log], Outcome], after: Mapping[str, str], retries: int
) -> dict[str, Outcome]:
    """Run stages as tasks.

    Args:
        graph: the stages.
        run: runs one.
        after: a stage that another one waits for without needing it, so that Prefect shows the
            other as waiting.
        retries: how often a stage is tried again that was killed.
    """
    futures: dict[str, PrefectFuture[Any]] = {}
    for stage in graph:
        named = _reproduce_stage.with_options(
            name=stage.name, task_run_name=stage.name, retries=retries
        )
        awaited: list[Any] = [futures[name] for name in stage.needs]
        if stage.name in after:
            awaited.append(allow_failure(futures[after[stage.name]]))
        futures[stage.name] = named.submit(stage, run, wait_for=awaited, return_state=False)
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
