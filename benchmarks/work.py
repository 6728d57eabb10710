"""The floating point operations of every training of params.yaml, or of a recipe, in TFLOP.

    python benchmarks/work.py                       # a table, and how long it would take here
    python benchmarks/work.py --json                # {name: TFLOP}
    python benchmarks/work.py --recipe half-hour --faces 28709 --unlabelled 7178

Counted, not timed: `pipeline.experiments.flops` says how. work.json is the output for params.yaml
as it is committed; a test holds both together, so that the study cannot become slow unnoticed.
"""

import argparse
import json

from pipeline.experiments.flops import Sizes, count_trainings
from pipeline.experiments.recipes import configure, read_recipe
from pipeline.training.speed import machine_speed
from pipeline.wording.numbers import duration


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print {name: TFLOP} alone")
    parser.add_argument("--recipe", help="laid over params.yaml")
    parser.add_argument("--faces", type=int, help="labelled ones; else those of the sample")
    parser.add_argument("--unlabelled", type=int, default=0)
    chosen = parser.parse_args()
    layers = [read_recipe(chosen.recipe).overrides] if chosen.recipe else []
    params = configure("benchmark", layers, "--recipe").params
    sizes = (
        Sizes.of(params, chosen.faces, chosen.unlabelled)
        if chosen.faces
        else Sizes.of(params, params.sample.faces, params.sample.unlabelled)
    )
    found = count_trainings(params, sizes)
    if chosen.json:
        print(json.dumps({name: round(each / 1e12, 3) for name, each in found.items()}, indent=2))
        return
    speed = machine_speed().of_all_threads(params.machine.precision)
    for name, each in {**found, "together": sum(found.values())}.items():
        print(f"{name:28} {each / 1e12:10.2f} TFLOP  about {duration(each / speed)}")


if __name__ == "__main__":
    main()
