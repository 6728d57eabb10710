"""Which of FER2013's parts the name of a folder or a file means."""

import re

_PARTS = {
    "Training": ("train", "training", "trainset", "trainingset"),
    "PublicTest": ("publictest", "val", "valid", "validation", "dev", "valset"),
    "PrivateTest": ("privatetest", "test", "testing", "testset"),
}
_WORDS = {word: part for part, words in _PARTS.items() for word in words}


def part_of(name: str) -> str | None:
    """`Training`, `PublicTest` (validation) or `PrivateTest` (test); None if a name says nothing.

    >>> part_of("fer2013_train"), part_of("Valid"), part_of("faces")
    ('Training', 'PublicTest', None)
    """
    bare = re.sub(r"(?<=\D)\d+$", "", name).lower()
    words = [re.sub(r"[\W_]+", "", bare), *re.split(r"[\W_]+", bare)]
    found = [_WORDS[word] for word in words if word in _WORDS]
    return found[0] if found and (words[0] in _WORDS or len(set(found)) == 1) else None
