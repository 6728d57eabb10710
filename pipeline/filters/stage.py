"""What the filters see: images that excite them, and what they make of a face."""

from pipeline.explaining.subject import Subject, explain_each
from pipeline.filters.activations import (
    find_layer,
    first_activation,
    first_member,
    last_convolution,
    pick_layers,
)
from pipeline.filters.layers import Layer, see_first, see_last, see_layer
from pipeline.filters.params import Filters
from pipeline.filters.result import FiltersResult
from pipeline.networks.networks import convolutions
from pipeline.shell import Stage

NO_FILTERS = "a network of dense layers has no filters to look at"


def work(stage: Stage) -> None:
    """From the networks and one test face to pictures of their filters, layer by layer."""
    explain_each(stage, explain)


def explain(subject: Subject) -> FiltersResult:
    """Draw the filters of one model.

    Raises:
        UserError: the network has convolutions, but not the layers that were asked for.
    """
    network, settings = first_member(subject.model)[1], subject.params.section(Filters)
    spatial = convolutions(network)
    if not spatial:
        return FiltersResult([], note=NO_FILTERS)
    names = pick_layers(network) if settings.layers == "auto" else settings.layers
    for name in names:
        find_layer(network, name)

    face = subject.faces.pixels[settings.face % len(subject.faces.pixels)]

    def layer(name: str) -> Layer:
        return Layer(subject.model, name, face, settings)

    first, figures = see_first(layer(spatial[0]), layer(first_activation(network)))
    subject.save(figures)
    layers = {}
    for name in names:
        layers[name], figures = see_layer(layer(name))
        subject.save(figures)
    random, figures = see_last(layer(last_convolution(network)))
    subject.save(figures)
    return FiltersResult(list(names), layers, first, random)
