"""Train the tiny GPT: ``python -m autograder.models.tiny_gpt.train``.

Byte-level BPE, then GPT-2 in miniature, both on the text of ``stories.py``. Writes a folder in
the layout of Hugging Face, with a model card whose numbers are measured on the files written.

References:
1) Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"
2) https://huggingface.co/docs/transformers/model_doc/gpt2
3) the loop is in the manner of https://github.com/karpathy/nanoGPT
"""

import hashlib
import json
import math
import platform
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, cast

import tokenizers
import torch
import transformers
from rich.progress import Progress
from tokenizers import ByteLevelBPETokenizer
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

from autograder.models.tiny_gpt.stories import corpus

__all__ = ["FOLDER", "Recipe", "Report", "perplexity", "sample", "train"]

FOLDER = Path(__file__).parent
END = "<|endoftext|>"
PROMPTS = ("Once upon a time", "Q: What is the opposite of hot?\nA:", "从前，")
TEMPERATURES = (0.0, 0.7, 1.0, 1.5, 2.5)  # 0 stands for greedy


@dataclass(frozen=True)
class Recipe:
    documents: int = 12_000
    vocab_size: int = 1_024  # 256 bytes, 767 merges, the end of the text
    n_positions: int = 192  # also the length of a training window: no position is untrained
    n_embd: int = 96
    n_layer: int = 3
    n_head: int = 4
    dropout: float = 0.0
    batch_size: int = 16
    steps: int = 3_000
    learning_rate: float = 4e-3
    weight_decay: float = 0.1


@dataclass(frozen=True)
class Report:
    folder: Path
    recipe: Recipe
    seed: int
    parameters: int
    train_tokens: int
    heldout_documents: int
    perplexity: float  # per token, on documents that training never saw
    sums_right: int  # of the 100 sums of two digits, answered greedily
    sha256: str  # of model.safetensors
    seconds: float


def train(
    out: Path = FOLDER,
    *,
    seed: int = 0,
    recipe: Recipe | None = None,
    progress: Callable[[int, int, float], object] | None = None,
) -> Report:
    """Train, write the folder, measure what was written.

    The same seed gives the same bytes on one machine with the same number of threads.

    Parameters
    ----------
    out
        Folder to write; files of an earlier run are overwritten.
    seed
        Of the text, the first weights, dropout and the order of the batches.
    recipe
        Sizes and lengths; a small one makes a quick test.
    progress
        Called after each step with (steps done, steps in all, loss in nats per token).
    """
    start = time.perf_counter()
    recipe = recipe or Recipe()
    train_texts, heldout_texts = corpus(recipe.documents, seed=seed)
    tokenizer = train_tokenizer(train_texts, recipe)
    documents = [encode(tokenizer, text) for text in train_texts]
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        torch.manual_seed(seed)
        model = build(tokenizer, recipe)
        fit(model, documents, recipe, progress)
    tokenizer.save_pretrained(out)
    model.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)  # it is written for its owner alone

    saved = GPT2LMHeadModel.from_pretrained(out)
    report = Report(
        folder=out,
        recipe=recipe,
        seed=seed,
        parameters=saved.num_parameters(),
        train_tokens=sum(map(len, documents)),
        heldout_documents=len(heldout_texts),
        perplexity=perplexity(saved, tokenizer, heldout_texts),
        sums_right=sums_right(saved, tokenizer),
        sha256=hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest(),
        seconds=time.perf_counter() - start,
    )
    (out / "README.md").write_text(card(report, saved, tokenizer), encoding="utf-8")
    return report


def train_tokenizer(texts: Sequence[str], recipe: Recipe) -> GPT2Tokenizer:
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(texts, vocab_size=recipe.vocab_size - 1, show_progress=False)
    learned = json.loads(bpe.to_str())["model"]
    return GPT2Tokenizer(
        vocab=learned["vocab"] | {END: recipe.vocab_size - 1},  # last, as in GPT-2
        merges=[tuple(pair) for pair in learned["merges"]],
        model_max_length=recipe.n_positions,
        clean_up_tokenization_spaces=False,  # older versions would move the spaces about
    )


