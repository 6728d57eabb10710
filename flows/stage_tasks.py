"""Stages as Prefect tasks, each after those that it needs."""

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

Futures = dict[str, PrefectFuture[Any]]
"""Of stages, by name."""

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
    earlier = dict(zip(heavy[slots:], heavy, strict=False))

    futures: Futures = {}
    for stage in graph:
        awaited: list[Any] = [futures[name] for name in stage.needs]
        if stage.name in earlier:
            awaited.append(allow_failure(futures[earlier[stage.name]]))
        futures[stage.name] = _submit(stage, run, awaited, RETRIES)
    return _wait_for(futures)


def reproduce_experiment(
    graph: Graph, experiment: Experiment, environment: Mapping[str, str], timeout: float
) -> dict[str, Outcome]:
    """Run an experiment: all its stages in one call of DVC, one after another.

    A stage's task begins when DVC names the stage, and tells what is heard of it.

    Returns:
        As above.
    """
    stages = {stage.name: stage for stage in graph}
    heard: dict[str, SimpleQueue[str | Outcome]] = {name: SimpleQueue() for name in stages}
    logs = {name: LineLog(queue.put) for name, queue in heard.items()}
    before = LineLog(get_run_logger().info)
    futures: Futures = {}

    def follow(stage: Stage, log: Log) -> Outcome:
        while not isinstance(item := heard[stage.name].get(), Outcome):
            log(item)
        return item

    def begin(name: str) -> None:
        if name in stages and name not in futures:
            needed = [futures[each] for each in stages[name].needs if each in futures]
            futures[name] = _submit(stages[name], follow, needed)

    def hear(name: str, text: str, end: str) -> None:
        begin(name)
        logs.get(name, before)(text, end)

    rest = NOT_REACHED
    try:
        outcome = run_experiment(
            experiment,
            hear=hear,
            ended=lambda name, outcome: heard[name].put(outcome),
            environment=environment,
            timeout=timeout,
        )
        rest = NOT_REACHED if outcome.state == "failed" else NOTHING_TO_DO
    finally:
        for queue in heard.values():
            queue.put(rest)
    for name in stages:
        begin(name)
    return _wait_for(futures)


def _submit(
    stage: Stage, run: Callable[[Stage, Log], Outcome], awaited: list[Any], retries: int = 0
) -> PrefectFuture[Any]:
    """Run a stage as a task once others have ended; tried again so often if it is killed."""
    named = _reproduce_stage.with_options(
        name=stage.name, task_run_name=stage.name, retries=retries
    )
    return named.submit(stage, run, wait_for=awaited, return_state=False)


def _wait_for(futures: Futures) -> dict[str, Outcome]:
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
