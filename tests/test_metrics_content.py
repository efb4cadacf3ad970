"""The oracle of `metrics` against independent formulas, and the numbers that it teaches."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from autograder.engine.probing import run_probe
from autograder.exercise.catalog import exercise
from autograder.exercise.suite import Suite, answers, references
from autograder.grading.grade import grade_path
from autograder.judging.comparing import same

METRICS = exercise("metrics")
ORACLE: dict[str, Any] = references(METRICS)

bits = st.integers(0, 1)
pairs = st.lists(st.tuples(bits, bits), min_size=1, max_size=30)
# A few values only, so that ties are common.
scored = st.lists(st.tuples(bits, st.integers(-3, 3)), min_size=2, max_size=30).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)
counts = st.integers(0, 12)


def columns(rows: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    first, second = zip(*rows, strict=True)
    return np.array(first), np.array(second)


def share(hits: list[Any]) -> float:
    return sum(map(bool, hits)) / len(hits) if hits else 0.0


@pytest.mark.slow
@given(pairs)
def test_rates_are_shares_of_the_right_samples(rows: list[tuple[int, int]]) -> None:
    labels, predictions = columns(rows)
    tp, fp, fn, tn = ORACLE["confusion_counts"](labels, predictions)
    assert tp + fp + fn + tn == len(rows)
    expected = {
        "accuracy": share([y == p for y, p in rows]),
        "precision": share([y for y, p in rows if p]),
        "recall": share([p for y, p in rows if y]),
        "specificity": share([not p for y, p in rows if not y]),
        "f1": 2 * tp / (2 * tp + fp + fn) if tp else 0.0,
    }
    seen = {name: ORACLE[name](labels, predictions) for name in expected}
    assert seen == pytest.approx(expected)
    assert ORACLE["table_metrics"]((tp, fn), (fp, tn)) == pytest.approx(expected)


@pytest.mark.slow
@given(pairs)
def test_answers_built_on_right_parts_are_right(rows: list[tuple[int, int]]) -> None:
    data = columns(rows)
    given_counts = {"confusion_counts": ORACLE["confusion_counts"]}
    for name in ("precision", "recall", "specificity", "f1"):
        assert ORACLE[name](*data, **given_counts) == pytest.approx(ORACLE[name](*data))
    parts = {name: ORACLE[name] for name in ("precision", "recall")}
    assert ORACLE["f1"](*data, **parts) == pytest.approx(ORACLE["f1"](*data))
    for average in ("macro", "micro", "weighted"):
        built = ORACLE["averaged_f1"](*data, average, f1=ORACLE["f1"])
        assert built == pytest.approx(ORACLE["averaged_f1"](*data, average))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_micro_f1_of_single_labels_is_accuracy(rows: list[tuple[int, int]]) -> None:
    data = columns(rows)
    assert ORACLE["averaged_f1"](*data, "micro") == pytest.approx(ORACLE["accuracy"](*data))


@given(scored)
def test_auc_is_the_chance_to_rank_a_pair_rightly(rows: list[tuple[int, int]]) -> None:
    labels, scores = columns(rows)
    positive, negative = scores[labels == 1], scores[labels == 0]
    wins = [(a > b) + (a == b) / 2 for a, b in itertools.product(positive, negative)]
    area = ORACLE["roc_auc"](labels, scores)
    assert area == pytest.approx(sum(wins) / len(wins))
    assert area == pytest.approx(1 - ORACLE["roc_auc"](labels, -scores))
    built = ORACLE["roc_auc"](labels, scores, roc_curve=ORACLE["roc_curve"])
    assert area == pytest.approx(built)


@given(scored)
def test_average_precision_is_the_mean_over_positives(rows: list[tuple[int, int]]) -> None:
    labels, scores = columns(rows)
    at_positives = [labels[scores >= s].mean() for s in scores[labels == 1]]
    assert ORACLE["average_precision"](labels, scores) == pytest.approx(np.mean(at_positives))


@given(st.lists(st.tuples(bits, st.floats(0, 1)), min_size=1, max_size=40), st.integers(1, 12))
def test_calibration_error_weighs_the_reliability_diagram(
    rows: list[tuple[int, float]], bins: int
) -> None:
    labels, probabilities = columns(rows)
    # Off the edges, where bins of any convention agree.
    probabilities = (np.floor(np.minimum(probabilities, 0.999) * bins) + 0.5) / bins
    shares, means = calibration_curve(labels, probabilities, n_bins=bins)
    sizes = np.array([np.isclose(probabilities, mean).sum() for mean in means])
    expected = np.sum(sizes * np.abs(shares - means)) / len(rows)
    assert ORACLE["calibration_error"](labels, probabilities, bins) == pytest.approx(expected)


@given(st.lists(st.lists(st.floats(-9, 0), min_size=1, max_size=6), min_size=1, max_size=5))
def test_perplexity_is_exp_of_the_mean_over_tokens(sequences: list[list[float]]) -> None:
    width = max(map(len, sequences))
    log_probs = np.array([row + [math.nan] * (width - len(row)) for row in sequences])
    tokens = [value for row in sequences for value in row]
    expected = math.exp(-math.fsum(tokens) / len(tokens))
    assert ORACLE["perplexity"](log_probs, ~np.isnan(log_probs)) == pytest.approx(expected)


@given(counts, counts, counts, counts)
def test_totals_of_a_table_allow_its_tp(tp: int, fp: int, fn: int, tn: int) -> None:
    called, ill, total = tp + fp, tp + fn, tp + fp + fn + tn
    row = (called, total - called, ill, total - ill)
    [(low, high)] = ORACLE["audit_table"]([row])
    assert low <= tp <= high
    assert (low, high) == (max(0, called + ill - total), min(called, ill))


@given(counts, counts, counts, counts)
def test_totals_that_disagree_allow_nothing(a: int, b: int, c: int, d: int) -> None:
    [interval] = ORACLE["audit_table"]([(a, b, c, d)])
    assert (interval is None) == (a + b != c + d)


@pytest.mark.slow
@given(scored, st.sampled_from([0.25, 0.5, 0.75, 1.0]))
def test_no_threshold_is_better(rows: list[tuple[int, int]], demanded: float) -> None:
    labels, scores = columns(rows)

    def merits(threshold: float) -> tuple[float, float]:
        called = (scores >= threshold).astype(int)
        return ORACLE["specificity"](labels, called), ORACLE["recall"](labels, called)

    chosen = ORACLE["screening_threshold"](labels, scores, demanded)
    reaching = [pair for pair in map(merits, np.unique(scores)) if pair[1] >= demanded]
    assert chosen in scores
    assert merits(chosen) == pytest.approx(max(reaching))


def harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b)


def test_the_documents_table_is_impossible() -> None:
    rows = [(100, 50, 90, 10), (200, 300, 200, 100)]
    assert [(sum(row[:2]), sum(row[2:])) for row in rows] == [(150, 100), (500, 300)]  # E118
    assert ORACLE["audit_table"](rows) == [None, None]
    assert ORACLE["audit_table"]([(100, 50, 90, 60)]) == [(40, 90)]


def test_no_number_that_the_document_prints_follows_from_its_formulas() -> None:
    accuracy = precision = (100 + 200) / (100 + 200 + 50 + 300)
    recall = (90 + 200) / (90 + 200 + 10 + 100)
    assert (round(accuracy, 4), round(precision, 4)) == (0.4615, 0.4615)  # E119, E121: 0.6
    assert recall == 0.725  # E120: printed 0.8
    assert round(harmonic(0.6, 0.8), 4) == 0.6857  # E122: printed 0.64
    assert round(harmonic(precision, recall), 4) == 0.5640


def test_the_table_read_properly() -> None:
    seen = ORACLE["table_metrics"]((100, 50), (200, 300))
    rounded = {name: round(value, 4) for name, value in seen.items()}
    assert rounded == {
        "accuracy": 0.6154,
        "precision": 0.3333,
        "recall": 0.6667,
        "specificity": 0.6,
        "f1": 0.4444,
    }


def test_secret_seeds_catch_every_misconception_too() -> None:
    suite = Suite(METRICS, "autumn class")
    for answer in answers(METRICS, "wrong"):
        check = suite.checks[answer.caught_by]
        expected = run_probe(suite, check, ORACLE, seconds=10)
        names = {**ORACLE, answer.stands_for: answer.value}
        seen = run_probe(suite, check, names, seconds=10)
        assert expected.kind == "value", check.name
        assert not same(seen, expected, check.close), answer.name


def test_points_add_up_to_twenty() -> None:
    assert METRICS.points == 20


@pytest.mark.slow
def test_scikit_learns_order_has_its_name_and_costs_its_own_task_only(tmp_path: Path) -> None:
    notebook = nbformat.read(METRICS.notebook("en", solved=True), as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "confusion_counts")
    cell.source = (
        "def confusion_counts(labels, predictions):\n"
        "    from collections import Counter\n"
        "    seen = Counter(zip(map(int, labels), map(int, predictions)))\n"
        "    return seen[0, 0], seen[0, 1], seen[1, 0], seen[1, 1]\n"
    )
    path = tmp_path / "metrics.ipynb"
    nbformat.write(notebook, path)
    result = grade_path(path)
    counts = next(task for task in result.tasks if task.name == "confusion_counts")
    assert {verdict.misconception for verdict in counts.verdicts} >= {"order_of_sklearn"}
    # Recall rests on it, F1 on recall, averaged F1 on F1: all of them are right, given it.
    assert {task.name for task in result.tasks if task.status != "pass"} == {"confusion_counts"}
    assert result.points == METRICS.points - counts.max_points
