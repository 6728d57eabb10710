"""The page says what the numbers say, needs no other file, and is the same bytes every time."""

import base64
import copy
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter
from rich.console import Console

from pipeline import layout
from pipeline.confusion.figures import draw_confusion
from pipeline.confusion.measure import measure
from pipeline.confusion.result import Confusion
from pipeline.disk import write_text
from pipeline.dvc_yaml import read_entries
from pipeline.errors import UserError
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.face_grid import draw_grid
from pipeline.figures.style import ACCENT, INK, MUTED, ON_DARK, save
from pipeline.params import parse
from pipeline.report.__main__ import main
from pipeline.report.embedding import embed
from pipeline.report.page import render
from pipeline.report.terminal import print_results
from pipeline.report.words import code_md5
from pipeline.wording.numbers import points, probability

from .conftest import ROOT

DEFAULTS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
STAGES = read_entries(ROOT / "dvc.yaml")
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 36">'
    f'<path style="fill: {INK}" d="M0 0"/></svg>'
)


def interval(value, spread=0.05):
    return {"value": value, "low": value - spread, "high": value + spread}


def difference(value, spread=0.05, p=0.0001):
    gap = interval(value, spread)
    return {"accuracy": gap, "macro_f1": gap, "first_only": 9, "second_only": 2, "p": p}


def part_scores(accuracy):
    each = {"precision": accuracy, "recall": accuracy, "f1": accuracy, "faces": 10}
    return {
        "accuracy": accuracy, "macro_f1": accuracy, "top2": accuracy, "log_loss": 1.0,
        "calibration_error": 0.1, "per_class": dict.fromkeys(EXPRESSIONS, each),
        "accuracy_interval": interval(accuracy), "macro_f1_interval": interval(accuracy),
    }  # fmt: skip


def model_scores(network, accuracy):
    part = part_scores(accuracy)
    return {"network": network, "parameters": 1234567, "validation": part, "test": part}


def explained(r2, overlap=1.0, segments=36):
    return {
        "face": 3, "predicted": "happy", "probability": 0.9, "segments": segments, "samples": 500,
        "r2": r2, "overlap": overlap, "correlation": 0.9,
    }  # fmt: skip


def lime(**faces):
    return {
        "marked": 6, "seeds": [0, 1], "faces": faces or {"happy": explained(0.8)},
        "mean": {"r2": 0.6, "overlap": 0.5, "correlation": 0.9},
    }  # fmt: skip


def confusion(counts):
    draws = {
        "of_others": interval(0.1), "of_errors": interval(0.3), "expected": 0.2,
        "excess": interval(0.1),
    }  # fmt: skip
    found = measure(counts, np.full(7, 1 / 7), parse(DEFAULTS).evaluate)
    return TypeAdapter(Confusion).dump_python(found) | {
        "pull": {"sad": draws, "neutral": draws},
        "recall_by_frequency": {
            "pearson": 0.5, "pearson_p": 0.25, "spearman": 0.9, "spearman_p": 0.006,
        },
    }  # fmt: skip


