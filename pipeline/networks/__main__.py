"""List every network, or the layers of one: `python -m pipeline.networks [NAME]`."""

import argparse
import json
import sys
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table
from torch import nn

from pipeline.errors import UserError
from pipeline.networks.autoencoder import AUTOENCODERS
from pipeline.networks.networks import (
    CONVOLUTIONAL,
    NETWORKS,
    build_network,
    count_parameters,
)
from pipeline.networks.table import count_all, tabulate

CODE = 128
"""Numbers in an autoencoder's code, where the autoencoder leaves that open."""


def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.networks", description=__doc__)
    parser.add_argument("network", nargs="?", help="its layers; without it, all networks")
    parser.add_argument("--json", action="store_true", help="as a list of objects")
    chosen = parser.parse_args()
    try:
        rows = list_layers(chosen.network) if chosen.network else list_networks()
    except UserError as error:
        print(f"models: error: {error}", file=sys.stderr)
        return 1
    if chosen.json:
        print(json.dumps(rows, indent=2))
    else:
        _print(rows, chosen.network)
    return 0


def list_networks() -> list[dict[str, object]]:
    """Every network: name, kind, and its counts by Keras' rules and by PyTorch's."""
    return [_count(name, _build(name)) for name in (*NETWORKS, *AUTOENCODERS)]


def list_layers(name: str) -> list[dict[str, object]]:
    """Each layer of a network; see `pipeline.networks.table.LayerRow`.

    Raises:
        UserError: no network has this name.
    """
    return [asdict(row) for row in tabulate(_build(name))]


def _build(name: str) -> nn.Module:
    if name in AUTOENCODERS:
        return AUTOENCODERS[name](CODE)
    if name not in NETWORKS:
        known = ", ".join((*NETWORKS, *AUTOENCODERS))
        raise UserError(f"network {name!r} is not known; choose one of: {known}")
    return build_network(name)


def _count(name: str, network: nn.Module) -> dict[str, object]:
    if name in AUTOENCODERS:
        kind = "autoencoder"
    else:
        kind = "convolutional" if name in CONVOLUTIONAL else "dense"
    return {
        "name": name,
        "kind": kind,
        "keras_total": count_all(network),
        "keras_trainable": count_parameters(network),
        "parameters": count_parameters(network),
    }


def _print(rows: list[dict[str, object]], title: str | None) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for name, value in rows[0].items():
        table.add_column(
            name.replace("keras_trainable", "trainable").replace("keras_", "Keras "),
            justify="right" if isinstance(value, int) else "left",
            # A pipe is 80 columns wide: names are not cut for headings.
            min_width=max(len(_text(row[name])) for row in rows),
        )
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    if title:
        total, trainable = (sum(_whole(row[key]) for row in rows) for key in _COUNTS)
        table.add_section()
        table.add_row("total", "", "", f"{total:,}", f"{trainable:,}")
    Console(highlight=False).print(table)


_COUNTS = ("parameters", "trainable")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " x ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.exit(main())
