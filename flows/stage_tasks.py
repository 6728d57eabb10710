"""Stages as Prefect tasks, each after those that it needs."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

from prefect import allow_failure, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.client.schemas.objects import TaskRun
from prefect.futures import PrefectConcurrentFuture, PrefectFuture, wait
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
    # wait for one are not started, so that Prefect shows them as pending.
    heavy, slots = [stage.name for stage in graph if stage.is_heavy], count_slots()
    earlier = dict(zip(heavy[slots:], heavy, strict=False))

    def wait_for(stage: Stage, futures: Futures) -> list[Any]:
        return [allow_failure(futures[earlier[stage.name]])] if stage.name in earlier else []

    return _run_all(graph, run, wait_for, RETRIES)


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
    # Come once DVC has named a stage, or has ended: Prefect shows its task as pending before.
    turns: dict[str, Future[State[Any]]] = {name: Future() for name in heard}
    before = LineLog(get_run_logger().info)

    def begin(name: str) -> None:
        if name in turns and not turns[name].done():
            turns[name].set_result(Completed(data=True))  # a result, which nobody uses

    def hear(name: str, text: str, end: str) -> None:
        begin(name)
        logs.get(name, before)(text, end)

    def run_dvc() -> None:
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
            for name, queue in heard.items():
                queue.put(rest)
                begin(name)

    def follow(stage: Stage, log: Log) -> Outcome:
        while not isinstance(item := heard[stage.name].get(), Outcome):
            log(item)
        return item

    def wait_for(stage: Stage, _futures: Futures) -> list[Any]:
        return [PrefectConcurrentFuture(uuid4(), turns[stage.name])]

    thread = threading.Thread(target=run_dvc, daemon=True)
    thread.start()
    try:
        return _run_all(graph, follow, wait_for, retries=0)
    finally:
        thread.join()


def _run_all(
    graph: Graph,
    run: Callable[[Stage, Log], Outcome],
    wait_for: Callable[[Stage, Futures], list[Any]],
    retries: int,
) -> dict[str, Outcome]:
    """Run stages as tasks.

    A stage waits for those that it needs, and for what `wait_for` says of it, given the futures of
    those before it. One that was killed is tried again, so many times.
    """
    futures: Futures = {}
    for stage in graph:
        named = _reproduce_stage.with_options(
            name=stage.name, task_run_name=stage.name, retries=retries
        )
        awaited = [*(futures[name] for name in stage.needs), *wait_for(stage, futures)]
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
