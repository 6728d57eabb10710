"""Labels that a network contradicts with confidence, and how often it is right in that."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.labels.result import SuspectLabels
from pipeline.statistics.intervals import Interval, share_of
from pipeline.statistics.scores import Labels, Probabilities

MARGIN = 0.5
"""By so much another expression has to be more probable: of drawn faces with less, few labels are
wrong."""


def find_suspects(probabilities: Probabilities, labels: Labels) -> pd.DataFrame:
    """The faces whose label is probably wrong, the most contradicted first.

    They are ranked by the margin between the label and the most probable other expression, a label
    quality score of Northcutt, Jiang and Chuang 2021 (arXiv:1911.00068).

    Args:
        probabilities: of each face, (N, 7).
        labels: (N,).

    Returns:
        One row a suspect: `face` (place among the N), `label`, `suggested` (numbers), what the
        network gives these, `of_label` and `of_suggested`, and their difference, `margin`.
    """
    places = np.arange(len(labels))
    others = probabilities.copy()
    others[places, labels] = -1
    table = pd.DataFrame(
        {
            "face": places,
            "label": labels,
            "suggested": others.argmax(axis=1),
            "of_label": probabilities[places, labels],
            "of_suggested": others.max(axis=1),
        }
    )
    table["margin"] = table["of_suggested"] - table["of_label"]
    return _most_suspect_first(table[table["margin"] >= MARGIN])


def _most_suspect_first(suspects: pd.DataFrame) -> pd.DataFrame:
    return suspects.sort_values("margin", ascending=False, kind="stable", ignore_index=True)


def count_suspects(suspects: pd.DataFrame, labels: Labels, truth: Labels | None) -> SuspectLabels:
    """How many suspects there are among faces with labels (N,), and how many of them are wrong.

    That is told where the truth (N,) is known.
    """
    wrong = np.zeros(len(labels), bool) if truth is None else labels != truth
    named = np.isin(np.arange(len(labels)), suspects["face"])
    return SuspectLabels(
        faces=len(labels),
        suspects=len(suspects),
        precision=None if truth is None else _share(wrong[named]),
        recall=None if truth is None else _share(named[wrong]),
    )


def _share(hits: NDArray[np.bool_]) -> Interval | None:
    """The share of hits with its interval; none where there is nothing to hit."""
    return share_of(hits) if len(hits) else None


def suspects_table(suspects: pd.DataFrame, faces: pd.DataFrame) -> pd.DataFrame:
    """The list for people: where each suspect stands in the source, and expressions by name.

    Args:
        suspects: as found, in any order, `face` now its place among all labelled faces.
        faces: the table of these.
    """
    suspects = _most_suspect_first(suspects)
    names, of_face = dict(enumerate(EXPRESSIONS)), faces.iloc[suspects["face"]]
    found = suspects.assign(
        usage=of_face["usage"].to_numpy(),
        row=of_face["row"].to_numpy(),
        name=of_face["name"].to_numpy(),
        label=suspects["label"].map(names),
        suggested=suspects["suggested"].map(names),
    )
    # Rows count in each file anew: of train.csv beside test.csv `usage` tells them apart.
    columns = ["usage", "row", "name", "part", "label", "suggested", "of_label", "of_suggested"]
    return found[columns]
