"""Which expression a name or a number means."""

import re
from collections import Counter
from collections.abc import Mapping

from pipeline.faces.expressions import EXPRESSIONS

DROP = "drop"
"""What a map says of a class that is left out."""

LEFT_OUT = -2
"""The label of a face that is left out, in place of 0 to 6."""

_SPELLINGS = {
    "angry": ("anger", "angered", "angrily"),
    "disgust": ("disgusted", "disgusting"),
    "fear": ("afraid", "fearful", "feared", "scared"),
    "happy": ("happiness", "joy", "joyful", "smile", "smiling"),
    "sad": ("sadness", "unhappy", "sorrow"),
    "surprise": ("surprised", "suprise", "surprising", "astonished"),
    "neutral": ("natural", "neutrality", "normal", "calm"),
}
NAMES = {
    spelling: name for name, more in _SPELLINGS.items() for spelling in (name, *more)
}  # fmt: skip
"""Each name that is understood without a map, and the expression that it means."""


def _numbered(names: str, first: int = 0) -> dict[str, str]:
    return {str(number): name for number, name in enumerate(names.split(), first)}


_CODES = {
    "an": "angry", "di": "disgust", "ha": "happy", "sa": "sad", "su": "surprise", "ne": "neutral",
}  # fmt: skip

MAPS: dict[str, dict[str, str]] = {
    "fer2013": _numbered(" ".join(EXPRESSIONS)),
    "raf-db": _numbered("surprise fear disgust happy sad angry neutral", 1),
    "affectnet": {
        **_numbered("neutral happy sad surprise fear disgust angry drop drop drop drop"),
        "contempt": DROP,
    },
    "ferplus": {
        **_numbered("neutral happy surprise sad angry disgust fear drop drop drop"),
        "contempt": DROP, "unknown": DROP, "nf": DROP, "no majority": DROP,
    },
    "kdef": {**_CODES, "af": "fear"},
    "jaffe": {**_CODES, "fe": "fear"},
}  # fmt: skip
"""Maps by their names: what each set of faces calls an expression. Names that a map lacks are read
as ever; numbers that it lacks mean nothing."""


def whole(text: str) -> str:
    """A class as it was meant: a whole number that was written as a float without its `.0`."""
    return text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text


class Labels:
    """Reads the classes of one source, and counts them.

    Args:
        setting: `data.labels`: `auto`, the name of a map, or a map.
    """

    def __init__(self, setting: str | Mapping[str | int, str] = "auto") -> None:
        self.setting = setting if isinstance(setting, str) else "a map of its own"
        given = MAPS.get(setting, {}) if isinstance(setting, str) else setting
        self.given = {whole(str(key).strip().lower()): name for key, name in given.items()}
        """What the setting says of each class, in small letters."""
        # Leaving a number out says nothing of the others' order.
        self._has_numbers = any(
            key.isdecimal() and name != DROP for key, name in self.given.items()
        )
        self._known: dict[str, int | None] = {}
        self.seen: Counter[str] = Counter()
        """Rows or images of each class, however it is written, unknown ones included."""
        self.kept: Counter[str] = Counter()
        """Those of them that became faces."""
        self.unknown: Counter[str] = Counter()
        """Those of them that are faces but for their class, which means nothing."""

    def beside(self, more: dict[str, str]) -> "Labels":
        """The same with a map for what they do not name themselves."""
        return Labels(dict[str | int, str]([*more.items(), *self.given.items()]))

    @property
    def assumed(self) -> list[str]:
        """The numbers that were taken for FER2013's as nothing says otherwise."""
        if self._has_numbers:
            return []
        return sorted(
            text
            for text in self.seen
            if text.isdecimal() and self.label(text) not in (None, LEFT_OUT)
        )

    def label(self, text: str) -> int | None:
        """A class as 0 to 6, `LEFT_OUT`, or None if it means nothing."""
        if text not in self._known:
            name = self._name(text.strip().lower())
            number = LEFT_OUT if name == DROP else EXPRESSIONS.index(name) if name else None
            self._known[text] = number
        return self._known[text]

    def _name(self, text: str) -> str | None:
        if text in self.given:
            return self.given[text]
        if text.isdecimal():
            if len(text) == 2 and text[0] == "0":  # as in folders 00, 01, 02
                return self._name(text[1])
            return None if self._has_numbers else MAPS["fer2013"].get(text)
        if text in NAMES:
            return NAMES[text]
        # Folders such as 0_angry: the name counts, not the number.
        bare = re.fullmatch(r"\d+[ _-]+([a-z]+)|([a-z]+)[ _-]+\d+", text)
        return self._name(bare[1] or bare[2]) if bare else None

    @property
    def numbers(self) -> str:
        """Those that are understood."""
        return ", ".join(filter(str.isdecimal, self.given)) if self._has_numbers else "0 to 6"

    def expected(self) -> str:
        """What is understood, for a line that refuses a class."""
        if self._has_numbers:
            return (
                f"expected one of the numbers {self.numbers} of data.labels, or an expression's "
                "name"
            )
        return f"expected a whole number {self.numbers}, or an expression's name"
