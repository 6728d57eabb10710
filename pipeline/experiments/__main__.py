"""Run recipes and grids as DVC experiments: `python -m pipeline.experiments list`."""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.command import command, leave_on_sigterm
from pipeline.dotted_keys import flatten
from pipeline.driver.experiment_runs import Experiment, read_kept, run_experiment
from pipeline.driver.stage_runs import DVC
from pipeline.driver.workspace import check_workspace
from pipeline.errors import UserError
from pipeline.experiments.grids import GRIDS, read_grid
from pipeline.experiments.recipes import (
    RECIPES,
    check_source,
    configure,
    list_files,
    parse_assignment,
    read_recipe,
)
from pipeline.params import FEWEST_FACES, MODELS, load

HEADLINES = [f"{model}.{name}" for name in ("validation_accuracy", "accuracy") for model in MODELS]
"""The metrics that compare experiments of any kind."""


@command("experiments")
def main() -> int:
    """Do what the command line says; returns the exit status."""
    chosen = _parser().parse_args()
    leave_on_sigterm()
    act: Callable[[argparse.Namespace], int] = chosen.act
    return act(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.experiments", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="what there is")
    listing.set_defaults(act=_list)

    times = commands.add_parser("times", help="how long the trainings of recipes take here, about")
    times.add_argument("names", metavar="RECIPE", nargs="*", help="these alone; else all")
    times.add_argument("--faces", type=int, default=28_709, help="labelled; FER2013's by default")
    times.add_argument("--unlabelled", type=int, default=7_178)
    times.set_defaults(act=_times)

    one = commands.add_parser("run", help="run one recipe as the experiment of its name")
    one.add_argument("name", metavar="RECIPE")
    one.set_defaults(act=lambda chosen: _run_recipes([chosen.name], chosen))

    every = commands.add_parser("all", help="run every recipe, one after another")
    every.set_defaults(act=lambda chosen: _run_recipes(list_files(RECIPES), chosen))

    grid = commands.add_parser("grid", help="run every combination of a grid, then its table")
    grid.add_argument("name", metavar="GRID")
    grid.set_defaults(act=_run_grid)

    show = commands.add_parser("show", help="`dvc exp show`: only what differs, and scores")
    show.add_argument("name", metavar="GRID", nargs="?", help="of this grid; else all experiments")
    show.set_defaults(act=_show)

    for running in (one, every, grid):
        running.add_argument(
            "-S", dest="settings", action="append", default=[], metavar="KEY=VALUE",
            help="over the recipe or grid, as in train.cnn.epochs=1; may be repeated",
        )  # fmt: skip
    for recipes in (one, every):
        recipes.add_argument(
            "--to", dest="stages", action="append", default=[], metavar="STAGE",
            help="only this stage and all it needs; may be repeated",
        )  # fmt: skip
    return parser


def _list(_chosen: argparse.Namespace) -> int:
    if not RECIPES.is_dir():
        raise UserError(f"{RECIPES}/: no such folder; run this in the project's own folder")
    grids = {name: read_grid(name) for name in list_files(GRIDS)}
    _print_table(
        ("run", "name", "what"),
        [
            *(("recipe", name, read_recipe(name).title) for name in list_files(RECIPES)),
            *(("grid", name, f"{grid.title} ({grid.size})") for name, grid in grids.items()),
        ],
    )
    return 0


def _times(chosen: argparse.Namespace) -> int:
    from pipeline.experiments.flops import Sizes, count_trainings
    from pipeline.training.speed import machine_speed
    from pipeline.wording.numbers import duration

    if chosen.faces < FEWEST_FACES or chosen.unlabelled < 0:
        raise UserError(f"--faces: at least {FEWEST_FACES}; --unlabelled: not below 0")
    rows = []
    for name in chosen.names or list_files(RECIPES):
        params = configure(name, [read_recipe(name).overrides], f"recipes/{name}.yaml").params
        work = count_trainings(params, Sizes.of(params, chosen.faces, chosen.unlabelled))
        compared = sum(work[f"train@{model}"] for model in MODELS)
        every, speed = sum(work.values()), machine_speed().of_all_threads(params.machine.precision)
        shown = (f"about {duration(each / speed)}" for each in (compared, every))
        rows.append((name, *shown, f"{every / 1e12:,.0f}"))
    print(f"Trainings on {chosen.faces:,} faces, by this machine's CPU:")
    _print_table(("recipe", "CNN and DNN", "with the semi-supervised", "TFLOP"), rows)
    return 0


def _run_recipes(names: Sequence[str], chosen: argparse.Namespace) -> int:
    settings = [parse_assignment(text) for text in chosen.settings]
    experiments = []
    for name in names:
        origin = ", ".join([f"recipes/{name}.yaml", *(f"-S {text}" for text in chosen.settings)])
        configuration = configure(name, [read_recipe(name).overrides, *settings], origin)
        check_source(configuration.params)
        experiments.append(configuration.experiment(chosen.stages))
    check_workspace()
    failed = _run_all(experiments)
    ran = [name for name in names if name not in failed]  # of the others DVC has former results
    if ran and (not chosen.stages or "evaluate" in chosen.stages):
        _print_accuracies(ran)
    return _report_failures(failed)


def _run_grid(chosen: argparse.Namespace) -> int:
    from pipeline.experiments.grid_plan import plan_grid  # a second, as it draws

    plan = plan_grid(chosen.name, [parse_assignment(text) for text in chosen.settings])
    configurations = (each.configuration for each in plan.combinations)
    failed = _run_all([each.experiment(plan.grid.stages) for each in configurations])
    plan.report(failed)
    return _report_failures(failed)


def _show(chosen: argparse.Namespace) -> int:
    if chosen.name:
        grid = read_grid(chosen.name)
        columns = [*filter(None, [grid.measure, grid.against]), *sorted(grid.varied)]
    else:
        now = flatten(load().model_dump())
        params = (each.params for each in read_kept().values())
        changed = {key for found in params for key in found if found[key] != now.get(key)}
        columns = [*HEADLINES, *sorted(changed)]
    names = "|".join(map(re.escape, ["Experiment", *columns]))
    options = ["--hide-workspace", "--no-pager", "--drop", ".*", "--keep", f"^({names})$"]
    return subprocess.run([*DVC, "exp", "show", *options], check=False).returncode


def _run_all(experiments: Sequence[Experiment]) -> list[str]:
    """Run one after another; returns the names of those that failed."""
    failed = []
    for number, experiment in enumerate(experiments, start=1):
        print(f"[{number}/{len(experiments)}] {experiment.name}", flush=True)
        if run_experiment(experiment, hear=_print_part).state == "failed":
            failed.append(experiment.name)
    return failed


def _print_part(_stage: str, text: str, end: str) -> None:
    with suppress(BrokenPipeError):
        print(text, end=end, flush=True)


def _print_accuracies(names: Sequence[str]) -> None:
    kept, rows = read_kept(), []
    for name in names:
        metrics = kept[name].metrics if name in kept else {}
        found = (metrics.get(f"{model}.accuracy") for model in MODELS)
        rows.append((name, *("" if value is None else f"{100 * value:.1f}" for value in found)))
    head = ("experiment", *(model.upper() for model in MODELS))
    print("Accuracy on test faces, in %:")
    _print_table(head, rows)
    print("side by side, with all that was changed: make compare, or dvc exp show")


def _print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*head, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


def _report_failures(failed: Sequence[str]) -> int:
    if failed:
        print(
            f"experiments: failed: {', '.join(failed)}; the reason is printed where each ran",
            file=sys.stderr,
        )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
