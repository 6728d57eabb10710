"""Run recipes and grids as DVC experiments: `python -m pipeline.experiments list`."""

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.errors import UserError
from pipeline.experiments import grid as grids
from pipeline.experiments.finished import Finished, read_finished
from pipeline.experiments.recipes import (
    RECIPES,
    Overrides,
    configure,
    list_files,
    parse_assignment,
    read_recipe,
)
from pipeline.experiments.running import (
    Experiment,
    check_source,
    check_workspace,
    environment,
    is_done,
    only_done,
    run,
)
from pipeline.experiments.subprocesses import run_to_end
from pipeline.experiments.table import draw_up, show_command
from pipeline.params import MODELS


def main() -> int:
    """Do what the command line says; returns the exit status."""
    chosen = _parser().parse_args()
    signal.signal(signal.SIGTERM, _exit_on_signal)
    command: Callable[[argparse.Namespace], int] = chosen.command
    try:
        return command(chosen)
    except UserError as error:
        print(f"experiments: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.experiments", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="what there is")
    listing.set_defaults(command=_list)

    times = commands.add_parser("times", help="how long the trainings of recipes take here, about")
    times.add_argument("names", metavar="RECIPE", nargs="*", help="these alone; else all")
    times.add_argument("--faces", type=int, default=28_709, help="labelled; FER2013's by default")
    times.add_argument("--unlabelled", type=int, default=7_178)
    times.set_defaults(command=_times)

    one = commands.add_parser("run", help="run one recipe as the experiment of its name")
    one.add_argument("name", metavar="RECIPE")
    one.set_defaults(command=lambda chosen: _run_recipes([chosen.name], chosen))

    every = commands.add_parser("all", help="run every recipe, one after another")
    every.set_defaults(command=lambda chosen: _run_recipes(list_files(RECIPES), chosen))

    grid = commands.add_parser("grid", help="run every combination of a grid, then its table")
    grid.add_argument("name", metavar="GRID")
    grid.set_defaults(command=_run_grid)

    table = commands.add_parser("table", help="mean and spread of a grid's experiments so far")
    table.add_argument("name", metavar="GRID")
    table.set_defaults(command=_table)

    show = commands.add_parser(
        "show", help="a grid in `dvc exp show`: only what varies, and scores"
    )
    show.add_argument("name", metavar="GRID")
    show.set_defaults(command=_show)

    for running in (one, every, grid):
        running.add_argument(
            "-S", dest="settings", action="append", default=[], metavar="KEY=VALUE",
            help="over the recipe or grid, as in train.cnn.epochs=1; may be repeated",
        )  # fmt: skip
        running.add_argument(
            "--again", action="store_true", help="ask DVC also where nothing seems to have changed"
        )
    for recipes in (one, every):
        recipes.add_argument(
            "--to", dest="stages", action="append", default=[], metavar="STAGE",
            help="only this stage and all it needs; may be repeated",
        )  # fmt: skip
    return parser


def _list(_chosen: argparse.Namespace) -> int:
    if not RECIPES.is_dir():
        raise UserError(f"{RECIPES}/: no such folder; run this in the project's own folder")
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("run", "name", "what"):
        table.add_column(heading)
    for name in list_files(RECIPES):
        table.add_row("recipe", name, read_recipe(name).title)
    for name in list_files(grids.GRIDS):
        grid = grids.read_grid(name)
        table.add_row("grid", name, f"{grid.title} ({grids.describe(grid)})")
    Console(highlight=False).print(table)
    return 0


def _times(chosen: argparse.Namespace) -> int:
    from pipeline.experiments.flops import Sizes, count_trainings
    from pipeline.training.forecast import duration
    from pipeline.training.speed import machine_speed

    speed = machine_speed().at_best
    title = f"Trainings on {chosen.faces:,} faces, by this machine's CPU"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for heading in ("recipe", "CNN and DNN", "with the semi-supervised", "TFLOP"):
        table.add_column(heading, justify="left" if heading == "recipe" else "right")
    for name in chosen.names or list_files(RECIPES):
        params = configure(name, [read_recipe(name).overrides], f"recipes/{name}.yaml").params
        work = count_trainings(params, Sizes.of(params, chosen.faces, chosen.unlabelled))
        compared = sum(work[f"train@{model}"] for model in MODELS)
        every = sum(work.values())
        shown = (f"about {duration(each / speed)}" for each in (compared, every))
        table.add_row(name, *shown, f"{every / 1e12:,.0f}")
    Console(highlight=False).print(table)
    return 0


def _run_recipes(names: Sequence[str], chosen: argparse.Namespace) -> int:
    settings = [parse_assignment(text) for text in chosen.settings]
    experiments = []
    for name in names:
        origin = ", ".join([f"recipes/{name}.yaml", *(f"-S {text}" for text in chosen.settings)])
        configuration = configure(name, [read_recipe(name).overrides, *settings], origin)
        check_source(configuration.params.data.source)
        experiments.append(Experiment(configuration, tuple(chosen.stages)))
    failed = _run_each(experiments, again=chosen.again)
    if not chosen.stages or "evaluate" in chosen.stages:
        _print_accuracies(names, read_finished())
    return _report_failures(failed)


def _run_grid(chosen: argparse.Namespace) -> int:
    grid = grids.read_grid(chosen.name)
    settings: list[Overrides] = [parse_assignment(text) for text in chosen.settings]
    combinations = grids.combine(chosen.name, grid, settings)
    for source in {each.configuration.params.data.source for each in combinations}:
        check_source(source)
    experiments = [Experiment(each.configuration, tuple(grid.stages)) for each in combinations]
    failed = _run_each(experiments, again=chosen.again)
    draw_up(chosen.name, grid, combinations, only_done(experiments, read_finished()))
    return _report_failures(failed)


def _table(chosen: argparse.Namespace) -> int:
    grid = grids.read_grid(chosen.name)
    draw_up(chosen.name, grid, grids.combine(chosen.name, grid), read_finished())
    return 0


def _show(chosen: argparse.Namespace) -> int:
    return run_to_end(show_command(grids.read_grid(chosen.name)), environment())


def _run_each(experiments: Sequence[Experiment], *, again: bool) -> list[str]:
    """Run all that is not done; returns the names of those that failed."""
    check_workspace()
    finished = {} if again else read_finished()
    failed = []
    for number, experiment in enumerate(experiments, start=1):
        title = f"[{number}/{len(experiments)}] {experiment.name}"
        if is_done(experiment, finished):
            print(f"{title}: done already", flush=True)
            continue
        print(f"{title}: runs", flush=True)
        if not run(experiment):
            failed.append(experiment.name)
    return failed


def _print_accuracies(names: Sequence[str], finished: Mapping[str, Finished]) -> None:
    table = Table(box=box.SIMPLE_HEAD, title="Accuracy on test faces, in %", title_justify="left")
    table.add_column("experiment")
    for model in MODELS:
        table.add_column(model.upper(), justify="right")
    for name in names:
        metrics = finished[name].metrics if name in finished else {}
        found = (metrics.get(f"{model}.accuracy") for model in MODELS)
        table.add_row(name, *("" if value is None else f"{100 * value:.1f}" for value in found))
    Console(highlight=False).print(table)
    print("side by side, with all that was changed: make compare, or dvc exp show")


def _report_failures(failed: Sequence[str]) -> int:
    if failed:
        print(
            f"experiments: failed: {', '.join(failed)}; the reason stands where each ran",
            file=sys.stderr,
        )
    return int(bool(failed))


def _exit_on_signal(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
