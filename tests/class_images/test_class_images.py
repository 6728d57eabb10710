"""Images from noise are taken for the class that they were made for, and the stage says so."""

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.class_images.class_images import imagine_classes
from pipeline.class_images.params import ClassImages
from pipeline.class_images.stage import explain
from pipeline.explaining.subject import Subject, UnseenFaces
from pipeline.faces.expressions import EXPRESSIONS

from ..networks.test_models import trained_a_little


def ascent(steps=20):
    return ClassImages(steps=steps, learning_rate=6.0, smoothness=0.0, seed=0)


class SevenBands(nn.Module):
    """Class k is a picture whose k-th band of rows is bright and whose others are dark."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.05))

    def forward(self, faces):
        bands = faces.float()[:, 0, :42].reshape(-1, 7, 6, 48).mean(dim=(2, 3))
        return self.weight * (2 * bands - bands.mean(dim=1, keepdim=True))


def test_each_image_is_taken_for_its_class():
    images, found = imagine_classes(SevenBands(), ascent())
    assert images.shape == (7, 48, 48)
    assert found.won == 7
    for number, (name, image) in enumerate(found.classes.items()):
        assert image.named == name == EXPRESSIONS[number]
        assert images[number, :42].reshape(7, -1).mean(axis=1).argmax() == number


@pytest.mark.parametrize("network", ["leaky-cnn", "dense-dnn"])
def test_cross_entropy_falls_for_networks_of_either_kind(network):
    model = trained_a_little(network)
    images, found = imagine_classes(model, ascent())
    with torch.no_grad():
        logits = model(torch.from_numpy(images).unsqueeze(1))
        expected = nn.functional.cross_entropy(logits, torch.arange(7), reduction="none")
    for image, after in zip(found.classes.values(), expected, strict=True):
        assert image.cross_entropy_after == pytest.approx(float(after), abs=1e-3)
        assert image.cross_entropy_after < image.cross_entropy_before


def test_the_stage_says_which_classes_win_and_draws_them(tmp_path, params):
    nobody = UnseenFaces(np.empty((0, 48, 48), np.uint8), np.empty(0, int), np.empty(0, int))
    changed = params.model_copy(update={"class_images": ascent()})
    subject = Subject("CNN", trained_a_little("leaky-cnn"), nobody, changed, tmp_path)
    found = explain(subject)
    assert found.won == sum(image.named == name for name, image in found.classes.items())
    assert [path.name for path in tmp_path.iterdir()] == ["classes.svg"]
