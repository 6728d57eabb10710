from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.class_images.class_images import imagine_classes
from pipeline.class_images.params import ClassImages
from pipeline.class_images.stage import explain
from pipeline.explaining.subject import Subject, UnseenFaces
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.params import Ascent

from .test_models import trained_a_little


def ascent(steps=60, seed=0):
    return Ascent(steps=steps, learning_rate=6.0, smoothness=0.0, seed=seed)


class SevenBands(nn.Module):
    """Class k is a picture whose k-th band of rows is bright and whose others are dark."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.05))

    def forward(self, faces):
        bands = faces.float()[:, 0, :42].reshape(-1, 7, 6, 48).mean(dim=(2, 3))
        return self.weight * (2 * bands - bands.mean(dim=1, keepdim=True))


def test_each_image_is_taken_for_its_class():
    found = imagine_classes(SevenBands(), ascent())
    assert found.images.shape == (7, 48, 48)
    assert (found.after < found.before).all()
    assert list(found.probabilities.argmax(axis=1)) == list(range(7))
    for number, image in enumerate(found.images):
        bands = image[:42].reshape(7, -1).mean(axis=1)
        assert bands.argmax() == number


@pytest.mark.parametrize("network", ["leaky-cnn", "dense-dnn"])
def test_cross_entropy_falls_for_networks_of_either_kind(network):
    found = imagine_classes(trained_a_little(network), ascent())
    assert (found.after < found.before).all()
    with torch.no_grad():
        model = trained_a_little(network)
        logits = model(torch.from_numpy(found.images).unsqueeze(1))
        expected = nn.functional.cross_entropy(logits, torch.arange(7), reduction="none")
    assert np.allclose(found.after, expected.numpy(), atol=1e-3)


def test_the_stage_tells_which_classes_win(tmp_path, params):
    nobody = UnseenFaces(np.empty((0, 48, 48), np.uint8), np.empty(0, int), np.empty(0, int))
    changed = params.model_copy(
        update={"class_images": ClassImages(**ascent(steps=20).model_dump())}
    )
    subject = Subject("CNN", trained_a_little("leaky-cnn"), nobody, changed, tmp_path)
    results = asdict(explain(subject))
    assert list(results["classes"]) == list(EXPRESSIONS)
    won = [name for name, found in results["classes"].items() if found["named"] == name]
    assert results["won"] == len(won)
    first = (tmp_path / "classes.svg").read_bytes()
    explain(subject)
    assert (tmp_path / "classes.svg").read_bytes() == first
