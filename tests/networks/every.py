"""Every network as a parameter of a test; the large ones take seconds, and are for `make test`."""

from collections.abc import Iterable

import pytest

LARGE = {"wide-cnn", "wide-paired-cnn", "vgg-cnn", "vgg16-cnn"}


def every(networks: Iterable[str]) -> list[object]:
    return [
        pytest.param(name, marks=pytest.mark.study if name in LARGE else ()) for name in networks
    ]