def build(tokenizer: GPT2Tokenizer, recipe: Recipe) -> GPT2LMHeadModel:
    config = GPT2Config(
        vocab_size=recipe.vocab_size,
        n_positions=recipe.n_positions,
        n_embd=recipe.n_embd,
        n_layer=recipe.n_layer,
        n_head=recipe.n_head,
        resid_pdrop=recipe.dropout,
        embd_pdrop=recipe.dropout,
        attn_pdrop=recipe.dropout,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return GPT2LMHeadModel(config)


def encode(tokenizer: GPT2Tokenizer, text: str) -> list[int]:
    """The tokens of a document, and the token that ends it."""
    return [*tokenizer(text, truncation=False, verbose=False).input_ids, tokenizer.eos_token_id]


def fit(
    model: GPT2LMHeadModel,
    documents: Sequence[list[int]],
    recipe: Recipe,
    progress: Callable[[int, int, float], object] | None,
) -> None:
    tokens = torch.tensor([token for document in documents for token in document])
    lengths = torch.tensor([len(document) for document in documents])
    starts = lengths.cumsum(0) - lengths
    starts = starts[starts + recipe.n_positions <= len(tokens)]
    window = torch.arange(recipe.n_positions)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.05
    )
    model.train()
    for step in range(recipe.steps):
        # A window starts where a document starts, so that position 0 means "the beginning"
        first = starts[torch.randint(len(starts), (recipe.batch_size, 1))]
        x = tokens[first + window]  # (B, T)
        logits = model(input_ids=x).logits  # (B, T, V)
        loss = cross_entropy(logits[:, :-1].flatten(0, 1), x[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if progress:
            progress(step + 1, recipe.steps, loss.item())
    model.eval()


@torch.no_grad()
def perplexity(model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, texts: Sequence[str]) -> float:
    """Perplexity per token, the end of the text included, each document on its own.

    The first token of a document has no context and is not predicted.
    """
    total, count = 0.0, 0
    for text in texts:
        x = torch.tensor([encode(tokenizer, text)[: model.config.n_positions]])  # (1, T)
        logits = model(x).logits  # (1, T, V)
        total += cross_entropy(logits[0, :-1], x[0, 1:], reduction="sum").item()
        count += x.shape[1] - 1
    return math.exp(total / count)


def sample(
    model: GPT2LMHeadModel,
    tokenizer: GPT2Tokenizer,
    prompt: str,
    *,
    temperature: float,
    seed: int = 0,
    max_new_tokens: int = 60,
) -> str:
    """Continue ``prompt``; temperature 0 means greedy. Pure sampling: no top-k, no top-p."""
    enc = tokenizer(prompt, return_tensors="pt")
    how = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        y: Tensor = cast(Any, model).generate(
            **enc, **how, max_new_tokens=max_new_tokens, pad_token_id=tokenizer.eos_token_id
        )
    return str(tokenizer.decode(y[0], skip_special_tokens=True))


def sums_right(model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer) -> int:
    """How many of the 100 sums of two digits the greedy answer gets right."""
    right = 0
    for a, b in product(range(10), repeat=2):
        prompt = f"Q: What is {a} plus {b}?\nA:"
        text = sample(model, tokenizer, prompt, temperature=0, max_new_tokens=12)
        right += text.startswith(f"{prompt} {a} plus {b} is {a + b}.")
    return right


CARD = """\
# Tiny GPT

GPT-2 in miniature: {parameters:,} parameters, {n_layer} layers, {n_head} heads, width {n_embd},
{n_positions} positions, float32. It tells little stories and answers little questions, in
English and Chinese. Made for exercises; it knows nothing beyond its grammar.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained("autograder/models/tiny_gpt")
model = AutoModelForCausalLM.from_pretrained("autograder/models/tiny_gpt")
enc = tokenizer("Once upon a time", return_tensors="pt")
y = model.generate(**enc, do_sample=True, max_new_tokens=60, pad_token_id=tokenizer.eos_token_id)
print(tokenizer.decode(y[0], skip_special_tokens=True))
```

As with GPT-2, `<|endoftext|>` is the last token of the vocabulary and ends every document, and
there is no padding token: for a batch, set `tokenizer.pad_token = tokenizer.eos_token` and
`tokenizer.padding_side = "left"`, and pass the attention mask.

Byte-level BPE with {vocab_size:,} tokens: {split} of the {characters} Chinese characters in the
training text take two tokens or three, so a token is not always a character: text that stops
half-way through one decodes to "�".

## Data

{documents:,} documents ({train_tokens:,} tokens) written by the seeded grammar in `stories.py`, two
in three English. Licence: that of this repository. Held out: {heldout_documents} documents of
another seed, without those that also occur in the training text.

## Training

{steps:,} steps of {batch_size} windows of {n_positions} tokens, each beginning with a document.
AdamW at {learning_rate} over one cycle, weight decay {weight_decay}, dropout {dropout}.
Seed {seed}; Python {python}, torch {torch}, transformers {transformers}, tokenizers {tokenizers};
{minutes:.0f} minutes. `python -m autograder.models.tiny_gpt.train` makes this folder again;
the bits depend on machine, threads and versions.

## Measured on the files in this folder

Held-out perplexity per token: **{perplexity:.3f}** (the end of the text included). So low because
a grammar leaves few choices: most tokens are certain, and the rest are draws from short lists.

Fluent is not right: of the 100 sums of two digits, its greedy answer gets {sums_right} right.

sha256 of `model.safetensors`: `{sha256}`

## Samples

Seed 0, no top-k, no top-p; temperature 0 stands for greedy.

{samples}
"""


def card(report: Report, model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer) -> str:
    def shown(temperature: float) -> str:
        told = (sample(model, tokenizer, prompt, temperature=temperature) for prompt in PROMPTS)
        text = re.sub(r"[^\n -\uffff]", "�", "\n---\n".join(told))  # no control characters
        return f"**{temperature}**\n\n```text\n{text}\n```"

    texts, _ = corpus(report.recipe.documents, seed=report.seed)
    characters = {c for text in texts for c in text if "一" <= c <= "鿿"}
    return CARD.format(
        **asdict(report) | asdict(report.recipe),
        split=sum(len(tokenizer.tokenize(c)) > 1 for c in characters),
        characters=len(characters),
        minutes=report.seconds / 60,
        samples="\n\n".join(map(shown, TEMPERATURES)),
        python=platform.python_version(),
        torch=torch.__version__,
        transformers=transformers.__version__,
        tokenizers=tokenizers.__version__,
    )


def main() -> None:
    with Progress() as bar:
        task = bar.add_task("tiny GPT")
        report = train(
            progress=lambda step, total, loss: bar.update(
                task, completed=step, total=total, description=f"tiny GPT, loss {loss:.3f}"
            )
        )
        bar.console.print(f"{report.folder}: held-out perplexity {report.perplexity:.3f}")


if __name__ == "__main__":
    main()
