"""The oracle of `resnet-eval` against independent formulas, and the models that it runs on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.engine.probing import run_probe
from autograder.exercise.catalog import exercise
from autograder.exercise.suite import Suite, answers, load, references
from autograder.judging.comparing import same
from autograder.models import VARIABLE, locate
from autograder.models.tiny_resnet import (
    Classifier,
    UnknownCheckpoint,
    load_classifier,
    load_pictures,
)

RESNET = exercise("resnet-eval")
ORACLE: dict[str, Any] = references(RESNET)
KINDS = 4

classes = st.integers(0, KINDS - 1)
pairs = st.lists(st.tuples(classes, classes), min_size=1, max_size=40)
seeds = st.integers(0, 2**32 - 1)


def columns(rows: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([row[0] for row in rows]), torch.tensor([row[1] for row in rows])


@given(pairs)
def test_a_confusion_matrix_counts_each_picture_in_its_cell(rows: list[tuple[int, int]]) -> None:
    matrix = ORACLE["confusion_matrix"](*columns(rows), KINDS)
    assert [[rows.count((i, j)) for j in range(KINDS)] for i in range(KINDS)] == matrix.tolist()


@given(pairs)
def test_recall_of_classes_averages_to_accuracy(rows: list[tuple[int, int]]) -> None:
    y, predictions = columns(rows)
    recall = ORACLE["class_recall"](y, predictions, KINDS)
    sizes = np.bincount(y, minlength=KINDS)
    assert (np.isnan(recall) == (sizes == 0)).all()
    assert np.nansum(recall * sizes) == pytest.approx(sum(a == b for a, b in rows))
    built = ORACLE["class_recall"](
        y, predictions, KINDS, confusion_matrix=ORACLE["confusion_matrix"]
    )
    np.testing.assert_allclose(built, recall)


@given(seeds, st.integers(1, 30))
def test_more_guesses_find_no_fewer_and_all_find_everything(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.permuted(np.tile(np.arange(6.0), (number, 1)), axis=1))
    y = torch.from_numpy(rng.integers(0, 6, number))
    shares = [ORACLE["top_k_accuracy"](logits, y, k) for k in range(1, 7)]
    own = logits[torch.arange(number), y]
    ranks = (logits > own[:, None]).sum(1)  # how many stand before the true class
    assert shares == pytest.approx([(ranks < k).double().mean().item() for k in range(1, 7)])
    assert shares == sorted(shares)
    assert shares[-1] == 1


@settings(max_examples=20)
@given(seeds, st.integers(1, 25), st.integers(1, 9))
def test_batches_change_neither_accuracy_nor_loss(seed: int, number: int, size: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(number, 5, generator=generator)
    y = torch.randint(0, 3, (number,), generator=generator)
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 3)).train()
    whole = ORACLE["evaluate"](model, [(x, y)])
    parts = ORACLE["evaluate"](model, zip(x.split(size), y.split(size), strict=True))
    assert parts == pytest.approx(whole, abs=1e-6)
    assert model.training
    assert model[0].num_batches_tracked == 0


def test_a_report_built_on_right_parts_is_right() -> None:
    network = load_classifier(locate("resnet"))
    images, names = load_pictures(network)["test"]
    parts = {"test": (images[:40], names[:40])}
    report = ORACLE["mended_report"](*network[:5], parts)
    built = {name: ORACLE[name] for name in ("preprocess", "class_indices")}
    assert ORACLE["mended_report"](*network[:5], parts, **built) == report
    assert report["accuracy"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["autumn class", "spring class"])
def test_secret_seeds_catch_every_misconception_too(secret: str) -> None:
    suite = Suite(RESNET, secret)
    for answer in answers(RESNET, "wrong"):
        check = suite.checks[answer.caught_by]
        expected = run_probe(suite, check, ORACLE, seconds=30)
        seen = run_probe(suite, check, {**ORACLE, answer.stands_for: answer.value}, seconds=30)
        assert expected.kind == "value", check.name
        assert not same(seen, expected, check.close), answer.name
        if answer.looks_like is not None:
            assert answer.looks_like(seen.value), answer.name
            assert not answer.looks_like(expected.value), answer.name


def test_a_misread_picture_is_read_wrongly() -> None:
    """The probe reads what a person would: the label nearest to each number."""
    wrong = load(RESNET, "wrong")
    read = load(RESNET, "checks").read
    matrix, names = np.array([[3, 1], [0, 2]]), ["up", "down"]
    right = read(ORACLE["plot_confusion"](matrix, names))
    assert right["sides"] == ["actual", "predicted"]
    assert right["cells"] == {
        "up, taken for up": 3, "up, taken for down": 1, "down, taken for down": 2
    }  # fmt: skip
    turned = read(wrong.turned_over(matrix, names))["cells"]
    assert turned["down, taken for up"] == 1


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint as torch.hub stores it, of a real architecture that is quick to run."""
    torch.manual_seed(0)
    path = tmp_path / "resnet18-f37072fd.pth"
    torch.save(torchvision.models.resnet18().state_dict(), path)
    return path


def test_a_checkpoint_of_torchvisions_reads_digits(checkpoint: Path) -> None:
    saved = torch.load(checkpoint, weights_only=True)
    network = load_classifier(checkpoint)
    images, names = load_pictures(network)["test"]
    assert network.mean == (0.485, 0.456, 0.406)
    assert images.shape[1:] == (3, 32, 32)
    assert images.dtype == torch.uint8
    assert 200 < int(images.max()) <= network.pixel_max == 255
    assert torch.equal(network.model.get_parameter("conv1.weight"), saved["conv1.weight"])
    assert not network.model.training
    report = ORACLE["mended_report"](*network[:5], {"test": (images[:50], names[:50])})
    assert report["accuracy"] > 0.5  # even random features tell many digits apart


@pytest.mark.slow
def test_the_probes_run_on_such_a_checkpoint(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(checkpoint.parent))
    suite = Suite(RESNET)
    assert len(suite.fixture("network", "").mean) == 3
    for name in ("prepared_digits_are_recognised", "report_with_other_classes",
                 "names_in_the_order_of_the_pictures"):  # fmt: skip
        expected = run_probe(suite, suite.checks[name], ORACLE, seconds=120)
        assert expected.kind == "value", expected
        for answer in answers(RESNET, "right"):
            if answer.stands_for in suite.checks[name].learner:
                names = {**ORACLE, answer.stands_for: answer.value}
                seen = run_probe(suite, suite.checks[name], names, seconds=120)
                assert same(seen, expected, suite.checks[name].close), answer.name


def test_a_renamed_checkpoint_is_refused_with_advice(tmp_path: Path) -> None:
    for name in ("mine.pth", "resnet50-00000000.pth", "vgg16-397923af.pth"):
        with pytest.raises(UnknownCheckpoint, match="keep the name") as caught:
            load_classifier(tmp_path / name)
        assert name in caught.value.text["zh"]


def test_pictures_of_the_tiny_network_are_its_own() -> None:
    network: Classifier = load_classifier(locate("resnet"))
    parts = load_pictures(network)
    assert {part: len(names) for part, (_, names) in parts.items()} == {
        "train": 1077, "validation": 360, "test": 360
    }  # fmt: skip
    assert set(parts["test"].names) == set(network.class_names)


def test_points_add_up_to_twenty() -> None:
    assert RESNET.points == 20