def quality(faces, **found):
    nothing = {"groups": 0, "copies": 0, "disagreeing": 0, "constant": 0}
    return {"faces": faces, "classes": dict.fromkeys(EXPRESSIONS, faces // 7)} | nothing | found


LOOKED = {
    "randomisation": {
        "faces": 16, "spearman": {"classify": 0.6, "conv1": 0.1}, "all": interval(0.1),
    },
    "faces_shown": [0], "faces_measured": 60, "share_on_features": 0.33, "area_of_features": 0.2,
    "share_untrained": 0.22, "lift": interval(1.65), "learned": interval(0.11),
    "deletion": {
        "shares": [0, 1], "salient": {}, "random": [0.8, 0.1], "area_random": 0.4,
        "difference": {
            name: interval(0.1) for name in ("smoothgrad", "gradient", "loss", "integrated")
        },
    },
}  # fmt: skip


EXCITED = {"filters": [1, 2], "before": [0.5, 0.5], "after": [2.5, 3.5]}
SEEN = {
    "layers": ["conv1"],
    "of": {
        "conv1": {
            "noise": EXCITED, "face": EXCITED, "strongest": {"filters": [3], "on_face": [0.7]},
        },
    },
    "random": EXCITED | {"layer": "conv2"},
}  # fmt: skip


def imagined(*lost):
    classes = {
        name: {
            "cross_entropy_before": 2.0, "cross_entropy_after": 0.1,
            "probability": 0.2 if name in lost else 0.9,
            "named": "sad" if name in lost else name,
        }
        for name in EXPRESSIONS
    }  # fmt: skip
    return {"won": 7 - len(lost), "classes": classes}


def results():
    """The stages' results by their paths: the CNN better, the autoencoder not shown to help."""
    counts = np.eye(7, dtype=int) * 10
    training = {"parameters": 1, "epoch": 2, "validation_loss": 1.0, "validation_accuracy": 0.5}
    return {
        "ingest/report.json": {
            "files": {"train.csv.gz": "0" * 32}, "labelled": quality(700),
            "unlabelled": quality(50), "shared": 0, "regions": [], "dropped": 0,
        },
        "split/metrics.json": {
            "split": {"train": 560, "validation": 70, "test": 70, "copies_across_parts": 0}
        },
        "train/cnn/metrics.json": {"cnn": training},
        "train/dnn/metrics.json": {"dnn": training},
        "evaluate/scores.json": {
            "selected_on": {}, "reported_on": "test", "faces": {"validation": 70, "test": 70},
            "majority_accuracy": 0.2, "cnn": model_scores("compact-cnn", 0.8),
            "dnn": model_scores("dense-dnn", 0.5), "difference": difference(0.3),
        },
        "confusion/confusion.json": {"cnn": confusion(counts), "dnn": confusion(counts)},
        "saliency/saliency.json": {"cnn": LOOKED, "dnn": LOOKED},
        "lime/lime.json": {"cnn": lime(), "dnn": lime()},
        "filters/filters.json": {"cnn": SEEN, "dnn": {"layers": [], "note": "it has no filters"}},
        "class_images/class_images.json": {"cnn": imagined(), "dnn": imagined("happy")},
        "train/cnn/model.json": {
            "trained_on": {"device": "a cpu of 1999"}, "architecture": {"width": 1.0},
        },
        "train/dnn/model.json": {"trained_on": {}, "architecture": {"width": 1.25}},
        "semisupervised/semisupervised.json": {
            "labelled_faces": 280, "training_faces": 560, "unlabelled_faces": 0,
            "validation_faces": 70, "test_faces": 70,
            "network": "bottleneck-autoencoder", "code": 128, "noise": 0.1, "mask_ratio": 0.0,
            "parameters": {"autoencoder": 2, "encoder": 1}, "reconstruction_error": 0.01,
            "majority_accuracy": 0.2, "labelled_only": interval(0.4), "pretrained": interval(0.4),
            "consistent": interval(0.45),
            "macro_f1": dict.fromkeys(("labelled_only", "pretrained", "consistent"), interval(0.3)),
            "gain": difference(0.0, p=0.9), "consistency_gain": difference(0.05, p=0.01),
        },
    }  # fmt: skip


FIGURES = (
    "ingest/faces", "split/counts", "train@cnn/history", "train@dnn/history", "evaluate/recall",
    "evaluate/calibration", "confusion/frequency",
    *(f"confusion/{model}{kind}" for model in ("cnn", "dnn") for kind in ("", "-negative")),
    *(
        f"saliency/{model}/{name}"
        for model in ("cnn", "dnn")
        for name in ("methods", "triptych", "overlay", "loss", "deletion")
    ),
    *(f"{stage}/{model}/{name}"
      for model in ("cnn", "dnn")
      for stage, name in (("class_images", "classes"), ("lime", "lime"))),
    *(
        f"filters/cnn/{name}"
        for name in (
            "kernels", "first-outputs", "last", "conv1-strongest", "conv1-from-noise",
            "conv1-from-face",
        )
    ),
    "semisupervised/reconstructions", "semisupervised/accuracy", "semisupervised/autoencoder",
)  # fmt: skip


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Write results and figures as the stages do; gives the page for them."""
    monkeypatch.chdir(tmp_path)

    def make(changed=None, source="faces.csv", **sections):
        values = copy.deepcopy(DEFAULTS)
        values["data"]["source"] = source
        for name, change in sections.items():
            values[name] |= change
        params = parse(values)
        for path, content in (results() | (changed or {})).items():
            file = layout.ARTIFACTS / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content), encoding="utf-8")
        for name in FIGURES:
            stage, figure = name.split("/", 1)
            file = layout.figures(stage) / f"{figure}.svg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(SVG, encoding="utf-8")
        for model in ("cnn", "dnn"):
            folder = layout.folder(f"train@{model}")
            (folder / "history.csv").write_text("epoch,passes\n1,0.9\n2,1.8\n3,2.7\n")
            (folder / "layers.csv").write_text(
                "name,kind,shape,parameters,trainable\n"
                "conv1,Conv2d,32 x 48 x 48,320,320\nnorm1,BatchNorm2d,32 x 48 x 48,128,64\n"
            )
        return params

    return make


@pytest.fixture
def page(study):
    return lambda *args, **kwargs: render(study(*args, **kwargs), STAGES)


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def text_of(html):
    return Page(html).text


def with_value(path, **change):
    """One result with some of its keys changed."""
    return {path: results()[path] | change}


def gain(value, **kwargs):
    path = "semisupervised/semisupervised.json"
    return with_value(path, gain=difference(value, **kwargs))


def test_the_page_needs_no_other_file_and_no_script(page):
    html = page()
    parsed = Page(html)
    assert parsed.open == []
    for _, attributes in parsed.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            if name in attributes:
                assert attributes[name].startswith(("data:", "#"))
    assert not re.search(r"https?://|url\(|@import", html)
    assert parsed.all("script") == []
    targets = {attributes.get("id") for _, attributes in parsed.tags}
    links = {attributes["href"].removeprefix("#") for attributes in parsed.all("a")}
    assert links
    assert links <= targets


def test_every_figure_is_shown_once_with_words_for_it(study):
    params = study()
    for number, name in enumerate(FIGURES):
        stage, figure = name.split("/", 1)
        file = layout.figures(stage) / f"{figure}.svg"
        file.write_text(SVG.replace("M0 0", f"M{number} {number}"), encoding="utf-8")
    images = Page(render(params, STAGES)).all("img")
    assert len({image["src"] for image in images}) == len(images) == len(FIGURES)
    assert all(image["alt"] for image in images)
    assert {(image["width"], image["height"]) for image in images} == {("96", "48")}


def test_same_results_same_bytes_wherever_they_lie(study, tmp_path, monkeypatch):
    first = render(study(), STAGES)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    second = render(study(), STAGES)
    assert first == second
    assert str(tmp_path) not in first


def test_markup_in_names_is_shown_and_not_obeyed(page):
    evil = '<script>alert("x")</script>'
    report = with_value("ingest/report.json", files={f"{evil}.csv": "0" * 32})
    html = page(report, source=f"{evil}/faces.csv")
    assert Page(html).all("script") == []
    assert f"{evil}.csv" in text_of(html)


@pytest.mark.parametrize(
    ("source", "drawn"),
    [
        ("data/sample", True),
        ("data/sample/", True),
        ("data/sample/train.csv.gz", True),
        ("data/samples", False),
        ("data/raw", False),
    ],
)
def test_only_the_sample_is_called_drawn(page, source, drawn):
    assert ("These are drawn faces." in text_of(page(source=source))) is drawn


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ((True, 2), "a face, the face moved by 2 pixels up, down, left and right, and the mirror "),
        ((True, 0), "the mean over a face and its mirror image."),
        (
            (False, 1),
            "the mean over a face and the face moved by 1 pixel up, down, left and right.",
        ),
    ],
)
def test_the_page_says_of_which_views_an_answer_is_the_mean(page, views, words):
    flip, shift = views
    text = text_of(page(evaluate={"tta": {"flip": flip, "shift": shift}}))
    assert words in text
    assert "the map is that of the face as it is" in text
    alone = text_of(page(evaluate={"tta": {"flip": False, "shift": 0}}))
    assert "the mean over a face" not in alone


def test_a_better_cnn_is_called_better(page):
    text = text_of(page())
    assert "the convolutional network names the expression of 80.0% " in text
    assert "95% interval 75.0 to 85.0%" in text
    assert "the convolutional network is better by 30.0 percentage points" in text
    assert "+25.0 to +35.0, which excludes 0" in text
    assert "not shown to be better" not in text


def test_a_worse_cnn_is_called_worse(page):
    scores = with_value("evaluate/scores.json", difference=difference(-0.1))
    text = text_of(page(scores))
    assert "the convolutional network is worse by 10.0 percentage points" in text
    assert "\N{MINUS SIGN}15.0 to \N{MINUS SIGN}5.0, which excludes 0" in text
    assert "is better" not in text


def test_a_difference_that_may_be_nothing_is_no_verdict(page):
    scores = with_value("evaluate/scores.json", difference=difference(0.02, p=0.4))
    text = text_of(page(scores))
    assert "Neither network is shown to be better" in text
    assert "which includes 0" in text
    assert "does not confirm" not in text


def test_networks_no_better_than_the_majority_class_are_named(page):
    text = text_of(page(with_value("evaluate/scores.json", majority_accuracy=0.54)))
    assert "The dense network is not shown to be better than that." in text
    assert "The convolutional network is" not in text
    text = text_of(page(with_value("evaluate/scores.json", majority_accuracy=0.6)))
    assert "The dense network is worse than that." in text


def test_the_gain_is_a_gain_only_where_its_interval_excludes_nothing(page):
    assert "is not shown to help or to harm: 0.0 percentage points" in text_of(page(gain(0.0, p=1)))
    assert "adds 8.0 percentage points" in text_of(page(gain(0.08)))
    costs = text_of(page(gain(-0.08)))
    assert "costs 8.0 percentage points" in costs
    assert "the intervals cover the chance of the test faces, not that of training" in costs


def test_a_gain_that_the_exact_test_does_not_confirm_is_doubted(page):
    doubt = "The exact test does not confirm it."
    assert doubt in text_of(page(gain(0.08, p=0.06)))
    assert doubt not in text_of(page(gain(0.08, p=0.04)))


def saliency(**change):
    return {"saliency/saliency.json": dict.fromkeys(("cnn", "dnn"), LOOKED | change)}


def semi(**change):
    return with_value("semisupervised/semisupervised.json", **change)


def test_a_classifier_that_does_not_beat_the_majority_class_is_named(page):
    text = text_of(page(gain(0.08)))
    assert "naming the most frequent expression every time." not in text
    text = text_of(page(semi(pretrained=interval(0.1), labelled_only=interval(0.22))))
    assert "The classifier on the encoder is worse than naming the most frequent expression" in text
    assert "The classifier from random weights is not shown to be better than naming" in text


def test_the_autoencoder_is_told_by_its_code_and_by_what_it_sees(page):
    text = text_of(page())
    assert "( bottleneck-autoencoder , 2 parameters)" in text
    assert "The code has 128 numbers, fewer than the 2,304 pixels of a face" in text
    noisy = "sees faces with noise (a standard deviation of 10.0% of the grey range) and"
    assert f"{noisy} is to draw them as they were" in text
    assert "What is lost between the two rows did not fit into 128 numbers." in text
    assert "no bottleneck" not in text
    text = text_of(page(semi(network="wide-autoencoder", code=2304, noise=0.0)))
    assert "The code has 2,304 numbers, no fewer than the 2,304 pixels of a face" in text
    assert "it is no bottleneck" in text
    assert "sees faces as they are and is to draw them so." in text
    assert "did not fit" not in text
    text = text_of(page(semi(mask_ratio=0.5)))
    assert f"{noisy} with about 50.0% of each covered, in squares and is to draw" in text
    text = text_of(page(semi(noise=0.0, mask_ratio=0.5)))
    assert "sees faces with about 50.0% of each covered, in squares and is to draw them" in text
    assert "128 numbers, or was not learned from covered faces." in text


def test_validation_faces_choose_an_epoch_of_the_autoencoder_only_where_they_do(page):
    assert "keep their labels and choose the epoch of each." in text_of(page())
    fits = {name: DEFAULTS["semisupervised"][name] for name in ("autoencoder", "classifier")}
    last = {name: fit | {"keep": "last"} for name, fit in fits.items()}
    method = DEFAULTS["semisupervised"]["consistency"]
    last["consistency"] = method | {"fit": method["fit"] | {"keep": "last"}}
    text = text_of(page(semisupervised=last))
    assert "only look on, as the last epoch of each training is kept" in text
    text = text_of(page(semisupervised={"autoencoder": last["autoencoder"]}))
    assert "choose the epoch of the first two classifiers and the consistent classifier." in text


def test_saliency_is_measured_only_where_features_are_known(page):
    assert "33.0% of the CNN's saliency falls on brows, eyes and mouth" in text_of(page())
    unknown = text_of(page(saliency(lift=None, share_on_features=None, area_of_features=None)))
    assert "is not measured" in unknown
    assert "than chance" not in unknown


@pytest.mark.parametrize(
    ("lift", "verdict"),
    [(1.5, "more than chance"), (0.5, "less than chance"), (1.01, "not shown to differ")],
)
def test_saliency_is_compared_with_chance(page, lift, verdict):
    assert verdict in text_of(page(saliency(lift=interval(lift))))


@pytest.mark.parametrize(
    ("gained", "verdict"),
    [
        (0.2, "takes 0.200 (95% interval 0.150 to 0.250) of it: the bright pixels matter."),
        (0.01, "they are not shown to matter more than others"),
        (-0.2, "leaves 0.200 (95% interval 0.150 to 0.250) more: the map points at the wrong"),
    ],
)
def test_deletion_claims_what_its_interval_bears(page, gained, verdict):
    kinds = ("smoothgrad", "gradient", "loss", "integrated")
    deletion = LOOKED["deletion"] | {"difference": dict.fromkeys(kinds, interval(gained))}
    assert verdict in text_of(page(saliency(deletion=deletion)))


@pytest.mark.parametrize(
    ("alike", "verdict"),
    [
        (0.1, "+0.10 (95% interval +0.05 to +0.15): the maps change with what was learned."),
        (0.9, "the maps show the faces rather than what was learned."),
        (0.5, "how far the maps show what was learned is left open."),
    ],
)
def test_maps_are_held_against_a_network_that_forgets(page, alike, verdict):
    found = {"faces": 16, "spearman": {"classify": 0.6, "conv1": alike}, "all": interval(alike)}
    text = text_of(page(saliency(randomisation=found)))
    assert verdict in text
    assert "maps of 16 test faces correlate by +0.60" in text


@pytest.mark.parametrize(
    ("learned", "verdict"),
    [
        (0.1, "draws saliency to them, +10.0 percentage points"),
        (-0.1, "takes some off"),
        (0.01, "is not shown to change that"),
    ],
)
def test_saliency_is_compared_with_that_before_training(page, learned, verdict):
    text = text_of(page(saliency(learned=interval(learned))))
    assert f"Before any training it was 22.0%: training {verdict}" in text


def test_macro_f1_is_compared_too(page):
    text = text_of(page())
    assert "By macro-F1 the convolutional one less the dense one is +30.0 percentage points" in text
    assert "the three reach 30.0% (25.0 to 35.0%), 30.0% (25.0 to 35.0%) and 30.0%" in text


def test_lime_is_doubted_where_its_linear_model_explains_little(page):
    found = lime(sad=explained(0.9), fear=explained(0.3))
    text = text_of(page({"lime/lime.json": {"cnn": found, "dnn": lime()}}))
    assert "from 0.30 (fear) to 0.90 (sad); below one half" in text
    assert "as for fear." in text
    assert "R² of the DNN\N{RIGHT SINGLE QUOTATION MARK}s linear models is 0.60 on average." in text


def test_lime_says_how_much_two_seeds_agree_against_chance(page):
    few = lime(sad=explained(0.9, segments=2)) | {"marked": 1}
    text = text_of(page({"lime/lime.json": {"cnn": few, "dnn": lime()}}))
    assert "the marked segments of the CNN overlap by 0.50 on average (by chance 0.50)" in text
    assert "(by chance 0.10); all weights correlate by 0.90." in text


def test_a_constant_answer_has_nothing_to_explain(page):
    nothing = dict.fromkeys(("r2", "overlap", "correlation"))
    constant = lime(sad=explained(None) | nothing) | {"mean": nothing}
    text = text_of(page({"lime/lime.json": {"cnn": constant, "dnn": lime()}}))
    assert "The CNN gives one answer whichever segments are hidden" in text
    assert "the marked segments of the CNN" not in text


def test_faces_without_labels_may_be_missing(page):
    without = text_of(page(with_value("ingest/report.json", unlabelled=quality(0))))
    assert "The source has no unlabelled faces." in without
    assert layout.SUBMISSION.as_posix() not in without
    some = text_of(page(with_value("ingest/report.json", shared=1)))
    assert "1 unlabelled face of 50 also stands, pixel by pixel, among the labelled ones." in some
    assert layout.SUBMISSION.as_posix() in some


def test_what_is_wrong_with_the_data_is_said(page):
    flawed = quality(700, copies=12, groups=12, disagreeing=1, constant=2)
    report = with_value("ingest/report.json", labelled=flawed, dropped=3)
    parts = {"train": 560, "validation": 70, "test": 70, "copies_across_parts": 4}
    text = text_of(page(report | {"split/metrics.json": {"split": parts}}))
    assert "12 labelled faces are exact copies of another; 1 set of copies carries more" in text
    assert "2 labelled faces are blank" in text
    assert "3 rows were no face and were dropped." in text
    assert "Beware: 4 validation or test faces have exact copies in another part" in text
    assert "Beware" not in text_of(page())


def test_confusions_are_named_and_so_is_their_absence(page):
    counts = np.eye(7, dtype=int) * 10
    counts[4] = [0, 0, 0, 0, 7, 0, 3]
    counts[1] = [4, 0, 0, 0, 0, 0, 0]
    perfect = confusion(np.eye(7, dtype=int))
    matrices = {"cnn": confusion(counts), "dnn": perfect}
    text = text_of(page({"confusion/confusion.json": matrices}))
    assert "disgust is taken for angry: 4 of 4 faces (100%)" in text
    assert "sad is taken for neutral: 3 of 10 faces (30%)" in text
    assert "The CNN never answers disgust." in text
    assert "The DNN never answers" not in text
    assert "Nothing: every test face is named rightly." in text


def test_validation_faces_select_only_where_they_do(page):
    best, last = (
        {model: DEFAULTS["train"][model] | {"keep": keep} for model in ("cnn", "dnn")}
        for keep in ("best", "last")
    )
    assert "70 validation faces select the epoch" in text_of(page(train=best))
    assert "70 validation faces only look on" in text_of(page(train=last))


def test_mixed_faces_are_told_where_there_are_some(page):
    mixed = {"cnn": DEFAULTS["train"]["cnn"] | {"cutmix": 0.7}, "dnn": DEFAULTS["train"]["dnn"]}
    assert "Mixed faces 70% none" in text_of(page(train=mixed))
    assert "Some of them also show a part of another face" in text_of(page(train=mixed))
    assert "Mixed faces none none" in text_of(page())
    assert "Some of them also show" not in text_of(page())


def test_each_network_is_listed_layer_by_layer_with_its_totals(page):
    text = text_of(page())
    for model in ("CNN", "DNN"):
        assert f"The {model}, layer by layer" in text
    assert "conv1 Conv2d 32 × 48 × 48 320 norm1 BatchNorm2d 32 × 48 × 48 128" in text  # noqa: RUF001
    assert "total 448 trainable 384" in text


def confused(**change):
    counts = np.eye(7, dtype=int) * 10
    counts[0, 4] = 4
    return {"confusion/confusion.json": dict.fromkeys(("cnn", "dnn"), confusion(counts) | change)}


@pytest.mark.parametrize(
    ("excess", "verdict"),
    [
        (0.1, "more than the 20.0% that frequency would bring"),
        (-0.1, "less than the 20.0% that frequency would bring"),
        (0.01, "which is not shown to differ from the 20.0% that frequency would bring"),
    ],
)
def test_what_errors_fall_back_on_is_weighed_against_frequency(page, excess, verdict):
    draws = {"of_others": interval(0.1), "of_errors": interval(0.3), "expected": 0.2}
    text = text_of(page(confused(pull={"sad": draws | {"excess": interval(excess)}})))
    assert f"errors are the answer sad (95% interval 25.0 to 35.0%), {verdict}." in text


def test_who_makes_no_errors_is_drawn_to_nothing(page):
    text = text_of(page())
    assert "The CNN makes no errors on the test faces." in text
    assert "errors are the answer" not in text


@pytest.mark.parametrize(
    ("pearson", "spearman", "verdict"),
    [
        ((0.9, 0.01), (0.9, 0.006), "rarer expressions are recognised less well."),
        ((-0.9, 0.01), (-0.9, 0.006), "rarer expressions are recognised better."),
        ((0.5, 0.25), (0.9, 0.006), "is not settled"),
        ((0.5, 0.25), (0.4, 0.4), "is not shown"),
    ],
)
def test_a_correlation_of_seven_points_claims_no_more_than_it_shows(
    page, pearson, spearman, verdict
):
    found = dict(zip(("pearson", "pearson_p"), pearson, strict=True))
    found |= dict(zip(("spearman", "spearman_p"), spearman, strict=True))
    text = text_of(page(confused(recall_by_frequency=found)))
    sentences = [part for part in text.split("For the ") if "recall and frequency" in part]
    assert len(sentences) == 2
    assert all(verdict in part for part in sentences)
    assert "Seven points are few" in text


def test_without_a_correlation_none_is_told(page):
    none = dict.fromkeys(("pearson", "pearson_p", "spearman", "spearman_p"))
    text = text_of(page(confused(recall_by_frequency=none)))
    assert "For the CNN there is no correlation" in text
    assert "recall and frequency correlate" not in text


def test_recalls_stand_beside_those_of_the_reference_reports(page):
    text = text_of(page())
    assert "happy 0.80 0.50 0.89 0.89 sad 0.80 0.50 0.55 surprise" in text
    assert "fear 0.80 0.50 0.46 0.38" in text
    assert "Their faces are not the test faces of this page" in text
    assert "cannot be compared" in text_of(page(source="data/sample"))


def test_a_network_without_filters_says_so_and_the_other_shows_them(page):
    text = text_of(page())
    assert "The DNN is not shown: it has no filters." in text
    assert "conv1, from noise" in text
    assert "the activation goes from 0.50 to 3.00" in text


def test_images_that_fail_are_named(page):
    text = text_of(page())
    assert "The CNN takes all 7 of its images for what they were made for" in text
    assert "The DNN takes 6 of its 7 images" in text
    assert "not happy (20%; it says sad)" in text
    assert "from 2.00 to 0.10 nats" in text


def test_the_mathematics_is_computed(page):
    text = text_of(page())
    assert "halving 3 gives 1, or 2 where a layer rounds up" in text
    assert "For the values 1, 2, 6 and the gradient 1, 0, 0 there is left 0.18, −0.22, 0.04" in text  # noqa: RUF001
    assert "probabilities 0.71, 0.26, 0.04; if the second class is the true one" in text
    assert "the gradient is 0.71, −0.74, 0.04" in text  # noqa: RUF001


def test_a_matched_network_says_how_it_was_matched(page):
    text = text_of(page())
    assert "dense-dnn, 1.25 times as wide to match the CNN's size" in text
    assert "Passes over the faces 2.7 2.7" in text


def test_the_networks_stand_side_by_side_with_the_majority_class(page):
    text = text_of(page())
    assert "DNN 1,234,567 50.0% 45.0 to 55.0% p < 0.001" in text
    assert "Majority class \N{EN DASH} 20.0%" in text


def test_every_parameter_and_package_is_told(page):
    text = text_of(page())
    for name in ("train.cnn.augmentation.rotation", "semisupervised.autoencoder.epochs"):
        assert name in text
    assert "filters.layers auto" in text
    assert code_md5() in text
    assert "a cpu of 1999" in text
    assert all(name in text for name in ("python", "torch", "train.csv.gz"))


def test_the_code_is_known_by_every_name_and_byte(tmp_path):
    (tmp_path / "a.py").write_text("1")
    first = code_md5(tmp_path)
    (tmp_path / "notes.txt").write_text("1")
    assert code_md5(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    renamed = code_md5(tmp_path)
    (tmp_path / "b.py").write_text("2")
    assert len({first, renamed, code_md5(tmp_path)}) == 3


def test_missing_and_broken_results_are_named(study):
    params = study()
    file = layout.folder("evaluate") / "scores.json"
    file.write_text('{"majority_accuracy": "many"}')
    with pytest.raises(UserError, match=r"evaluate/scores\.json: .*dvc repro"):
        render(params, STAGES)
    file.unlink()
    with pytest.raises(UserError, match=r"evaluate/scores\.json: no such file"):
        render(params, STAGES)


def test_a_page_is_whole_or_absent(tmp_path):
    path = tmp_path / "new" / "report.html"
    write_text(path, "one")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "two \ud800")
    assert path.read_text() == "one"


def test_figures_change_colour_on_a_dark_page_and_pictures_do_not(tmp_path):
    save(draw_confusion(np.eye(7, dtype=int), "Title"), tmp_path / "matrix.svg")
    save(draw_grid([np.zeros((2, 48, 48), np.uint8)], ["row"], "Title"), tmp_path / "faces.svg")
    matrix, faces = (
        (tmp_path / f"{name}.svg").read_text(encoding="utf-8") for name in ("matrix", "faces")
    )
    shown = base64.b64decode(embed(matrix).address.split(",")[1]).decode()
    rules = shown[shown.index("<style>") : shown.index("</style>")]
    assert "prefers-color-scheme:dark" in rules
    drawn = set(re.findall(r"(?:fill|stroke): (#\w+)", matrix + faces))
    assert {INK, ACCENT} <= drawn
    assert drawn <= set(ON_DARK)
    for colour in drawn:
        assert f'[style*="fill: {colour}"]{{fill:{ON_DARK[colour]}!important}}' in rules
        assert f'[style*="stroke: {colour}"]{{stroke:{ON_DARK[colour]}!important}}' in rules
    picture = base64.b64decode(embed(faces).address.split(",")[1]).decode()
    pixels = re.findall(r'<image[^>]*href="[^"]*"', faces)
    assert pixels
    assert pixels == re.findall(r'<image[^>]*href="[^"]*"', picture)
    assert MUTED in rules


def test_what_is_not_a_figure_is_refused():
    with pytest.raises(ValueError, match="viewBox"):
        embed("<html></html>")


def test_the_terminal_shows_the_results_and_where_the_page_is(study):
    study(gain(-0.08))
    console = Console(record=True, width=80)
    print_results(STAGES, console)
    text = console.export_text()
    assert re.search(r"CNN \(compact-cnn\).*80\.0%.*75\.0 to 85\.0%", text)
    assert re.search(r"DNN \(dense-dnn\).*50\.0%.*45\.0 to 55\.0%", text)
    assert re.search(r"majority class.*20\.0%", text)
    assert re.search("gain.*\N{MINUS SIGN}8\\.0.*\N{MINUS SIGN}13\\.0 to \N{MINUS SIGN}3\\.0", text)
    assert f"Report: {layout.REPORT}" in text


def test_the_results_are_shown_again_once_there_is_a_page(study, capsys):
    study()
    shutil.copy(ROOT / "dvc.yaml", ".")
    with pytest.raises(UserError, match=r"report\.html"):
        main()
    write_text(layout.REPORT, "page")
    main()
    assert "compact-cnn" in capsys.readouterr().out


def test_numbers_keep_their_sign_and_lose_it_at_nothing():
    assert points(0.031) == "+3.1"
    assert points(-0.031) == "\N{MINUS SIGN}3.1"
    assert points(-0.0001) == "0.0"
    assert probability(0.87) == "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.87"
    assert probability(1e-9) == "p\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}0.001"
