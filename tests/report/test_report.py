"""The page says what the numbers say, needs no other file, and is the same bytes every time."""

import base64
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter
from rich.console import Console

from pipeline import layout
from pipeline.confusion.confusion import measure
from pipeline.confusion.figures import draw_confusion
from pipeline.confusion.result import ConfusionResult
from pipeline.disk import write_text
from pipeline.dotted_keys import merge
from pipeline.dvc_yaml import read_entries
from pipeline.errors import UserError
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.face_grid import draw_grid
from pipeline.figures.style import ACCENT, INK, MUTED, ON_DARK, save
from pipeline.params import parse
from pipeline.report.__main__ import print_results
from pipeline.report.embedding import embed
from pipeline.report.page import render
from pipeline.report.stage import work
from pipeline.report.words import code_md5
from pipeline.shell import Stage
from pipeline.stale import EMPTY
from pipeline.wording.numbers import decimal, points, probability

from ..conftest import ROOT

DEFAULTS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
STAGES = read_entries(ROOT / "dvc.yaml")
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 36">'
    f'<path style="fill: {INK}" d="M0 0"/></svg>'
)
EN_DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
MODELS = ("cnn", "dnn")


def interval(value, spread=0.05):
    return {"value": value, "low": value - spread, "high": value + spread}


def difference(value, p=0.0001):
    gap = interval(value)
    return {"accuracy": gap, "macro_f1": gap, "first_only": 9, "second_only": 2, "p": p}


WRONG = interval(0.1) | {"by_chance": 0.03}


def trainings(value, p=0.0001, seeds=1):
    gap = interval(value)
    return {"accuracy": gap, "macro_f1": gap, "each": [value] * seeds, "p": p}


def scores(network, accuracy):
    each = {"precision": accuracy, "recall": accuracy, "f1": accuracy, "faces": 10}
    part = {
        "accuracy": accuracy, "macro_f1": accuracy, "log_loss": 1.0,
        "per_class": dict.fromkeys(EXPRESSIONS, each),
        "accuracy_interval": interval(accuracy), "macro_f1_interval": interval(accuracy),
    }  # fmt: skip
    return {
        "network": network, "parameters": 1234567, "validation": part, "test": part,
        "calibration": {
            "temperature": 0.8, "fitted_on": 70, "before": WRONG, "after": WRONG | {"low": 0},
        },
        "answers": {
            "answered": interval(0.9), "right": interval(accuracy), "top2": interval(accuracy),
            "top2_not_sure": interval(0.6),
        },
    }  # fmt: skip


def by_third(gap):
    third = {"faces": 20, "accuracy": interval(0.7), "expected": 0.7}
    thirds = [third, {"faces": 0}, third | {"expected": 0.72}]
    return {
        "edges": [80.4, 120.2],
        "thirds": {"cnn": thirds, "dnn": thirds},
        "difference": {"cnn": interval(gap), "dnn": None},
    }


def explained(r2, segments=36):
    return {
        "face": 3, "predicted": "happy", "probability": 0.9, "segments": segments, "samples": 500,
        "r2": r2, "overlap": 1.0, "correlation": 0.9,
    }  # fmt: skip


def lime(**faces):
    return {
        "marked": 6, "seeds": [0, 1], "faces": faces or {"happy": explained(0.8)},
        "mean": {"r2": 0.6, "overlap": 0.5, "correlation": 0.9},
    }  # fmt: skip


DRAWN = {"of_others": interval(0.1), "of_errors": interval(0.3), "expected": 0.2}
RARITY = {"pearson": 0.5, "pearson_p": 0.25, "spearman": 0.9, "spearman_p": 0.006}


def confusion(counts):
    found = measure(np.stack([counts, counts]), np.full(7, 1 / 7))
    return TypeAdapter(ConfusionResult).dump_python(found) | {
        "pull": dict.fromkeys(("sad", "neutral"), DRAWN | {"excess": interval(0.1)}),
        "recall_by_frequency": RARITY,
    }


