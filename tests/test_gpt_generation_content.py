"""The oracle of `gpt-generation` against independent ways, its server, and the lesson's claims."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from autograder.engine.probing import run_probe
from autograder.evidence.observations import Outcome
from autograder.exercise.catalog import exercise
from autograder.exercise.criteria import Tolerance
from autograder.exercise.suite import Suite, answers, load, references
from autograder.judging.comparing import same
from autograder.models import locate

EXERCISE = exercise("gpt-generation")
ORACLE: dict[str, Any] = references(EXERCISE)
CHECKS: Any = load(EXERCISE, "checks")
SERVER: Any = load(EXERCISE, "server")  # type: ignore[arg-type]
MODEL = AutoModelForCausalLM.from_pretrained(locate("gpt")).eval()
TOKENIZER = AutoTokenizer.from_pretrained(locate("gpt"))
END = TOKENIZER.eos_token_id

texts = st.text(st.characters(codec="utf-8"), max_size=20)
rows = st.lists(st.floats(-4, 4), min_size=2, max_size=8, unique=True)


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def ids_of(prompt: str) -> torch.Tensor:
    ids: torch.Tensor = TOKENIZER(prompt, return_tensors="pt").input_ids
    return ids


# Filters and draws


@given(rows, st.floats(0.01, 0.99))
def test_the_nucleus_is_the_smallest_set_that_reaches_p(row: list[float], p: float) -> None:
    logits = torch.tensor([row])
    chances = logits.double().softmax(-1)[0].tolist()
    kept = set(ORACLE["top_p"](logits, p)[0].isfinite().nonzero()[:, 0].tolist())
    total = sum(chances[i] for i in kept)
    assert total >= p - 1e-6
    assert total - min(chances[i] for i in kept) < p + 1e-6
    others = set(range(len(row))) - kept
    assert all(chances[i] >= chances[j] for i, j in itertools.product(kept, others))


@given(rows, st.integers(1, 10))
def test_top_k_keeps_as_many_as_there_are(row: list[float], k: int) -> None:
    logits = torch.tensor([row])
    filtered = ORACLE["top_k"](logits, k)
    kept = filtered.isfinite()
    assert filtered[kept].tolist() == logits[kept].tolist()
    assert int(kept.sum()) >= min(k, len(row))
    assert filtered.max() == logits.max()


@given(rows, st.floats(0.1, 5))
def test_heat_evens_probabilities_out(row: list[float], temperature: float) -> None:
    logits = torch.tensor(row)
    chances = ORACLE["temperature_probabilities"](logits, temperature)
    hotter = ORACLE["temperature_probabilities"](logits, 2 * temperature)
    assert float(chances.sum()) == pytest.approx(1)
    # Logits closer than softmax can tell may tie: the place may differ then, not the chance.
    assert float(chances[logits.argmax()]) == float(chances.max())
    assert float(hotter.max()) <= float(chances.max()) + 1e-9


@pytest.mark.parametrize("temperature", [0.3, 0.6, 1.8])
def test_right_samplers_are_not_turned_down_and_wrong_ones_are(temperature: float) -> None:
    rng = np.random.default_rng(0)
    chances = CHECKS.softmax(CHECKS.LOGITS, temperature)
    size, batches = CHECKS.ROWS, CHECKS.BATCHES
    strains = [CHECKS.strain(rng.multinomial(size, chances, batches), chances) for _ in range(2000)]
    assert max(strains) < 1
    assert max(strains) > 0.4  # the bound is not so far off that nothing could reach it
    near = CHECKS.softmax(CHECKS.LOGITS, 1.12 * temperature)
    assert not any(CHECKS.fits(rng.multinomial(size, near, batches), chances) for _ in range(20))


def test_orders_of_top_k_and_top_p_leave_different_tokens() -> None:
    def left(*ways: str) -> list[list[int]]:
        logits, found = torch.tensor(CHECKS.LOGITS)[None], []
        for temperature, k, p in CHECKS.TOGETHER:
            scores = logits / temperature
            for way in ways:
                scores = ORACLE[way](scores, k if way == "top_k" else p)
            found.append(scores[0].isfinite().nonzero()[:, 0].tolist())
        return found

    ways = [("top_k", "top_p"), ("top_p", "top_k"), ("top_k",), ("top_p",)]
    seen = [left(*way) for way in ways]
    assert all(a != b for a, b in itertools.combinations(seen, 2))
    assert seen[0][0] == CHECKS.SURVIVORS


def test_the_rarest_texts_are_rare_but_certain_to_come_up() -> None:
    chances = CHECKS._first_pieces(MODEL, TOKENIZER, "Lily wanted a", CHECKS.HEAT[1])
    texts, total = CHECKS.rarest(chances)
    assert total == pytest.approx(sum(chances[text] for text in texts))
    assert total <= CHECKS.TAIL
    assert (1 - total) ** CHECKS.COPIES[1] < CHECKS.RARE / 2
    others = [text for text in chances if text not in texts]
    assert not CHECKS.reaches_the_tail(others * 10, chances)
    assert CHECKS.reaches_the_tail([*others * 10, min(texts)], chances)
    assert CHECKS.reaches_the_tail(others[:100], chances)  # too few to tell


# Search


@pytest.mark.parametrize(("prompt", "beams"), [("Lily lost her", 4), ("One day Mia", 3)])
def test_beam_search_is_that_of_transformers(prompt: str, beams: int) -> None:
    ids = ids_of(prompt)
    tokens, score = ORACLE["beam_search"](MODEL, ids, beams, 10)
    out = MODEL.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        num_beams=beams,
        do_sample=False,
        max_new_tokens=10,
        min_new_tokens=10,
        length_penalty=0.0,
        pad_token_id=END,
        return_dict_in_generate=True,
        output_scores=True,
    )
    assert tokens == out.sequences[0, ids.shape[1] :].tolist()
    assert score == pytest.approx(float(out.sequences_scores[0]), abs=1e-3)


def test_greedy_batch_equals_greedy_alone() -> None:
    prompts = [*CHECKS.STORIES, *CHECKS.QUESTIONS, CHECKS.LONG]
    batch = ORACLE["greedy_batch"](MODEL, [TOKENIZER(p).input_ids for p in prompts], 12, END)
    assert batch == [ORACLE["greedy"](MODEL, ids_of(p), 12, END) for p in prompts]


# Characters


@settings(deadline=None)
@given(texts, st.integers(0, 4))
def test_streams_whole_characters_and_no_others(text: str, cut: int) -> None:
    tokens = TOKENIZER(text, verbose=False).input_ids
    tokens = tokens[: len(tokens) - cut]
    pieces = ORACLE["stream_text"](TOKENIZER, tokens)
    assert len(pieces) == len(tokens)
    whole = "".join(pieces)
    assert text.startswith(whole)
    decoded = str(TOKENIZER.decode(tokens))
    assert decoded == whole or decoded.rstrip("\ufffd") == whole.rstrip("\ufffd")
    if not cut:
        assert whole == text


# The endpoint


def post(endpoint: Any, key: str, body: dict[str, Any], path: str = "/chat/completions") -> Any:
    request = urllib.request.Request(
        endpoint.url + path,
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def question(model: str = SERVER.NAME, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "What is 3 plus 4?"}], **more}


def test_the_endpoint_answers_as_the_model_does() -> None:
    with SERVER.Endpoint(SERVER.answering(MODEL, TOKENIZER), key="k") as endpoint:
        status, answer = post(endpoint, "k", question())
        assert (status, answer["choices"][0]["finish_reason"]) == (200, "stop")
        assert "3 plus 4 is" in answer["choices"][0]["message"]["content"]
        assert answer["usage"]["total_tokens"] > answer["usage"]["prompt_tokens"] > 0
        _, cut = post(endpoint, "k", question(max_tokens=2))
        assert cut["choices"][0]["finish_reason"] == "length"
        assert post(endpoint, "x", question())[0] == 401
        assert post(endpoint, "k", question("text-davinci-002"))[0] == 404
        assert post(endpoint, "k", question(), "/completions")[0] == 404
    with pytest.raises(urllib.error.URLError):
        post(endpoint, "k", question())


def test_the_endpoint_notes_who_asks_and_with_what() -> None:
    with SERVER.Endpoint(lambda *asked: (asked[0], 1, 1, True), key="k") as endpoint:
        client = openai.OpenAI(base_url=endpoint.url, api_key="k", max_retries=0)
        parts: Any = [{"type": "text", "text": "What is "}, {"type": "text", "text": "hot?"}]
        messages: Any = [{"role": "system", "content": ""}, {"role": "user", "content": parts}]
        answer = client.chat.completions.create(model=SERVER.NAME, messages=messages)
        assert answer.choices[0].message.content == "What is hot?"
        post(endpoint, "k", question())
        assert [request["roles"] for request in endpoint.requests] == [["system", "user"], ["user"]]
        assert ["OpenAI/Python" in r["client"] for r in endpoint.requests] == [True, False]
        assert post(endpoint, "k", question(stream=True))[0] == 400


@pytest.mark.parametrize("name", ["gpt-3.5-turbo", "gpt-4o-mini", "Qwen/Qwen2.5-7B-Instruct"])
def test_an_unknown_model_is_unknown_in_the_same_words(name: str) -> None:
    def refused(model: str) -> Outcome:
        _, answer = post(endpoint, "k", question(model))
        message = answer["error"]["message"]
        return Outcome("", "raised", error="NotFoundError", message=f"Error code: 404 - {message}")

    with SERVER.Endpoint(lambda *_: ("yes", 1, 1, True), key="k") as endpoint:
        assert same(refused(name), refused("text-davinci-002"), Tolerance())


def test_the_endpoint_fails_in_the_order_told() -> None:
    with SERVER.Endpoint(lambda *_: ("yes", 1, 1, True), key="k", failures=(429, 500, 0)) as end:
        assert [post(end, "k", question())[0] for _ in range(4)] == [429, 500, 200, 200]


# What the lesson says of the documents' programs


def test_temperature_without_sampling_changes_nothing() -> None:  # E151
    enc = TOKENIZER("Once upon a time", return_tensors="pt")

    def text(**how: Any) -> list[int]:
        out = MODEL.generate(**enc, max_new_tokens=12, pad_token_id=END, **how)
        return list(out[0].tolist())

    assert text(temperature=0.95) == text(temperature=0.1) == text()


def test_max_length_counts_the_prompt() -> None:  # E152
    enc = TOKENIZER("Once upon a time", return_tensors="pt")
    out = MODEL.generate(**enc, max_length=10, pad_token_id=END)
    assert out.shape[1] == 10
    with pytest.raises(ValueError, match="max_length"):
        MODEL.generate(**TOKENIZER(CHECKS.LONG, return_tensors="pt"), max_length=10)


def test_generate_samples_among_fifty_unless_told_otherwise() -> None:
    enc = TOKENIZER(["Lily wanted a"] * 600, return_tensors="pt")
    how = {"do_sample": True, "temperature": 2.0, "max_new_tokens": 1, "pad_token_id": END}
    torch.manual_seed(0)
    assert len(set(MODEL.generate(**enc, **how)[:, -1].tolist())) <= 50
    assert len(set(MODEL.generate(**enc, **how, top_k=0)[:, -1].tolist())) > 100


def test_the_old_call_is_gone() -> None:  # E099
    with pytest.raises(openai.OpenAIError, match="no longer supported"):
        openai.Completion.create(engine="text-davinci-002", prompt="Hello")  # type: ignore[attr-defined]


# The exercise


@pytest.mark.slow
def test_secret_seeds_catch_misconceptions_too() -> None:
    suite = Suite(EXERCISE, "autumn class")
    for answer in answers(EXERCISE, "wrong"):
        check = suite.checks[answer.caught_by]
        if not {"rng", "torch_rng"} & set(check.arguments) and "next_tokens" not in check.learner:
            continue
        expected = run_probe(suite, check, ORACLE, seconds=20)
        seen = run_probe(suite, check, {**ORACLE, answer.stands_for: answer.value}, seconds=20)
        assert expected.kind == "value", check.name
        if check.expect is not None:
            assert check.expect(expected.value, expected.value), check.name
            assert not check.expect(seen.value, expected.value), answer.name
        else:
            assert not same(seen, expected, check.close), answer.name


def test_points_add_up_to_twenty() -> None:
    assert EXERCISE.points == 20
