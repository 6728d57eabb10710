"""List every network, or the layers of one: `python -m pipeline.networks [NAME]`."""

import argparse
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from torch import nn

from pipeline.command import command
from pipeline.errors import UserError
from pipeline.networks.autoencoder import AUTOENCODERS
from pipeline.networks.networks import CONVOLUTIONAL, NETWORKS, build_network, count_parameters
from pipeline.networks.table import count_all, tabulate

CODE = 128
"""Numbers in an autoencoder's code, where the autoencoder leaves that open."""


@command("networks")
def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.networks", description=__doc__)
    parser.add_argument("network", nargs="?", help="its layers; without it, all networks")
    name = parser.parse_args().network
    table = list_layers(name) if name else list_networks()
    Console(highlight=False).print(table)
    return 0


def list_networks() -> Table:
    """Every network: name, kind, and its parameters by Keras' rules and by PyTorch's."""
    rows = []
    for name in (*NETWORKS, *AUTOENCODERS):
        network = _build(name)
        kind = "convolutional" if name in CONVOLUTIONAL else "dense"
        kind = "autoencoder" if name in AUTOENCODERS else kind
        rows.append([name, kind, f"{count_all(network):,}", f"{count_parameters(network):,}"])
    return _table(["name", "kind", "Keras total", "parameters"], rows)


def list_layers(name: str) -> Table:
    """Each layer of a network; see `pipeline.networks.layer_row.LayerRow`.

    Raises:
        UserError: no network has this name.
    """
    layers = tabulate(_build(name))
    rows = [
        [row.name, row.kind, " x ".join(map(str, row.shape)), f"{row.parameters:,}",
         f"{row.trainable:,}"]
        for row in layers
    ]  # fmt: skip
    table = _table(["name", "kind", "shape", "parameters", "trainable"], rows, name)
    table.add_section()
    total, trainable = sum(row.parameters for row in layers), sum(row.trainable for row in layers)
    table.add_row("total", "", "", f"{total:,}", f"{trainable:,}")
    return table


def _build(name: str) -> nn.Module:
    if name in AUTOENCODERS:
        return AUTOENCODERS[name](CODE)
    if name not in NETWORKS:
        known = ", ".join((*NETWORKS, *AUTOENCODERS))
        raise UserError(f"network {name!r} is not known; choose one of: {known}")
    return build_network(name)


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for place, heading in enumerate(headings):
        table.add_column(
            heading,
            justify="right" if rows[0][place].replace(",", "").isdigit() else "left",
            # A pipe is 80 columns wide: names are not cut for headings.
            min_width=max(len(row[place]) for row in rows),
        )
    for row in rows:
        table.add_row(*row)
    return table


if __name__ == "__main__":
    sys.exit(main())
