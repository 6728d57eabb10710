"""What a trained network is asked afterwards: inference, saliency and activation maximisation.

    python benchmarks/explaining.py

Each against the least it could cost, in the same process: saliency against one forward and backward
pass over as many faces and copies, activation maximisation against its steps of the same.
"""

from functools import partial

import numpy as np
import torch
from measured import Measured, report
from measured import median as median_of
from torch import nn

from pipeline.explaining.ascent import noise_images
from pipeline.filters.filters import maximise
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.memory_format import to_device
from pipeline.networks.networks import convolutions
from pipeline.params import Ascent, load
from pipeline.saliency.params import Saliency
from pipeline.saliency.saliency import Method, make_maps

FACES, EXPLAINED, FILTERS, STEPS = 1024, 64, 12, 16

median = partial(median_of, rounds=3)  # each round takes seconds


def main() -> None:
    params = load()
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (FACES, 48, 48), dtype=np.uint8)
    cnn, dnn = (
        Classifier(Architecture(settings.network, 0.0, settings.normalisation)).eval()
        for settings in (params.train.cnn, params.train.dnn)
    )
    rows = []
    for network in (cnn, dnn):
        to_device(network, torch.device("cpu"))
        seconds = median(partial(predict_probabilities, network, faces))
        averaged = median(partial(predict_probabilities, network, faces, params.evaluate.tta))
        name = network.architecture.title
        rows.append(Measured(f"inference_{name}", FACES / seconds, "faces/s"))
        rows.append(Measured(f"inference_views_cost_{name}", averaged / seconds))
    report(rows)

    some, targets = faces[:EXPLAINED], np.zeros(EXPLAINED, np.int64)
    passes = median(lambda: forward_and_backward(cnn, EXPLAINED)) / EXPLAINED
    saliency = params.section(Saliency)
    methods: dict[Method, int] = {
        "gradient": 1, "loss": 1, "smoothgrad": saliency.samples, "integrated": saliency.steps,
    }  # fmt: skip
    rows = []
    for method, copies in methods.items():
        seconds = median(partial(make_maps, cnn, some, targets, method, saliency))
        share = passes * copies * EXPLAINED / seconds
        note = f"{copies} passes a face; {share:.0%} of the time is the passes themselves"
        rows.append(Measured(f"saliency_{method}", EXPLAINED / seconds, "maps/s", "", note))
    images, layer = noise_images(FILTERS, 0), convolutions(cnn)[-1]
    ascent = Ascent(steps=STEPS, learning_rate=3.0, smoothness=0.02, seed=0)
    chosen = np.arange(FILTERS)
    seconds = median(lambda: maximise(cnn, layer, chosen, images, ascent))
    share = passes * STEPS * FILTERS / seconds
    note = f"{layer}, {STEPS} steps; one pass a step would be {share:.0%} of it"
    rows.append(Measured("activation_maximisation", FILTERS / seconds, "filters/s", "", note))
    report(rows)


def forward_and_backward(network: nn.Module, count: int) -> None:
    inputs = torch.rand(count, 1, 48, 48).requires_grad_()
    # Not backward(): it would compute the gradients of all weights, too, which no map needs.
    torch.autograd.grad(network(inputs)[:, 0].sum(), inputs)


if __name__ == "__main__":
    main()