def quality(faces, **found):
    nothing = {"groups": 0, "copies": 0, "disagreeing": 0, "constant": 0}
    return {"faces": faces, "classes": dict.fromkeys(EXPRESSIONS, faces // 7)} | nothing | found


KINDS = ("smoothgrad", "gradient", "loss", "integrated")
DELETED = {
    "shares": [0, 1], "salient": {}, "random": [0.8, 0.1], "area_random": 0.4,
    "difference": dict.fromkeys(KINDS, interval(0.1)),
    "opponents": {"mean_map": interval(0.01), "centre": interval(-0.1)},
}  # fmt: skip
LOOKED = {
    "randomisation": {
        "faces": 16, "spearman": {"classify": 0.6, "conv1": 0.1}, "all": interval(0.1),
        "others": 0.12, "excess": interval(-0.02),
    },
    "faces_measured": 60, "completeness_error": 0.012,
    "share_on_features": 0.33, "area_of_features": 0.2,
    "share_untrained": 0.22, "lift": interval(1.65), "learned": interval(0.11), "deletion": DELETED,
}  # fmt: skip
EXCITED = {"filters": [1, 2], "before": [0.5, 0.5], "after": [2.5, 3.5]}
SEEN = {
    "layers": ["conv1"],
    "of": {
        "conv1": {
            "noise": EXCITED, "face": EXCITED, "strongest": {"filters": [3], "on_face": [0.7]},
        },
    },
    "first": EXCITED | {"layer": "conv1"},
    "random": EXCITED | {"layer": "conv2"},
}  # fmt: skip


def imagined(*lost):
    entropies = {"cross_entropy_before": 2.0, "cross_entropy_after": 0.1}
    classes = {name: entropies | {"probability": 0.9, "named": name} for name in EXPRESSIONS}
    classes |= dict.fromkeys(lost, entropies | {"probability": 0.2, "named": "sad"})
    return {"won": 7 - len(lost), "classes": classes}


COPIES = {"photographs": 0, "faces": 0, "near_copies": 0, "shared": 0}
AGREEMENT = {"photographs": 860, "agree": interval(0.85, 0.02), "ceiling": interval(0.92, 0.01)}
RIGHT = confusion(np.eye(7, dtype=int) * 10)
TRAINING = {
    "parameters": 1, "epoch": 2, "validation_loss": 1.0, "validation_accuracy": 0.5,
    "epoch_chosen_on": "none", "epochs": 3, "passes": 2.7, "width": 1.0, "machine": {},
    "layers": [
        {"name": "conv1", "kind": "Conv2d", "shape": [32, 48, 48], "parameters": 320,
         "trainable": 320},
        {"name": "norm1", "kind": "BatchNorm2d", "shape": [32, 48, 48], "parameters": 128,
         "trainable": 64},
    ],
}  # fmt: skip
STARTS = ("labelled_only", "pretrained", "consistent")
RESULTS = {
    "ingest/ingest.json": {
        "files": {"train.csv.gz": "0" * 32}, "labelled": quality(700),
        "unlabelled": quality(50), "shared": 0, "regions": [], "dropped": 0,
    },
    "split/metrics.json": {
        "split": {
            "train": 560, "validation": 70, "test": 70,
            "copies_across_parts": 0, "by_exact_copies_alone": 0,
        }
    },
    "photographs/photographs.json": {"copies": COPIES, "agreement": {}},
    "train/cnn/train.json": {**TRAINING, "machine": {"device": "a cpu of 1999"}},
    "train/dnn/train.json": {**TRAINING, "width": 1.25},
    "evaluate/scores.json": {
        "epoch_chosen_on": {}, "reported_on": "test", "faces": {"validation": 70, "test": 70},
        "majority_accuracy": 0.2, "cnn": scores("compact-cnn", 0.8),
        "dnn": scores("dense-dnn", 0.5), "difference": difference(0.3),
        "quality": {"brightness": by_third(0.02), "contrast": by_third(0.1)},
    },
    "labels/labels.json": {
        "held_out": {"faces": 140, "suspects": 12}, "training": {"faces": 560, "suspects": 0},
    },
    "confusion/confusion.json": {"cnn": RIGHT, "dnn": RIGHT},
    "saliency/saliency.json": {"cnn": LOOKED, "dnn": LOOKED},
    "lime/lime.json": {"cnn": lime(), "dnn": lime()},
    "filters/filters.json": {"cnn": SEEN, "dnn": {"layers": [], "note": "it has no filters"}},
    "class_images/class_images.json": {"cnn": imagined(), "dnn": imagined("happy")},
    "semisupervised/semisupervised.json": {
        "labelled_faces": 280, "labelled_rows": "random", "training_faces": 560,
        "unlabelled_faces": 0, "seeds": [0], "steps": 90, "shown": 5760,
        "network": "bottleneck-autoencoder", "code": 128, "noise": 0.1, "mask_ratio": 0.0,
        "parameters": {"autoencoder": 2, "encoder": 1}, "reconstruction_error": 0.01,
        "majority_accuracy": 0.2, "macro_f1": dict.fromkeys(STARTS, interval(0.3)),
        "labelled_only": interval(0.4), "pretrained": interval(0.4),
        "consistent": interval(0.45),
        "gain": trainings(0.0, p=0.9), "consistency_gain": trainings(0.05, p=0.01),
    },
}  # fmt: skip
"""The stages' results by their paths: the CNN better, the autoencoder not shown to help."""

FIGURES = (
    "ingest/faces", "split/counts", "train@cnn/history", "train@dnn/history", "evaluate/recall",
    "evaluate/calibration", "evaluate/coverage", "confusion/frequency", "labels/held_out",
    *(f"confusion/{model}{kind}" for model in MODELS for kind in ("", "-negative")),
    *(f"saliency/{model}/{name}" for model in MODELS
      for name in ("methods", "triptych", "overlay", "loss", "deletion")),
    *(f"{name}/{model}/{figure}" for model in MODELS
      for name, figure in (("class_images", "classes"), ("lime", "lime"))),
    *(f"filters/cnn/{name}"
      for name in ("kernels", "first-outputs", "first", "last", "last-outputs",
                   "conv1-strongest", "conv1-from-noise", "conv1-from-face")),
    "semisupervised/reconstructions", "semisupervised/accuracy", "semisupervised/autoencoder",
)  # fmt: skip


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Write results and figures, no two alike, as stages do; gives the parameters of a page."""
    monkeypatch.chdir(tmp_path)

    def make(changed=None, source="faces.csv", **sections):
        for path, content in (RESULTS | (changed or {})).items():
            write_text(layout.ARTIFACTS / path, json.dumps(content))
        for number, name in enumerate(FIGURES):
            stage, figure = name.split("/", 1)
            drawn = SVG.replace("M0 0", f"M{number} {number}")
            write_text(layout.figures(stage) / f"{figure}.svg", drawn)
        return parse(merge(DEFAULTS, {"data": {"source": source}, **sections}))

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


def test_every_figure_is_shown_once_with_words_for_it(page):
    images = Page(page()).all("img")
    assert len({image["src"] for image in images}) == len(images) == len(FIGURES)
    assert all(image["alt"] for image in images)
    assert {(image["width"], image["height"]) for image in images} == {("96", "48")}


def test_markup_in_names_is_shown_and_not_obeyed(page):
    evil = '<script>alert("x")</script>'
    parsed = Page(
        page(source=f"{evil}/f", **with_("ingest/ingest.json", files={f"{evil}.csv": "0"}))
    )
    assert parsed.all("script") == []
    assert f"{evil}.csv" in parsed.text


@pytest.mark.parametrize(
    ("source", "drawn"),
    [("data/sample/", True), ("data/sample/train.csv.gz", True), ("data/samples", False)],
)
def test_only_the_sample_is_called_drawn(page, source, drawn):
    text = Page(page(source=source)).text
    assert ("These are drawn faces." in text) is drawn
    assert ("the faces of this page are drawn: their recalls cannot be compared" in text) is drawn


def with_(path, **change):
    """One result with some of its keys changed."""
    return {"changed": {path: RESULTS[path] | change}}


def compared(**change):
    return with_("evaluate/scores.json", **change)


def of_cnn(part, **change):
    """The CNN's calibration or answers with some of their keys changed."""
    found = scores("compact-cnn", 0.8)
    return compared(cnn=found | {part: found[part] | change})


def semi(**change):
    return with_("semisupervised/semisupervised.json", **change)


def gain(value, p=0.0001, seeds=1):
    return semi(gain=trainings(value, p, seeds), seeds=list(range(seeds)))


def saliency(lift, learned, deleted, alike):
    """All maps alike: what falls on features, what deletion takes, what forgetting leaves."""
    found = LOOKED | {
        "lift": lift and interval(lift), "learned": interval(learned),
        "deletion": DELETED | {"difference": dict.fromkeys(KINDS, interval(deleted))},
        "randomisation": {
            "faces": 16, "spearman": {"classify": 0.6, "conv1": alike}, "all": interval(alike),
            "others": 0.3, "excess": interval(alike - 0.3),
        },
    }  # fmt: skip
    return with_("saliency/saliency.json", **dict.fromkeys(MODELS, found))


def confused(rows, **change):
    counts = np.eye(7, dtype=int) * 10
    for row, faces in rows.items():
        counts[row] = faces
    return with_("confusion/confusion.json", cnn=confusion(counts) | change)


SAD = {0: [6, 0, 0, 0, 4, 0, 0]}


def drawn_to_sad(excess, *rarity):
    frequency = dict(zip(RARITY, rarity, strict=True))
    pull = {"sad": DRAWN | {"excess": interval(excess)}}
    return confused(SAD, pull=pull, recall_by_frequency=frequency)


def of_the_first(expressions, **change):
    """Test faces of the first few expressions alone."""
    return confused(dict.fromkeys(range(expressions, 7), [0] * 7), **change)


def views(flip, shift):
    return {"evaluate": {"tta": {"flip": flip, "shift": shift}}}


def trained(model, **change):
    return {"train": {model: change}}


UNCHANGED = {"flip": "none"} | dict.fromkeys(
    ("rotation", "shift", "zoom", "shear", "contrast", "random_erasing"), 0.0
)
NO_LIME = dict.fromkeys(("r2", "overlap", "correlation"))
VIEWS = "the mean over a face"
NOISY = "sees faces with noise (a standard deviation of 10.0% of the grey range)"
SUBMISSION = layout.SUBMISSION.as_posix()
FREQUENCY = "the 20.0% expected from its frequency:"
BEFORE = "With random weights it is 22.0%: training"

CASES: list[tuple[Any, ...]] = [
    # The CNN is better, and better than the majority class.
    ({}, "the convolutional network (CNN) has an accuracy of 80.0% (95% interval 75.0 to 85.0%)",
     "the CNN is better than the DNN by 30.0 percentage points", "+25.0 to +35.0, which excludes 0",
     "The macro-F1 of the CNN less that of the DNN is +30.0 percentage points",
     "expression reaches 20.0%. On", "which excludes 0; McNemar p < 0.001).",
     "!not shown to be better", "!naming the most frequent expression every time."),
    (compared(difference=difference(-0.1)), f"{MINUS}15.0 to {MINUS}5.0, which excludes 0",
     "the CNN is worse than the DNN by 10.0 percentage points", "!is better"),
    (compared(difference=difference(0.02, p=0.4)), "Neither network is shown to be better",
     "which includes 0", "!does not confirm"),
    (compared(majority_accuracy=0.54), "The DNN is not shown to be better than that.",
     "!The CNN is not shown"),
    (compared(majority_accuracy=0.6), "The DNN is worse than that."),
    # What confidence means, and answers that are left open.
    ({}, "Temperatures are fitted on 70 validation faces that did not train. A temperature of 0.80",
     "takes the calibration error of the CNN from 10.0% to 10.0% (0.0 to 15.0%), "
     "which is not shown to be more than the 3.0% that perfect calibration would show by chance.",
     "named from a probability of 50.0% on",
     "The CNN names 90.0% of the test faces and is right on 80.0% of these (75.0 to 85.0%); of the "
     "others 60.0% have their label among the two likeliest (55.0 to 65.0%)."),
    (of_cnn("calibration", after=WRONG), "15.0%), which is more than the 3.0% that perfect"),
    (of_cnn("answers", right=None, answered=interval(0, 0)),
     "The CNN names 0.0% of the test faces; of the others 60.0%"),
    (of_cnn("answers", top2_not_sure=None, answered=interval(1, 0)),
     "The CNN names 100.0% of the test faces and is right on 80.0% of these (75.0 to "
     "85.0%). The DNN"),
    # Accuracy by the photograph.
    ({}, "Brightness below 80, 20 faces 70.0% 65.0 to 75.0%",
     f"Contrast 80 to 120, 0 faces {EN_DASH} {EN_DASH} Contrast 120 or more, 20 faces",
     "For the CNN accuracy differs with contrast: in the highest third it is +10.0 percentage "
     "points against the lowest (95% interval +5.0 to +15.0), where their expressions alone would "
     "make +2.0.", "For the DNN no measure is shown to matter.", "!with brightness"),
    # Of which views of a face an answer is the mean; which faces chose the epoch.
    (views(flip=True, shift=2), "the map is that of the face as it is",
     "a face, the face moved by 2 pixels up, down, left and right, and the mirror "),
    (views(flip=True, shift=0), f"{VIEWS} and its mirror image."),
    (views(flip=False, shift=1),
     f"{VIEWS} and the face moved by 1 pixel up, down, left and right."),
    (views(flip=False, shift=0), f"!{VIEWS}"),
    (compared(epoch_chosen_on={"cnn": "validation"}),
     "70 validation faces select the epoch and fit"),
    # The networks, and the mathematics of their layers.
    ({}, "70 validation faces select no epoch, as the last one is kept, and fit the temperatures.",
     "were chosen before, by validation faces",
     "conv1 Conv2d 32 × 48 × 48 320 norm1 BatchNorm2d 32 × 48 × 48 128",  # noqa: RUF001
     "The CNN, layer by layer", "The DNN, layer by layer", "total 448 trainable 384",
     "dense-dnn, 1.25 times as wide to match the CNN's size", "Passes over the faces 2.7 2.7",
     "!also show a part"),
    (with_("train/cnn/train.json", epochs=1234, passes=1233.7),
     "Passes over the faces 1,234 2.7", "!1.23e+03"),
    ({}, "kept. Training faces are scored while the network learns from them, augmented, with "
     "dropout, by the weights of the moment; validation faces as they are, at the end of each "
     "epoch by averaged weights (EMA).", "!in the same way. Training"),
    ({"train": {each: {"augmentation": UNCHANGED, "dropout": 0.0, "ema_decay": 0.0}
                for each in MODELS}},
     "kept. Training faces are scored while the network learns from them; validation faces as "
     "they are, at the end of each epoch. A gap", "!augmented, ", "!averaged weights"),
    (trained("dnn", augmentation=UNCHANGED),
     "in the same way. Training faces are scored while the network learns from them, with drop",
     "kept. Training faces are scored while the network learns from them, augmented, with"),
    (trained("cnn", cutmix=0.7), "70% none", "Some training faces also show a part"),
    ({}, "halving 3 gives 1, or 2 where a layer rounds up",
     f"the values 1, 2, 6 and the gradient 1, 0, 0 there is left 0.18, {MINUS}0.22, 0.04",
     "probabilities 0.71, 0.26, 0.04; if the second class is the true one",
     f"the gradient is 0.71, {MINUS}0.74, 0.04"),
    # The data.
    ({}, SUBMISSION, "!Warning"),
    (with_("ingest/ingest.json", unlabelled=quality(0)), "The source has no unlabelled faces.",
     f"!{SUBMISSION}"),
    (with_("ingest/ingest.json", shared=1), "1 unlabelled face of 50 is also"),
    (with_("ingest/ingest.json", dropped=3,
           labelled=quality(700, copies=12, groups=12, disagreeing=1, constant=2)),
     "12 labelled faces are exact copies of another; 1 set of copies carries more",
     "2 labelled faces are blank", "3 rows were no face and were dropped."),
    (with_("split/metrics.json", split=RESULTS["split/metrics.json"]["split"]
           | {"copies_across_parts": 4}),
     "Warning: 4 validation or test faces have copies, pixel by pixel or nearly, in another part"),
    ({}, "No validation or test face was found to have a copy or near-copy in another part.",
     "!only exact"),
    (with_("split/metrics.json", split=RESULTS["split/metrics.json"]["split"]
           | {"by_exact_copies_alone": 30}),
     "If only exact copies were kept on one side, 30 of them would have one."),
    # Near-copies, and what labels allow.
    ({}, "No labelled face is found to be a near-copy", "cannot be estimated: fewer than 30 photo"),
    (with_("photographs/photographs.json", agreement={"near_copies": AGREEMENT},
           copies={"photographs": 860, "faces": 2346, "near_copies": 1199, "shared": 1}),
     "1,199 labelled faces are near-copies of another", "2,346 faces show 860 photographs.",
     "1 unlabelled face is a near-copy of a labelled one.", "a probability of 85.0%",
     "no network can be expected to exceed 92.0% (91.0 to 93.0%)", "!Labels of exact copies"),
    (with_("photographs/photographs.json",
           agreement={"near_copies": AGREEMENT, "exact_copies": AGREEMENT}),
     "Labels of exact copies agree with 85.0% (83.0 to 87.0%; 860 photographs)"),
    (with_("photographs/photographs.json", agreement={"exact_copies": AGREEMENT}),
     "by 860 photographs with exact copies.", "If labels were copied with the faces, this is too"),
    (with_("photographs/photographs.json", agreement={"exact_copies": AGREEMENT})
     | {"source": "data/sample"}, "5.0% of them wrongly", "the truth would reach 95.0%"),
    # Suspect labels.
    ({}, "Among 140 validation and test faces, which taught it nothing, 12 labels are; among the",
     "How many of them are wrong is not known here", "age, sex or skin", "!training faces:"),
    (with_("labels/labels.json",
           held_out={"faces": 140, "suspects": 12, "precision": interval(0.5),
                     "recall": interval(0.75)},
           training={"faces": 560, "suspects": 0, "recall": interval(0.0)}),
     "Of the wrong labels of held-out faces the list has 75.0%", "and 50.0% of the list",
     "Of the wrong labels of training faces the list has 0.0%"),
    # Confusions, and whether they are more than frequency explains.
    ({}, "The CNN makes no errors on the test faces.", "!errors are the answer",
     "happy 0.80 0.50 0.89 0.89 sad 0.80 0.50 0.55 surprise", "fear 0.80 0.50 0.46 0.38",
     "Their faces are not the test faces of this page"),
    (confused({4: [0, 0, 0, 0, 7, 0, 3], 1: [4, 0, 0, 0, 0, 0, 0]}),
     "disgust is taken for angry: 4 of 4 faces, 100.0% (39.8 to 100.0%)",
     "The CNN never answers disgust.",
     "sad is taken for neutral: 3 of 10 faces, 30.0% (6.7 to 65.2%)",
     "None: every test face is named correctly.",
     "!The DNN never answers"),
    ({}, "40 test faces are labelled angry, disgust, fear or sad. The CNN names 100.0% (95% "
     "interval 91.2 to 100.0%) of them correctly, takes 0.0% (0.0 to 8.8%) for another"),
    (confused(dict.fromkeys((0, 1, 2, 4), [0] * 7)),
     "0 test faces are labelled angry, disgust, fear or sad.", "!names 0.0% of them"),
    (drawn_to_sad(0.1, 0.9, 0.01, 0.9, 0.006), "rarer expressions are recognised less well.",
     f"of the CNN's errors are the answer sad, more than {FREQUENCY} +10.0 percentage points "
     "(95% interval +5.0 to +15.0, which excludes 0). Of all",
     "30.0% (95% interval 25.0 to 35.0%) of the CNN's errors",
     "Seven points are few"),
    (drawn_to_sad(-0.1, -0.9, 0.01, -0.9, 0.006), "rarer expressions are recognised better.",
     f"less than {FREQUENCY}"),
    (drawn_to_sad(0.01, 0.5, 0.25, 0.9, 0.006), "is not settled, as only one",
     f"which is not shown to differ from {FREQUENCY}"),
    (drawn_to_sad(0.1, 0.5, 0.25, 0.4, 0.4), "recognised less well is not shown."),
    (drawn_to_sad(0.1, None, None, None, None),
     "For the CNN there is no correlation: recalls or frequencies do not differ.",
     "!For the CNN, recall and frequency correlate"),
    (of_the_first(5), "Five points are few: a single expression", "!Seven points"),
    (of_the_first(2, recall_by_frequency=dict.fromkeys(RARITY)), "!points are few",
     "For the CNN there is no correlation: too few expressions occur.", "!do not differ"),
    # Saliency.
    (saliency(1.65, learned=0.1, deleted=0.2, alike=0.1), "more than expected by chance",
     "33.0% of the CNN's saliency falls on brows, eyes and mouth",
     f"{BEFORE} raises it by 10.0 percentage points (95% interval +5.0 to +15.0)",
     f"{MINUS}0.200 (95% interval {MINUS}0.250 to {MINUS}0.150): the bright pixels matter more",
     "maps of 16 test faces correlate by +0.60",
     "nothing in them is shown to come from the faces and not from what was learned."),
    (saliency(0.5, learned=-0.1, deleted=-0.2, alike=0.9), "less than expected by chance",
     f"{BEFORE} lowers it by 10.0 percentage points",
     "+0.200 (95% interval +0.150 to +0.250): the bright pixels matter less than pixels",
     "a part of the maps comes from the faces and not from what was learned."),
    (saliency(1.01, learned=0.01, deleted=0.01, alike=0.5), "not shown to differ from chance",
     f"{BEFORE} is not shown to change that",
     "the bright pixels are not shown to matter more than pixels",
     "a part of the maps comes from the faces and not from what was learned."),
    (saliency(None, learned=0.1, deleted=0.2, alike=0.1), "is not measured", "!by chance: "),
    (with_("saliency/saliency.json", **dict.fromkeys(MODELS, LOOKED | {"faces_measured": 1})),
     "Of a single test face nothing is concluded", "!than expected by chance",
     "!pixels matter more than", "!maps of all faces have in common"),
    # LIME, filters and class images.
    ({}, "R² of the DNN\N{RIGHT SINGLE QUOTATION MARK}s linear models is 0.60 on average.",
     "(by chance 0.10); all weights correlate by 0.90."),
    (with_("lime/lime.json", cnn=lime(sad=explained(0.9), fear=explained(0.3))),
     "from 0.30 (fear) to 0.90 (sad). For fear the weights describe less than half of"),
    (with_("lime/lime.json", cnn=lime(sad=explained(0.9, segments=2)) | {"marked": 1}),
     "the marked segments of the CNN overlap by 0.50 on average (by chance 0.50)"),
    (with_("lime/lime.json",
           cnn=lime() | {"mean": {"r2": 0.9, "overlap": 0.2, "correlation": 0.1}}),
     "correlate by 0.10. Below 0.5 the seeds mark more segments differently than alike",
     "the marked segments of the DNN overlap by 0.50 on average (by chance 0.10); all weights "
     "correlate by 0.90."),
    (with_("lime/lime.json", cnn=lime(sad=explained(None) | NO_LIME) | {"mean": NO_LIME}),
     "The CNN gives the same answer whichever segments are hidden",
     "!the marked segments of the CNN"),
    ({}, "The DNN is not shown: it has no filters.", "conv1, from noise",
     "the activation goes from 0.50 to 3.00", "from 2.00 to 0.10 nats",
     "The CNN takes all 7 of its images for what they were made for",
     "The DNN takes 6 of its 7 images", "not happy (20%; its answer is sad)"),
    # Few labels.
    ({}, "differs in this one training by 0.0 percentage points (95% interval",
     "reach 30.0% (25.0 to 35.0%), 30.0% (25.0 to 35.0%) and 30.0% (25.0 to 35.0%). Against",
     "Each was trained once: intervals cover the chance of the test faces and not that of training",
     "All three are shown 5,760 faces in 90 steps",
     f"by 0.0 percentage points (95% interval {MINUS}5.0 to +5.0) through an autoencoder and by "
     "+5.0 (0.0 to +10.0) through consistency: by one training of each",
     "so no conclusion about either method is drawn.", "!to help or to harm"),
    (gain(0.08, p=0.04), "is better in this one training, by 8.0 percentage points",
     "!does not confirm it."),
    (gain(0.08, p=0.06), "The exact test does not confirm it."),
    (gain(-0.08), "is worse in this one training, by 8.0 percentage points"),
    (gain(0.08, seeds=3), "gains 8.0 percentage points (95% interval +3.0 to +13.0, which",
     "excludes 0; p < 0.001)", "Each was trained with 3 seeds", "is the first seed's.",
     "over 3 trainings of each and",
     "!no conclusion"),
    (gain(-0.08, seeds=3), "loses 8.0 percentage points"),
    (gain(0.02, seeds=3), "is not shown to help or to harm: +2.0 percentage points"),
    # Comparisons are counted, and corrected for their number.
    ({}, "The page compares networks, or ways to train them, 3 times.",
     "the CNN against the DNN p < 0.001, an autoencoder against labels alone p = 0.90, consistency "
     "against labels alone p = 0.020."),
    (semi(pretrained=interval(0.1), labelled_only=interval(0.22)),
     "The classifier on the encoder is worse than naming the most frequent expression",
     "The classifier from random weights is not shown to be better than naming"),
    ({}, "( bottleneck-autoencoder , 2 parameters)", f"{NOISY}, and is to draw them as they were",
     "The code has 128 numbers, fewer than the 2,304 pixels of a face", "!no bottleneck",
     "What is lost between the two rows did not fit into 128 numbers."),
    (semi(network="wide-autoencoder", code=2304, noise=0.0), "it is no bottleneck",
     "The code has 2,304 numbers, no fewer than the 2,304 pixels of a face",
     "sees faces as they are and is to draw them so.", "!did not fit"),
    (semi(mask_ratio=0.5), f"{NOISY} and with about 50.0% of each covered, in squares, and is to"),
    (semi(noise=0.0, mask_ratio=0.5), "sees faces with about 50.0% of each covered, in squares,",
     "128 numbers, or was not learned from covered faces."),
    # Provenance.
    ({}, "train.cnn.augmentation.rotation", "semisupervised.autoencoder.epochs", code_md5(),
     "filters.layers auto", "a cpu of 1999", "python", "torch", "train.csv.gz"),
]  # fmt: skip
"""What is changed in results or parameters, what the page then says, and, after a !, does not."""


@pytest.mark.parametrize("case", CASES, ids=[f"{case[-1][:40]}" for case in CASES])
def test_the_page_says_what_the_numbers_show_and_no_more(page, case):
    changes, *words = case
    text = Page(page(**changes)).text
    wrong = [each for each in words if (each.removeprefix("!") in text) == each.startswith("!")]
    assert wrong == []


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
    shown, picture = (
        base64.b64decode(embed(svg).address.split(",")[1]).decode() for svg in (matrix, faces)
    )
    rules = shown[shown.index("<style>") : shown.index("</style>")]
    assert "prefers-color-scheme:dark" in rules
    drawn = set(re.findall(r"(?:fill|stroke): (#\w+)", matrix + faces))
    assert {INK, ACCENT} <= drawn <= set(ON_DARK)
    for colour in drawn:
        for part in ("fill", "stroke"):
            assert f'[style*="{part}: {colour}"]{{{part}:{ON_DARK[colour]}!important}}' in rules
    pixels = re.findall(r'<image[^>]*href="[^"]*"', faces)
    assert pixels
    assert pixels == re.findall(r'<image[^>]*href="[^"]*"', picture)
    assert MUTED in rules
    with pytest.raises(ValueError, match="viewBox"):
        embed("<html></html>")


def test_the_terminal_shows_the_results_and_where_the_page_is(study):
    study(**gain(-0.08))
    console = Console(record=True, width=80)
    with pytest.raises(UserError, match=r"report\.html"):
        print_results(console)
    write_text(layout.REPORT, "page")
    print_results(console)
    text = console.export_text()
    assert re.search(r"CNN \(compact-cnn\).*80\.0%.*75\.0 to 85\.0%", text)
    assert re.search(r"DNN \(dense-dnn\).*50\.0%.*45\.0 to 55\.0%", text)
    assert re.search(r"majority class.*20\.0%", text)
    assert re.search(f"gain.*{MINUS}8\\.0.*{MINUS}13\\.0 to {MINUS}3\\.0", text)
    assert f"Report: {layout.REPORT}" in text


def test_what_other_parameters_or_data_made_is_named_and_not_shown(study):
    params = study(**gain(-0.08))
    write_text(layout.REPORT, "page")
    for stage in ("train@dnn", "semisupervised"):
        write_text(layout.metrics(stage), EMPTY)
    console = Console(record=True, width=80)
    print_results(console)
    text = console.export_text()
    assert re.search(r"CNN \(compact-cnn\).*80\.0%", text)
    assert "gain" not in text
    assert f"Report: {layout.REPORT}" not in text
    assert "the report, semisupervised, train@dnn; `dvc repro`" in text
    with pytest.raises(UserError, match=r"^train@dnn, semisupervised: .* `dvc repro`$"):
        work(Stage("report", params))
    assert layout.REPORT.read_text() == "page"


def test_numbers_keep_their_sign_and_lose_it_at_nothing():
    assert points(0.031) == "+3.1"
    assert points(-0.031) == f"{MINUS}3.1"
    assert points(-0.0001) == "0.0"
    assert (decimal(-0.014), decimal(-0.001)) == (f"{MINUS}0.01", "0.00")
    assert probability(0.87) == "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.87"
    assert probability(1e-9) == "p\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}0.001"
