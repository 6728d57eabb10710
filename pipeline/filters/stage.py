"""What the filters see: images that excite them, and what they make of a face."""

from pipeline import layout
from pipeline.explaining.subject import Subject, explain_each
from pipeline.files import write_json
from pipeline.filters.activations import find_layer, last_convolution, pick_layers
from pipeline.filters.params import Filters as FiltersParams
from pipeline.filters.pictures import (
    draw_excited,
    draw_first,
    draw_random,
    draw_strongest,
    look,
    one_of,
)
from pipeline.filters.result import Filters, LayerSeen
from pipeline.networks.networks import convolutions
from pipeline.shell import Stage

NO_FILTERS = "a network of dense layers has no filters to look at"


def work(stage: Stage) -> None:
    """From the networks and one test face to pictures of their filters, layer by layer."""
    write_json(layout.folder(stage.name) / "filters.json", explain_each(stage, explain))


def explain(subject: Subject) -> Filters:
    """Draw the filters of one model.

    Raises:
        UserError: the network has convolutions, but not the layers that were asked for.
    """
    network, settings = one_of(subject.model)[1], subject.params.section(FiltersParams)
    spatial = convolutions(network)
    if not spatial:
        return Filters([], note=NO_FILTERS)
    names = pick_layers(network) if settings.layers == "auto" else settings.layers
    for name in names:
        find_layer(network, name)

    face = subject.faces.pixels[settings.face % len(subject.faces.pixels)]
    draw_first(subject, network, look(subject, spatial[0], face))
    layers = {}
    for name in names:
        layer = look(subject, name, face)
        layers[name] = LayerSeen(
            noise=draw_excited(subject, layer, "noise"),
            face=draw_excited(subject, layer, "face"),
            strongest=draw_strongest(subject, layer),
        )
    last = look(subject, last_convolution(network), face)
    return Filters(list(names), layers, draw_random(subject, last))
