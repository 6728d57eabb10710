"""Name the expressions of faces in your pictures: `python -m pipeline.predict PHOTO ...`.

Without `--model` the study's own CNN answers if it was trained on your faces and is as good as the
one in `weights/`, or else that. The exit status is 0 if a face was found, 3 if there was none in
any picture, 4 if there was no picture, 5 if a file could not be read (the others are answered), 130
at Ctrl-C and 1 at another error.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from pipeline import disk
from pipeline.command import command
from pipeline.errors import UserError, printable
from pipeline.wait_policy import choose_wait_policy

if TYPE_CHECKING:
    from pipeline.predict.inputs import Frame

FOLDER = Path("explained/predict")

DAY = 24 * 60 * 60

CAMERAS = 100
"""Above them OpenCV counts the cameras of other systems; below 0 it crashes."""


class Status(IntEnum):
    """What the program says to a shell, besides what every command does (`pipeline.command`)."""

    DONE = 0
    NO_FACE = 3
    NO_PICTURE = 4
    UNREADABLE = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer what the command line asks; returns the exit status."""
    chosen = _parse(arguments)
    with command("predict", chosen.to):
        try:
            return predict(chosen)
        except KeyboardInterrupt:
            if chosen.camera is None:
                raise
        except BrokenPipeError:  # of `| head`: whoever read has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Status.DONE


def predict(chosen: argparse.Namespace) -> Status:
    """Print answers as they come.

    Raises:
        UserError: there is no such model or camera.
    """
    from pipeline.detection.videos import read_camera
    from pipeline.predict.inputs import Frame, list_files, read_frames

    files = list_files(chosen.inputs)
    if not files and chosen.camera is None:
        names = ", ".join(map(str, chosen.inputs))
        _tell(f"{names}: no picture and no video in it")
        return Status.NO_PICTURE
    if files and not any(os.access(file, os.R_OK) for file in files):
        for file in files:  # said before seconds go into loading a network
            why = "not yours to read" if os.access(file, os.F_OK) else "no such file"
            _tell(f"{file}: cannot be read: {why}")
        return Status.UNREADABLE

    say = _prepare(chosen)
    faces = unreadable = 0
    with tqdm(files, unit="file", disable=None if len(files) > 1 else True) as bar:
        for file in bar:
            try:
                for frame in read_frames(file, chosen.every):
                    faces += say(frame)
            except UserError as error:
                unreadable += 1
                _tell(str(error))
    if chosen.camera is not None:
        for second, picture in read_camera(chosen.camera, chosen.every):
            faces += say(Frame(f"camera {chosen.camera}", second, picture))
    if chosen.explain and faces:
        _tell(f"the faces are marked in {chosen.to}/")
    if unreadable:
        if len(files) > 1:  # by now, what was said of each is far above
            _tell(f"{unreadable} of {len(files)} files could not be read")
        return Status.UNREADABLE
    if not faces:
        _tell("no face was found; one that looks straight ahead is found most easily")
        return Status.NO_FACE
    return Status.DONE


def _prepare(chosen: argparse.Namespace) -> Callable[["Frame"], int]:
    """What is done with each picture; gives the number of its faces."""
    from pipeline.params import load
    from pipeline.predict import output
    from pipeline.predict.model import load_recogniser

    params = load()
    title, recogniser, is_drawn = load_recogniser(params, chosen.model, chosen.not_sure)
    if is_drawn:
        _tell(title)
    heading = iter(() if chosen.json else (output.HEADING,))  # once, before the first rows

    def say(frame: "Frame") -> int:
        answers = recogniser.recognise(frame.picture, is_face=chosen.face)
        more = [output.as_json(frame, answers)] if chosen.json else output.as_rows(frame, answers)
        for row in chain(heading, more):
            tqdm.write(row)
        sys.stdout.flush()
        if chosen.explain and answers:
            from pipeline.predict.explanation import draw, file_name, map_faces
            from pipeline.saliency.params import Saliency

            maps = map_faces(answers, recogniser.classifier, params.section(Saliency))
            with disk.whole(chosen.to / file_name(frame.name, frame.second)) as partial:
                draw(frame.picture, answers, maps).save(partial, "PNG")
        return len(answers)

    return say


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.predict",
        description="Name the expressions of the faces in pictures and videos.",
    )
    add = parser.add_argument
    add("inputs", nargs="*", type=Path, metavar="PHOTO|FOLDER|VIDEO", help="where the faces are")
    add(
        "--camera", nargs="?", type=_camera, const=0, metavar="NUMBER",
        help="a camera (0), until Ctrl-C",
    )  # fmt: skip
    add("--model", help="cnn, dnn, a folder with a trained model, or an address in MLflow")
    add("--json", action="store_true", help="one line of JSON for each picture")
    add("--explain", action="store_true", help="also write pictures with boxes and saliency")
    add("--to", type=Path, default=FOLDER, help=f"the folder of these ({FOLDER})")
    add("--face", action="store_true", help="each picture is a face, cut out as FER2013's are")
    add(
        "--every", type=_number(DAY), default=1.0, metavar="SECONDS",
        help="of a video or camera (1)",
    )  # fmt: skip
    add(
        "--not-sure", type=_number(1), metavar="P",
        help="name no expression less probable than this",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    if not chosen.inputs and chosen.camera is None:
        parser.error("name a picture, a folder or a video, or say --camera")
    return chosen


def _camera(text: str) -> int:
    if text.isdecimal() and int(text) < CAMERAS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text}: expected a number from 0 to {CAMERAS - 1}")


def _number(most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        with suppress(ValueError):
            if 0 <= float(text) <= most:
                return float(text)
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 0 to {most:g}")

    return read


def _tell(text: str) -> None:
    tqdm.write(f"predict: {printable(text)}", file=sys.stderr)


if __name__ == "__main__":
    choose_wait_policy()
    sys.exit(main())
