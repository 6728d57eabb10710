"""LIME finds what a network looks at, says how well it did, and repeats itself."""

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy import ndimage

from pipeline.explaining.subject import Subject, UnseenFaces
from pipeline.lime.figures import AGAINST, FOR, Row, colour, draw_lime
from pipeline.lime.lime import correlation, fit_linear_model, hide, jaccard, keep, strongest
from pipeline.lime.result import FaceExplained, headline
from pipeline.lime.segments import borders, segment
from pipeline.lime.stage import explain

from ..networks.test_models import trained_a_little
from ..written import words_of

CORNER = (slice(0, 10), slice(0, 10))
HALVES = np.arange(48)[None].repeat(48, axis=0) // 24
BLANK = np.full((48, 48), 90, np.uint8)


@pytest.fixture
def face(rng):
    """Patches of grey, brightest in the corner that the made network looks at."""
    smooth = ndimage.gaussian_filter(rng.normal(size=(48, 48)), 4)
    grey = 40 + 100 * (smooth - smooth.min()) / np.ptp(smooth)
    grey[CORNER] = 230
    return grey.astype(np.uint8)


def corner_looker(faces):
    """Two classes; the first is as likely as the corner is bright, and nothing else matters."""
    bright = faces[(slice(None), *CORNER)].mean(axis=(1, 2)) / 255
    return np.stack([bright, 1 - bright], axis=1)


def test_segments_are_numbered_cover_the_face_and_are_of_one_piece(rng, face):
    for picture in (face, rng.integers(0, 256, (48, 48), dtype=np.uint8), BLANK):
        for wanted in (4, 40, 150):
            segments = segment(picture, wanted)
            assert segments.shape == (48, 48)
            count = segments.max() + 1
            assert np.array_equal(np.unique(segments), np.arange(count))
            assert wanted / 2 <= count <= wanted * 1.5
            assert all(ndimage.label(segments == k)[1] == 1 for k in range(count))


def test_segments_follow_edges(face):
    segments, inside = segment(face, 40), np.zeros((48, 48), bool)
    inside[CORNER] = True
    within = [inside[segments == k].mean() for k in range(segments.max() + 1)]
    assert sum(0.1 < share < 0.9 for share in within) <= 1


def test_borders_lie_between_segments_and_nowhere_else(face):
    assert borders(HALVES).tolist() == [[[23.5, -0.5], [23.5, 47.5]]]
    segments = segment(face, 40)
    pairs = (segments[1:] != segments[:-1]).sum() + (segments[:, 1:] != segments[:, :-1]).sum()
    lines = borders(segments)
    assert np.abs(np.diff(lines, axis=1)).sum() == pairs
    assert borders(np.zeros((48, 48), int)).shape == (0, 2, 2)


def test_lime_finds_the_corner_that_a_network_looks_at(face):
    segments = segment(face, 40)
    found = fit_linear_model(corner_looker, face, segments, 0, samples=500, seed=0)
    # What a segment adds to a linear network is known: its pixels there, against the mean grey.
    gain = np.where(np.isin(np.arange(2304).reshape(48, 48) % 48, range(10)), 1.0, 0.0)
    gain[10:] = 0
    gain *= (face.astype(float) - round(face.mean())) / 255 / 100
    truth = np.bincount(segments.ravel(), weights=gain.ravel())
    assert found.weights == pytest.approx(truth, abs=0.03 * truth.max())
    assert found.r2 > 0.99
    seen = {int(k) for k in np.unique(segments[CORNER]) if truth[k] > 0.2 * truth.max()}
    assert set(strongest(found.weights, len(seen)).tolist()) == seen
    against = fit_linear_model(corner_looker, face, segments, 1, samples=500, seed=0)
    assert against.weights == pytest.approx(-found.weights, abs=1e-6)


def test_the_linear_model_is_the_weighted_one_of_its_samples(face):
    face[38:, 38:] = 230
    segments, asked = segment(face, 20), []

    def both_or_neither(faces):
        asked.append(faces.copy())
        left, right = (corner_looker(part)[:, 0] for part in (faces, faces[:, ::-1, ::-1]))
        return np.stack([left * right, 1 - left * right], axis=1)

    found = fit_linear_model(both_or_neither, face, segments, 0, samples=300, seed=3)
    hidden = np.concatenate(asked)
    assert len(hidden) == 300
    count = segments.max() + 1
    shown = np.array(
        [[(one == face)[segments == k].all() for k in range(count)] for one in hidden]
    ).astype(float)
    for one, which in zip(hidden, shown, strict=True):
        assert np.array_equal(one, keep(face, segments, np.flatnonzero(which)))
    assert shown.mean() == pytest.approx(0.5, abs=0.03)
    distance = 1 - np.sqrt(shown.mean(axis=1))
    weight = np.exp(-(distance**2) / (2 * 0.25**2))
    y = both_or_neither(hidden)[:, 0]

    def left_over(fitted, seen):
        """Weights by some samples, and the squares of what they leave of others."""
        x, change, w = shown[fitted], y[fitted], weight[fitted, None]
        middle, level = (np.average(each, axis=0, weights=w[:, 0]) for each in (x, change))
        normal = ((x - middle) * w).T @ (x - middle) + np.eye(count)
        slopes = np.linalg.solve(normal, ((x - middle) * w).T @ (change - level))
        return slopes, (y[seen] - level - (shown[seen] - middle) @ slopes) ** 2

    everything = np.arange(300)
    assert found.weights == pytest.approx(left_over(everything, everything)[0], abs=1e-5)
    tenths = np.array_split(everything, 10)
    squares = [left_over(np.setdiff1d(everything, tenth), tenth)[1] for tenth in tenths]
    variance = np.average((y - np.average(y, weights=weight)) ** 2, weights=weight)
    unexplained = np.average(np.concatenate(squares), weights=weight) / variance
    assert found.r2 == pytest.approx(1 - unexplained)
    assert found.r2 < 0.99


