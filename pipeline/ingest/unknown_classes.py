"""What to do about classes that mean nothing, and that dropping rows takes none away."""

import re
from collections.abc import Iterable, Mapping

from pipeline.errors import UserError
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.ingest.labels import DROP, LEFT_OUT, MAPS, NAMES, Labels

_NO_CLASS = ("na", "nan", "none", "null")
"""Words that programs write where nothing is."""

_MOST = 10
"""Classes that a refusal writes out."""


def setting_for(labels: Labels, text: str, among: Iterable[str]) -> str:
    """The setting with which an unknown class can be read, by what stands beside it."""
    among = [text, *among]
    numbers = {int(each) for each in among if each.isdecimal() and len(each) < 4}
    if labels.setting in MAPS:
        return f"{labels.setting} has none: take another of data.labels, or write a map there"
    if labels.setting != "auto" or not text.isdecimal():
        return as_map((each for each in among if labels.label(each) is None), labels.given)
    if min(numbers, default=0) == 1 and max(numbers) == 7:
        return "1 to 7 are RAF-DB's: data.labels: raf-db, or a map of your own"
    if {0, 7, 10} <= numbers and max(numbers) == 10:
        return "0 to 10 are AffectNet's: data.labels: affectnet, which leaves 7 to 10 out"
    if {0, 7} <= numbers and max(numbers) < 10:
        more = ", ".join(f'"{number}": drop' for number in sorted(numbers) if number > 6)
        return (
            f"0 to {max(numbers)} are AffectNet's (data.labels: affectnet) or FER+'s (data.labels: "
            "ferplus), both without contempt: only their source can say which; if 0 to 6 are "
            f"FER2013's, leave the others out with data.labels: {{{more}}}"
        )
    return (
        "for another order set data.labels: raf-db (1 to 7), affectnet or ferplus (0 to 7), "
        "or a map"
    )


def as_map(unknown: Iterable[str], given: Mapping[str, str] | None = None) -> str:
    """The setting for classes that mean nothing beside those that are given, to be copied."""
    names = list({name.lower(): name for name in unknown}.values())
    for kind in ("kdef", "jaffe"):
        if all(name.lower() in MAPS[kind] for name in names):
            return f"these are {kind.upper()}'s letters: data.labels: {kind}"
    guessed = {name: _guess(name) for name in names[:_MOST]}
    written = _written({**(given or {}), **guessed})
    if len(names) == 1 and DROP in guessed.values():
        return f"leave it out with {written}, or name its expression there"
    more = f" (and {len(names) - _MOST} more)" if len(names) > _MOST else ""
    hint = ", with an expression for each drop that is one" if DROP in guessed.values() else ""
    return f"set {written}{more}{hint}"


def check_nothing_vanished(labels: Labels) -> None:
    """See that dropping what is no face took no whole class away.

    Raises:
        UserError: it did.
    """
    rows = sum(labels.seen.values())
    left = {labels.label(text) for text in labels.kept}
    for text, count in labels.seen.items():
        label = labels.label(text)
        if label is None and _is_class(labels, text, rows):
            raise UserError(
                f"label {text!r} of {count} of {rows} rows means nothing, and dropping them "
                f"would drop a class; {setting_for(labels, text, labels.seen)}"
            )
        if label is not None and label not in (LEFT_OUT, *left):
            # A map turns FER+'s votes off: numbers are then those of the file itself.
            voted = labels.setting == "ferplus" and not text.isdecimal()
            given = {} if voted else labels.given
            raise UserError(
                f"all {count} faces of class {text!r} would be dropped, and "
                f"{EXPRESSIONS[label]} with them; mend them (data.on_bad_row: stop says what "
                f"is wrong), or leave the class out with "
                f"{_written({**given, text.lower(): DROP})}"
            )


def _is_class(labels: Labels, text: str, rows: int) -> bool:
    """Whether an unknown class is one, and no slip: a number or a word twice, or a share."""
    is_word = text.isdecimal() or (text.isalpha() and text.lower() not in _NO_CLASS)
    count = labels.seen[text]
    return (is_word and labels.unknown[text] > 1) or (count > 1 and 100 * count >= rows)


def _written(classes: Mapping[str, str]) -> str:
    """The setting that says what each class is."""
    pairs = ", ".join(f"{_key(name)}: {meant}" for name, meant in classes.items())
    return f"data.labels: {{{pairs}}}"


def _key(name: str) -> str:
    """A class as a key of YAML, in quotes where it is read as something else without."""
    is_plain = re.fullmatch("[a-zA-Z]+", name)
    is_kept = name.lower() not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    return name if is_plain and is_kept else f'"{name}"'


def _guess(name: str) -> str:
    """The expression that a word of a name means, `happy` for `Happy_faces`; otherwise `drop`."""
    found = {NAMES[word] for word in re.findall("[a-z]+", name.lower()) if word in NAMES}
    return found.pop() if len(found) == 1 else DROP
