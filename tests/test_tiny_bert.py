"""Tiny BERT: its folder loads like any other, its numbers hold, and it beats a bag of words."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from autograder.data.sentiment import KINDS, LABELS, LANGUAGES, SPLITS, Example, load
from autograder.models.tiny_bert import corpus
from autograder.models.tiny_bert import train as training

FOLDER = training.FOLDER
GUARD = {
    "next_sentence": [-0.30241, -1.26912, 1.93788, 0.41618],
    "prediction": [
        -3.58319,
        3.01892,
        0.00649,
        -1.10922,
        -0.87729,
        -4.73048,
        1.30832,
        -0.73564,
        -1.70068,
        0.16473,
        -5.00295,
        0.84232,
        -1.32273,
        -2.20501,
        0.93956,
    ],
    "hidden": [0.9971, 3.4636],
}
PRETRAINING_HEADS = ("cls.", "bert.pooler.")


def model_of(kind: type, **options: object) -> transformers.PreTrainedModel:
    return kind.from_pretrained(FOLDER, **options).eval()


@pytest.fixture(scope="module")
def tokenizer() -> transformers.PreTrainedTokenizerBase:
    return transformers.AutoTokenizer.from_pretrained(FOLDER)


def encode(tokenizer, examples: list[Example]) -> dict[str, torch.Tensor]:
    return tokenizer([e.text for e in examples], padding=True, return_tensors="pt")


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (transformers.BertForPreTraining, set()),
        (transformers.BertModel, set()),
        (transformers.BertForMaskedLM, set()),
        (transformers.BertForSequenceClassification, {"classifier.weight", "classifier.bias"}),
    ],
)
def test_only_a_new_head_is_missing(kind: type, missing: set[str]) -> None:
    model, info = kind.from_pretrained(FOLDER, output_loading_info=True)
    assert set(info["missing_keys"]) == missing
    assert not info["mismatched_keys"]
    assert all(key.startswith(PRETRAINING_HEADS) for key in info["unexpected_keys"])
    assert model.dtype == torch.float32


def test_the_weights_are_small_and_are_those_of_the_report() -> None:
    weights = FOLDER / "model.safetensors"
    report = json.loads((FOLDER / "report.json").read_text("utf-8"))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert weights.stat().st_size <= 2_000_000
    assert digest == report["sha256"]
    assert digest in (FOLDER / "README.md").read_text("utf-8")
    assert model_of(transformers.BertForPreTraining).num_parameters() == report["parameters"]


def test_every_chinese_character_is_a_token(tokenizer) -> None:
    assert tokenizer.tokenize("房间很干净") == list("房间很干净")
    assert not [t for t in tokenizer.get_vocab() if len(re.findall(r"[\u4e00-\u9fff]", t)) > 1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_few_tokens_are_unknown(tokenizer, language: str) -> None:
    ids = encode(tokenizer, load(language, "test"))["input_ids"]
    assert (ids == tokenizer.unk_token_id).sum() / (ids != tokenizer.pad_token_id).sum() < 0.03


def test_padding_changes_nothing(tokenizer) -> None:
    model = model_of(transformers.BertModel)
    short, long = "Not bad at all.", "The soup was cold, the waiter was rude, and we left early."
    with torch.no_grad():
        alone = model(**tokenizer(short, return_tensors="pt")).pooler_output
        padded = model(**tokenizer([short, long], padding=True, return_tensors="pt")).pooler_output
    torch.testing.assert_close(padded[:1], alone, atol=1e-5, rtol=0)


def observe(tokenizer) -> dict[str, list[float]]:
    """Numbers that any change of the weights, the vocabulary or the configuration would move."""
    model = model_of(transformers.BertForPreTraining)
    batch = tokenizer(
        ["The room was clean, but I will not come back.", "味道不是不好，就是[MASK]了点。"],
        ["I asked for a refund.", "下次还来。"],
        padding=True,
        return_tensors="pt",
    )
    with torch.no_grad():
        out = model(**batch, output_hidden_states=True)
    last = out.hidden_states[-1][batch["attention_mask"].bool()]
    return {
        "next_sentence": out.seq_relationship_logits.flatten().tolist(),
        "prediction": out.prediction_logits[1, 1:4, 5:1000:200].flatten().tolist(),
        "hidden": [last.std().item(), last.abs().max().item()],
    }


def test_the_numbers_hold(tokenizer) -> None:
    for name, values in observe(tokenizer).items():
        # threads and instruction sets move these by 1e-6
        np.testing.assert_allclose(values, GUARD[name], atol=1e-4, rtol=0, err_msg=name)


@given(seed=st.integers(0, 2**32))
def test_the_grammar_is_seeded_and_leaves_no_slot_open(seed: int) -> None:
    once, again = (list(corpus.documents(seed, 4)) for _ in range(2))
    assert once == again
    for d in once:
        assert not re.search(r"[{}|]|\.\.|。。", d.first + d.second)
        assert d.topic in corpus.topics(d.language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_that_is_named_exists(language: str) -> None:
    for topic in corpus.topics(language):
        rules = corpus._rules(language, topic)
        named = {m for phrases in rules.values() for p in phrases for m in corpus._SLOT.findall(p)}
        assert named <= set(rules)


def test_no_held_out_sentence_is_in_the_corpus() -> None:
    def squeeze(text: str) -> str:
        return re.sub(r"[\W_]+", "", text.lower())

    bank = {squeeze(t) for d in corpus.documents(5, 20_000) for t in (d.first, d.second)}
    held_out = [e.text for pair in itertools.product(LANGUAGES, SPLITS[1:]) for e in load(*pair)]
    assert [text for text in held_out if squeeze(text) in bank] == []


def runs(text: str, language: str) -> set[tuple[str, ...]]:
    """Four words in a row, or five Chinese characters."""
    words = re.findall(r"[a-z']+" if language == "en" else r"[^\W_]", text.lower())
    size = 4 if language == "en" else 5
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_of_the_grammar_quotes_a_held_out_sentence(language: str) -> None:
    held_out = [e.text for split in SPLITS[1:] for e in load(language, split)]
    quotable = set().union(*(runs(text, language) for text in held_out))
    quoting = [
        phrase
        for rules in corpus._sections(language).values()
        for phrases in rules.values()
        for phrase in phrases
        for piece in corpus._SLOT.split(phrase)[::2]
        if runs(piece, language) & quotable
    ]
    assert quoting == []


def test_corruption_follows_bert() -> None:
    ids = torch.full((200, 500), 77)
    ids[:, 0] = training.CLS
    corrupted, chosen = training.corrupt(ids, 4000, torch.Generator().manual_seed(0))
    assert not chosen[:, 0].any()
    assert torch.equal(corrupted[~chosen], ids[~chosen])
    assert chosen[:, 1:].float().mean().item() == pytest.approx(0.15, abs=0.005)
    shares = [(corrupted[chosen] == value).float().mean().item() for value in (training.MASK, 77)]
    assert shares == pytest.approx([0.8, 0.1], abs=0.015)


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    recipe = training.Recipe(
        steps=2, bag_steps=2, batch=8, bag_batch=8, vocabulary_documents=200, vocab_size=900
    )
    seen: list[int] = []

    def train(name: str, seed: int) -> training.Report:
        return training.train(
            tmp_path / name, seed=seed, recipe=recipe, progress=lambda i, *_: seen.append(i)
        )

    reports = [train("a", 3), train("b", 3), train("c", 4)]
    assert reports[0].sha256 == reports[1].sha256 != reports[2].sha256
    assert seen == [1, 2] * 3


def bag_of_words(language: str, words: tuple[int, int]) -> np.ndarray:
    """Fit on the train split and say for each test sentence whether the answer was right."""
    # Chinese has no spaces: its words of a bag are single characters, and pairs of them
    options = {"analyzer": "char"} if language == "zh" else {"token_pattern": r"(?u)\b\w+\b"}
    train, test = load(language, "train"), load(language, "test")
    model = make_pipeline(
        TfidfVectorizer(ngram_range=words, **options), LogisticRegression(C=10, max_iter=1000)
    ).fit([e.text for e in train], [e.label for e in train])
    return model.predict([e.text for e in test]) == [e.label for e in test]


def fine_tune(tokenizer, examples: list[Example], seed: int) -> transformers.PreTrainedModel:
    """Plain fine-tuning: AdamW, warm-up, linear decay, nothing chosen on the test split."""
    epochs, size = 5, 16
    torch.manual_seed(seed)
    model = transformers.BertForSequenceClassification.from_pretrained(FOLDER, num_labels=3).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
    steps = epochs * -(-len(examples) // size)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    for _ in range(epochs):
        for at in torch.randperm(len(examples)).split(size):
            rows = [examples[i] for i in at.tolist()]
            labels = torch.tensor([LABELS.index(e.label) for e in rows])
            optimizer.zero_grad()
            model(**encode(tokenizer, rows), labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model.eval()


def right_answers(tokenizer, model, examples: list[Example]) -> np.ndarray:
    with torch.no_grad():
        answers = model(**encode(tokenizer, examples)).logits.argmax(-1).numpy()
    return answers == [LABELS.index(e.label) for e in examples]


def table(right: dict[str, np.ndarray], examples: list[Example]) -> str:
    """Accuracy by model, overall and for each kind."""
    rows = ["model        all   " + "  ".join(f"{kind:8}" for kind in KINDS)]
    for name, hits in right.items():
        kinds = [hits[[e.kind == kind for e in examples]].mean() for kind in KINDS]
        rows.append(f"{name:12} {hits.mean():.3f} " + "  ".join(f"{k:<8.3f}" for k in kinds))
    return "\n".join(rows)


def compare(tokenizer, seeds: int) -> tuple[dict[str, np.ndarray], list[Example]]:
    """Answers of bags of words and of BERT, fine-tuned on both languages at once."""
    train = [e for lang in LANGUAGES for e in load(lang, "train")]
    test = [e for lang in LANGUAGES for e in load(lang, "test")]
    right = {
        f"bag of {n}": np.concatenate([bag_of_words(lang, (1, n)) for lang in LANGUAGES])
        for n in (1, 2)
    }
    for seed in range(seeds):
        model = fine_tune(tokenizer, train, seed)
        right[f"bert {seed}"] = right_answers(tokenizer, model, test)
    return right, test


@pytest.mark.slow
def test_fine_tuned_it_beats_every_bag_of_words(tokenizer) -> None:
    right, test = compare(tokenizer, seeds=2)
    print("\n" + table(right, test))
    accuracy = {name: hits.mean() for name, hits in right.items()}
    best = max(value for name, value in accuracy.items() if name.startswith("bag"))
    assert min(value for name, value in accuracy.items() if name.startswith("bert")) > best + 0.15


if __name__ == "__main__":  # the table of the model card
    print(table(*compare(transformers.AutoTokenizer.from_pretrained(FOLDER), seeds=5)))
