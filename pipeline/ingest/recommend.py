"""Which recipes are meant for thousands of faces."""

import subprocess
import sys
from collections.abc import Callable

from pipeline.compute_slot import list_gpus

MANY = 5000
"""Faces from which the settings of params.yaml, made for the sample, are too few and too small."""

RECIPES = ("half-hour", "hour")
"""What is meant for so many, without a GPU."""

RECIPES_FOR_A_GPU = ("gpu", "ensemble")
"""And with one."""


def recommend(faces: int, unlabelled: int, tell: Callable[[str], None]) -> None:
    """Say which recipes are meant for so many faces, and how long their trainings take here."""
    recipes = RECIPES_FOR_A_GPU if list_gpus() else RECIPES
    tell(
        f"params.yaml as it comes is set for the sample; for {faces:,} faces there are recipes: "
        f"make recipe NAME={recipes[0]}"
    )
    if recipes == RECIPES_FOR_A_GPU:  # minutes, as the README says; how many, only a GPU knows
        return
    # A program of its own: what it counts with is no reason to read the faces again.
    asked = ["times", *recipes, "--faces", str(faces), "--unlabelled", str(unlabelled)]
    subprocess.run([sys.executable, "-m", "pipeline.experiments", *asked], check=False)
