"""What a trial of changed parameters is asked, and the further faces that it may be measured on."""

import argparse
import csv
from datetime import UTC, datetime
from pathlib import Path

from pipeline.experiments.recipes import configure, parse_assignment
from pipeline.params import Params
from pipeline.sample.sample import Sample, make_sample


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options of all trials."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("-S", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    made.add_argument("--drawn", type=int, default=0, help="further sample faces to measure on")
    made.add_argument("--note", default="", help="what was changed, in words")
    made.add_argument("--into", type=Path, help="a table of csv to add lines to")
    return made


def parameters(chosen: argparse.Namespace) -> Params:
    """Those of params.yaml with what was changed."""
    changes = [parse_assignment(text) for text in chosen.settings]
    return configure("benchmark", changes, "-S").params


def draw_others(params: Params, count: int) -> Sample:
    """So many sample faces that no file holds, their wrong labels included."""
    others = {"faces": count, "unlabelled": 0, "copies": 0.0, "seed": params.sample.seed + 1}
    return make_sample(params.sample.model_copy(update=others))


def tell(line: dict[str, object], chosen: argparse.Namespace) -> None:
    """Print when what was tried, and what came of it; add it to the table, which has a header."""
    when, change = f"{datetime.now(UTC):%Y-%m-%d %H:%M}", chosen.note or " ".join(chosen.settings)
    line = {"when": when, "change": change, **line}
    print(", ".join(f"{key}: {value}" for key, value in line.items()), flush=True)
    if chosen.into:
        header = [] if chosen.into.exists() else [line.keys()]
        with chosen.into.open("a", newline="") as file:
            csv.writer(file).writerows([*header, line.values()])
