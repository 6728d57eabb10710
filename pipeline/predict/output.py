"""Answers as lines, for people or for programs; each is printed as soon as it is known."""

import json
from collections.abc import Iterator, Sequence

from pipeline.errors import printable
from pipeline.predict.inputs import Frame
from pipeline.predict.recogniser import NOT_SURE, Answer

_COLUMNS = "{:<18} {:<13} {:<25} {}"

HEADING = _COLUMNS.format("box", "expression", "or", "picture")


def as_rows(frame: Frame, answers: Sequence[Answer]) -> Iterator[str]:
    """A line for each face, or one that says that there is none."""
    second = "" if frame.second is None else f" at {frame.second:.1f} s"
    name = f"{printable(frame.name)}{second}"
    for answer in answers:
        left, top, side = (round(value) for value in answer.box)
        first, other = (f"{each} {answer.probability(each):.0%}" for each in answer.likeliest)
        said, rest = (first, other) if answer.is_sure else (NOT_SURE, f"{first}, {other}")
        yield _COLUMNS.format(f"{left},{top} {side}x{side}", said, rest, name)
    if not answers:
        yield _COLUMNS.format("no face", "", "", name)


def as_json(frame: Frame, answers: Sequence[Answer]) -> str:
    """One line of JSON for a picture."""
    second = {} if frame.second is None else {"second": round(frame.second, 3)}
    faces = [answer.as_json() for answer in answers]
    return json.dumps({"picture": frame.name, **second, "faces": faces})