def test_weights_of_answers_that_are_chance_explain_nothing(face, rng):
    found = fit_linear_model(
        lambda faces: rng.random((len(faces), 2)), face, segment(face, 40), 0, samples=200, seed=0
    )
    assert -1 < found.r2 < 0.1


def test_a_blank_face_has_nothing_to_explain():
    segments = segment(BLANK, 40)
    found = fit_linear_model(corner_looker, BLANK, segments, 0, samples=50, seed=0)
    assert not found.weights.any()
    assert found.r2 is None
    marked = strongest(found.weights, 6)
    assert marked.tolist() == []
    assert jaccard(marked, marked) is None
    assert correlation(found.weights, found.weights) is None
    assert np.array_equal(keep(BLANK, segments, marked), BLANK)


def test_marks_their_overlap_and_what_is_not_kept(face):
    weights = np.array([0.1, -0.9, 0.0, 0.5, -0.2])
    assert strongest(weights, 2).tolist() == [1, 3]
    assert strongest(weights, 9).tolist() == [1, 3, 4, 0]
    assert jaccard(np.array([1, 3, 4]), np.array([4, 3, 7])) == 0.5
    assert correlation(weights, -2 * weights) == pytest.approx(-1)
    kept = keep(face, HALVES, np.array([1]))
    assert np.array_equal(kept[:, 24:], face[:, 24:])
    assert (kept[:, :24] == round(face.mean())).all()
    assert (hide(face) == round(face.mean())).all()


def test_the_figure_shows_for_and_against_and_what_its_rows_rest_on(face):
    picture = colour(BLANK, np.arange(48)[:, None].repeat(48, 1) // 16, np.array([0.2, 0.0, -0.2]))
    top, middle, bottom = (picture[row, 0] / 255 for row in (0, 20, 40))
    for seen, name, other in ((top, FOR, AGAINST), (bottom, AGAINST, FOR)):
        assert np.abs(seen - to_rgb(name)).sum() < np.abs(seen - to_rgb(other)).sum() / 2
    assert np.ptp(middle) == 0

    found = FaceExplained(0, "fear", 0.712, segments=2, samples=500, r2=0.834, overlap=0.714,
                          correlation=0.9)  # fmt: skip
    row = Row("sad", found, face, HALVES, np.array([0.1, -0.2]), face)
    nothing = dataclasses.replace(found, predicted="sad", r2=None, overlap=None)
    drawn = draw_lime([row, dataclasses.replace(row, found=nothing)], 6, "CNN: LIME")
    assert {
        "sad", "as fear, 71%", "right, 71%", "R² 0.83", "R² \N{EN DASH}", "overlap 0.71",
        "2 segments", "500 samples", "6 kept", "CNN: LIME",
    } <= words_of(drawn)  # fmt: skip


@pytest.mark.study
@pytest.mark.parametrize("network", ["paired-cnn", "dense-dnn"])
def test_the_stage_explains_any_network(network, tmp_path, params, face):
    model = trained_a_little(network)
    pixels = np.stack([face, face[::-1], BLANK, 255 - face]).astype(np.uint8)
    faces = UnseenFaces(pixels, np.array([0, 4, 4, 6]), np.array([10, 11, 12, 13]))
    small = params.lime.model_copy(update={"segments": 12, "samples": 30, "marked": 3, "seed": 5})
    subject = Subject("CNN", model, faces, params.model_copy(update={"lime": small}), tmp_path)
    found = explain(subject)
    assert (tmp_path / "lime.svg").is_file()
    assert list(found.faces) == ["angry", "sad", "neutral"]
    assert found.seeds == [5, 6]
    for name, place in (("angry", 10), ("neutral", 13)):
        one = found.faces[name]
        assert one.face == place
        assert one.probability == pytest.approx(subject.answers([place - 10])[0].probability)
        assert one.samples == 30
        assert 6 <= one.segments <= 18
        assert one.r2 <= 1
        assert 0 <= one.overlap <= 1
        assert one.correlation < 1
    known = [one.overlap for one in found.faces.values() if one.overlap is not None]
    assert found.mean.overlap == pytest.approx(np.mean(known))
    assert headline({"cnn": found}) == {"cnn_r2": found.mean.r2, "cnn_overlap": found.mean.overlap}
