"""The tiny GPT: what is shipped is what its card says, and it behaves as GPT-2 does."""

import hashlib
import logging
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch
import transformers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, GPT2Tokenizer

from autograder.models.tiny_gpt.stories import corpus, documents
from autograder.models.tiny_gpt.train import FOLDER, Recipe, perplexity, train

PROMPT = "Once upon a time, Mia"


@pytest.fixture(scope="module")
def tokenizer() -> GPT2Tokenizer:
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def model() -> GPT2LMHeadModel:
    return GPT2LMHeadModel.from_pretrained(FOLDER, dtype=torch.float32)


@pytest.fixture(scope="module")
def texts() -> tuple[list[str], list[str]]:
    return corpus(Recipe().documents)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    transformers.logging.enable_propagation()
    with caplog.at_level(logging.WARNING):
        yield caplog
    transformers.logging.disable_propagation()


# The folder


def test_loads_by_the_usual_names_without_a_warning(
    heard: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    auto, info = AutoModelForCausalLM.from_pretrained(FOLDER, output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    enc = tokenizer(PROMPT, return_tensors="pt")
    auto.generate(**enc, max_new_tokens=2, do_sample=False, pad_token_id=tokenizer.eos_token_id)
    assert isinstance(auto, GPT2LMHeadModel)
    assert not any(info.values())
    assert not auto.training
    assert {value.dtype for value in auto.parameters()} == {torch.float32}
    assert [record.getMessage() for record in heard.records] == []
    assert [str(warning.message) for warning in recwarn] == []


def test_is_small() -> None:
    assert (FOLDER / "model.safetensors").stat().st_size <= 2_000_000


def test_the_card_names_these_weights() -> None:
    digest = hashlib.sha256((FOLDER / "model.safetensors").read_bytes()).hexdigest()
    assert digest in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_ends_and_pads_as_gpt2_does(model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer) -> None:
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    assert end == len(tokenizer) - 1 == model.config.vocab_size - 1
    assert tokenizer.eos_token_id == model.generation_config.eos_token_id == end
    assert tokenizer.pad_token is None
    assert model.generation_config.pad_token_id is None
    assert tokenizer.model_max_length == model.config.n_positions


# The tokenizer


@settings(deadline=None)
@given(st.text())
@example("Hello , world ! it 's <|endoftext|> 从前，魑魅魍魉 🦊\n\n")
def test_every_text_survives_the_round_trip(text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    assert tokenizer.decode(tokenizer(text, verbose=False).input_ids) == text


def test_some_characters_are_one_token_and_some_are_bytes(
    tokenizer: GPT2Tokenizer, texts: tuple[list[str], list[str]]
) -> None:
    characters = {c for text in texts[0] for c in text if "一" <= c <= "鿿"}
    split = {c for c in characters if len(tokenizer.tokenize(c)) > 1}
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{len(split)} of the {len(characters)} Chinese characters" in " ".join(card.split())
    assert len(split) > 50
    assert len(characters - split) > 50
    ids = tokenizer(min(split)).input_ids
    assert tokenizer.decode(ids) == min(split)
    assert tokenizer.decode(ids[:-1]).endswith("�")


# The model


@pytest.mark.slow
def test_held_out_perplexity_is_what_the_card_says(
    model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, texts: tuple[list[str], list[str]]
) -> None:
    measured = perplexity(model, tokenizer, texts[1])
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert measured < 1.4
    assert f"**{measured:.3f}**" in card
    # The words in another order are no story
    shuffled = [" ".join(sorted(text.split())) for text in texts[1][:50]]
    assert perplexity(model, tokenizer, shuffled) > 20 * measured


def next_logits(model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, text: str) -> torch.Tensor:
    with torch.no_grad():
        return model(**tokenizer(text, return_tensors="pt")).logits[0, -1]  # (V,)


def test_the_numbers_are_these(model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer) -> None:
    # Over 1 and 2 threads and ATEN_CPU_CAPABILITY default, avx2, avx512, the logits of 102 texts
    # differ by at most 1.3e-5.
    expected = {
        PROMPT: {" lived": 15.4178, " woke": 6.9204, " has": 6.4114, " went": 6.2803},
        "从前，": {"森林": 12.4952, "山": 12.2604, "海边": 12.2477, "大": 12.0017},
    }
    for text, values in expected.items():
        best = next_logits(model, tokenizer, text).topk(len(values))
        assert [tokenizer.decode([i]) for i in best.indices] == list(values)
        assert best.values.tolist() == pytest.approx(list(values.values()), abs=2e-4)


@pytest.mark.parametrize("use_cache", [True, False])
def test_the_cache_changes_nothing(
    model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, use_cache: bool
) -> None:
    enc = tokenizer(PROMPT, return_tensors="pt")
    out = model.generate(
        **enc,
        do_sample=False,
        max_new_tokens=40,
        use_cache=use_cache,
        pad_token_id=tokenizer.eos_token_id,
        return_dict_in_generate=True,
        output_logits=True,
    )
    with torch.no_grad():
        whole = model(out.sequences).logits[0, enc.input_ids.shape[1] - 1 : -1]  # (T, V)
    torch.testing.assert_close(torch.cat(out.logits), whole, atol=1e-4, rtol=0)


def test_a_left_padded_batch_says_what_each_prompt_says_alone(model: GPT2LMHeadModel) -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER, padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    prompts = ["Q: What colour is the sky?\nA:", "从前，", "Once upon a time, in a house by"]
    greedy = {"do_sample": False, "max_new_tokens": 30, "pad_token_id": tokenizer.eos_token_id}
    enc = tokenizer(prompts, return_tensors="pt", padding=True)
    together = tokenizer.batch_decode(model.generate(**enc, **greedy), skip_special_tokens=True)
    for prompt, text in zip(prompts, together, strict=True):
        alone = model.generate(**tokenizer(prompt, return_tensors="pt"), **greedy)
        assert text == tokenizer.decode(alone[0], skip_special_tokens=True)


def test_beams_find_a_likelier_text_than_greed(
    model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer
) -> None:
    enc = tokenizer("One ", return_tensors="pt")
    length = {"max_new_tokens": 30, "min_new_tokens": 30, "pad_token_id": tokenizer.eos_token_id}

    def log_probability(text: torch.Tensor) -> float:  # (1, T)
        prompt = enc.input_ids.shape[1]
        with torch.no_grad():
            steps = model(text).logits[:, prompt - 1 : -1].log_softmax(-1)
        return float(steps.gather(-1, text[:, prompt:, None]).sum())

    greedy = log_probability(model.generate(**enc, **length, do_sample=False))
    beams = log_probability(model.generate(**enc, **length, do_sample=False, num_beams=5))
    assert beams > greedy + 0.1


def samples(model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, **how: float) -> list[str]:
    enc = tokenizer([PROMPT] * 16, return_tensors="pt")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        y = model.generate(
            **enc,
            do_sample=True,
            max_new_tokens=50,
            pad_token_id=tokenizer.eos_token_id,
            **{"top_k": 0} | how,
        )
    return [text.removeprefix(PROMPT) for text in tokenizer.batch_decode(y, True)]


def words(text: str) -> list[str]:
    return re.findall(r"\w+|�", text)


@pytest.fixture(scope="module")
def vocabulary(texts: tuple[list[str], list[str]]) -> set[str]:
    return {word for text in texts[0] for word in words(text)}


def readable(found: list[str], vocabulary: set[str]) -> float:
    spoken = [word for text in found for word in words(text)]
    return sum(word in vocabulary for word in spoken) / len(spoken)


def test_heat_brings_variety_and_then_nonsense(
    model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, vocabulary: set[str]
) -> None:
    by_heat = {t: samples(model, tokenizer, temperature=t) for t in (0.2, 0.7, 1.0, 1.5, 2.5)}
    share = {t: readable(found, vocabulary) for t, found in by_heat.items()}
    variety = {
        t: len({word for text in found for word in words(text)}) for t, found in by_heat.items()
    }
    print(share, variety)
    assert share[0.2] > 0.99
    assert share[0.7] > 0.98
    assert share[1.0] > 0.96
    assert share[1.0] > share[1.5] > share[2.5]
    assert share[2.5] < 0.6
    assert variety[0.2] < variety[0.7] < variety[1.0] < variety[1.5]


def test_cutting_the_tail_keeps_hot_text_readable(
    model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, vocabulary: set[str]
) -> None:
    share = {
        name: readable(samples(model, tokenizer, temperature=1.5, **how), vocabulary)
        for name, how in {"all": {}, "top-k": {"top_k": 5}, "top-p": {"top_p": 0.8}}.items()
    }
    print(share)
    assert share["top-k"] > share["all"] + 0.05
    assert share["top-p"] > share["all"] + 0.05


# The text and the training


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_stories_are_whole_and_consistent(seed: int) -> None:
    english = list(islice(documents(seed, "en"), 20))
    chinese = list(islice(documents(seed, "zh"), 20))
    assert english == list(islice(documents(seed, "en"), 20))
    for text in english:
        assert text.isascii()
        assert not {"she", "he"} <= set(words(text.lower()))
    for text in chinese:
        assert not re.search(r"[A-Za-z]", text)
        assert not {"她", "他"} <= set(text.replace("他们", ""))
    for text in english + chinese:
        assert not re.search(r"[{}¶|;=]|  |\b[Aa] [aeio]", text)
        assert text[-1] in '.。!"”0123456789' or "\n" in text


def test_held_out_documents_are_unseen(texts: tuple[list[str], list[str]]) -> None:
    train_texts, heldout = texts
    assert len(train_texts) == Recipe().documents
    assert len(heldout) > 400
    assert not set(train_texts) & set(heldout)


@pytest.mark.slow
def test_training_repeats_itself_and_leaves_the_random_state_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    brief = Recipe(documents=100, vocab_size=300, n_positions=128, n_embd=16, n_layer=1, steps=3)
    steps: list[int] = []
    first = train(tmp_path / "a", recipe=brief, progress=lambda done, *_: steps.append(done))
    second = train(tmp_path / "b", recipe=brief)
    other = train(tmp_path / "c", recipe=brief, seed=1)
    assert first.sha256 == second.sha256 != other.sha256
    assert first.perplexity == second.perplexity
    assert steps == [1, 2, 3]
    assert torch.equal(torch.get_rng_state(), before)
