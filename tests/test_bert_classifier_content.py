"""The oracle of `bert-classifier` against independent formulas, and what its probes rest on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertModel

from autograder.engine.probing import run_probe
from autograder.exercise.catalog import exercise
from autograder.exercise.suite import Suite, answers, load, references
from autograder.models import VARIABLE, locate

BERT = exercise("bert-classifier")
ORACLE: dict[str, Any] = references(BERT)
CHECKS: Any = load(BERT, "checks")
TOKENIZER = AutoTokenizer.from_pretrained(locate("bert"))

texts = st.lists(st.text(alphabet="not bad 好不坏,.x", max_size=30), min_size=1, max_size=6)


def small_model() -> Any:
    """A BERT of one layer with random weights, and three classes."""
    torch.manual_seed(0)
    config: Any = BertConfig(
        vocab_size=len(TOKENIZER), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    config.num_labels = 3
    return BertForSequenceClassification(config)


@given(texts=texts, max_length=st.integers(4, 40))
@settings(deadline=None)
def test_encoding_by_hand_is_the_tokenizers(texts: list[str], max_length: int) -> None:
    seen = ORACLE["encode"](texts, TOKENIZER, max_length)
    library = TOKENIZER(
        texts, padding=True, truncation=True, max_length=max_length, return_tensors="pt"
    )
    for name in ("input_ids", "attention_mask"):
        assert torch.equal(seen[name], library[name])


@given(texts=texts, size=st.integers(1, 4))
@settings(deadline=None)
def test_a_loader_built_on_encode_yields_the_same(texts: list[str], size: int) -> None:
    labels = [i % 3 for i in range(len(texts))]
    plain = ORACLE["make_loader"](texts, labels, TOKENIZER, size)
    built = ORACLE["make_loader"](texts, labels, TOKENIZER, size, encode=ORACLE["encode"])
    for a, b in zip(plain, built, strict=True):
        for name in ("input_ids", "attention_mask", "labels"):
            assert torch.equal(a[name], b[name])


def test_the_head_is_a_linear_layer_on_the_pooled_vector() -> None:
    bert: Any = BertModel(small_model().config)
    bert.eval()
    head = ORACLE["BertClassifier"](bert, 5).eval()
    batch = TOKENIZER(["好", "not bad"], padding=True, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    linear = head.model.classifier
    with torch.no_grad():
        pooled = bert(input_ids=ids, attention_mask=mask).pooler_output
        torch.testing.assert_close(head(ids, mask), pooled @ linear.weight.T + linear.bias)


@given(
    logits=st.lists(st.tuples(*[st.floats(-20, 20, width=32)] * 3), min_size=1, max_size=8),
    data=st.data(),
)
@settings(deadline=None, max_examples=50)
def test_evaluation_counts_what_argmax_says(logits: list[Any], data: Any) -> None:
    z = torch.tensor(logits)
    labels = torch.tensor(data.draw(st.lists(st.integers(0, 2), min_size=len(z), max_size=len(z))))
    report = ORACLE["evaluate"](None, [{"labels": labels}], predict=lambda model, loader: z)
    matrix = np.zeros((3, 3), dtype=int)
    for y, row in zip(labels.tolist(), z.numpy(), strict=True):
        matrix[y, int(row.argmax())] += 1
    assert np.array_equal(report["confusion"], matrix)
    assert report["accuracy"] == pytest.approx(np.trace(matrix) / len(labels))
    ends = matrix.sum(axis=0) + matrix.sum(axis=1)
    f1 = 2 * np.diag(matrix)[ends > 0] / ends[ends > 0]
    assert report["macro_f1"] == pytest.approx(f1.mean())


def test_names_and_probabilities_are_softmax_and_configuration() -> None:
    model = small_model()
    model.config.id2label = {0: "a", 1: "b", 2: "c"}
    sentences = ["not bad", "好"]
    with torch.no_grad():
        batch = TOKENIZER(sentences, padding=True, return_tensors="pt")
        p = model.eval()(**batch).logits.softmax(-1)
    for row, (name, probability) in zip(
        p, ORACLE["name_predictions"](model.train(), TOKENIZER, sentences), strict=True
    ):
        assert name == "abc"[int(row.argmax())]
        assert probability == pytest.approx(row.max().item(), abs=1e-4)


def test_a_double_softmax_has_a_floor() -> None:
    """The number that the lesson teaches for three classes."""
    floor = -math.log(math.e / (math.e + 2))
    assert round(floor, 3) == 0.551
    assert round(math.log(3), 4) == 1.0986


def test_training_sentences_and_held_out_ones_are_disjoint() -> None:
    study = Suite(BERT).fixture("study", "learns_what_holds")
    assert not set(study["texts"]) & set(study["test_texts"])
    assert len(study["test_texts"]) == 252


def test_learning_is_told_from_guessing() -> None:
    truth = [example.label for example in CHECKS._examples("test")]
    asked = list(range(len(truth)))
    learned = {
        "losses": [1.1, 0.4], "predictions": truth, "asked": asked, "encoder moved": True
    }  # fmt: skip

    def passes(**changes: object) -> bool:
        return CHECKS._learned({**learned, **changes}, learned)

    assert passes()
    assert not passes(losses=[1.1, 1.1])
    assert not passes(losses=[1.1, math.nan])
    for name in CHECKS.NAMES:
        assert not passes(predictions=[name] * len(truth))
    # Fewer names than sentences: neither right ones, nor the leniency that another model has.
    assert not passes(predictions=truth[:16])
    assert not passes(predictions=[])
    # Right names that the model does not give.
    assert passes(**{"model says": truth})
    assert not passes(**{"model says": ["neutral"] * len(truth)})


def test_another_model_has_to_be_trained_whatever_it_comes_to() -> None:
    reference = {"losses": [1.3, 1.2], "predictions": ["neutral"] * 16, "encoder moved": True}
    assert CHECKS._learned({**reference, "losses": [1.3, 2.0]}, reference)
    assert not CHECKS._learned({**reference, "losses": [1.3, math.inf]}, reference)
    assert not CHECKS._learned({**reference, "encoder moved": False}, reference)
    assert not CHECKS._learned({**reference, "predictions": ["LABEL_1"] * 16}, reference)


def test_there_are_enough_misconceptions_and_styles() -> None:
    wrong, right = answers(BERT, "wrong"), answers(BERT, "right")
    assert len(wrong) >= 20
    for name in BERT.task_of:
        assert sum(answer.stands_for == name for answer in wrong) >= 4
        assert sum(answer.stands_for == name for answer in right) >= 2


@pytest.mark.slow
def test_a_submission_cannot_choose_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = Suite(BERT)
    suite.prepare()
    monkeypatch.setenv(VARIABLE, "/nowhere")
    for check in suite.of_task("load_model"):
        assert run_probe(suite, check, references(BERT), seconds=60).kind == "value", check.name
