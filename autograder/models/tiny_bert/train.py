"""Pretrain tiny BERT from nothing: ``python -m autograder.models.tiny_bert.train``.

Three self-supervised losses are added, none of which sees a label:

masked language model
    15 % of the tokens, 80/10/10, as in BERT (Devlin et al. 2019, arXiv:1810.04805).
next sentence
    does the second passage follow the first? Half of the pairs do, as in BERT.
sentence contrast
    among all second passages in the batch, which one follows this first passage? The pooled
    vectors answer by cosine (Logeswaran and Lee 2018, arXiv:1803.02893). This is what makes the
    pooled vector of a single sentence carry its meaning, which BERT gets from size alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import ascii_lowercase

import tokenizers
import torch
import transformers
from tokenizers import models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from autograder.data import sentiment
from autograder.models.tiny_bert import corpus

FOLDER = Path(__file__).parent
PAD, UNK, CLS, SEP, MASK = range(5)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out, apart from the seed."""

    vocab_size: int = 4000
    hidden_size: int = 128
    layers: int = 3
    heads: int = 4
    intermediate_size: int = 256
    dropout: float = 0.1
    max_length: int = 128
    vocabulary_documents: int = 40_000
    bag_steps: int = 520
    bag_batch: int = 256
    steps: int = 2500
    warmup: int = 100
    batch: int = 64
    pair_every: int = 4
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    temperature: float = 0.1
    clip_tokens: int = 44


@dataclass(frozen=True)
class Report:
    """What a training run did.

    Attributes
    ----------
    seed, recipe
        What it was asked to do.
    parameters
        Number of weights.
    losses
        Means over the last tenth of the run, in nats: ``mlm``, ``nsp``, ``contrast``.
    seconds
        Wall clock.
    sha256
        Of ``model.safetensors``.
    versions
        Of torch, transformers and tokenizers.
    """

    seed: int
    recipe: Recipe
    parameters: int
    losses: dict[str, float]
    seconds: float
    sha256: str
    versions: dict[str, str] = field(default_factory=dict)


def _train_texts() -> list[str]:
    """Return the sentences of the train splits; the others are never read."""
    return [e.text for lang in sentiment.LANGUAGES for e in sentiment.load(lang, "train")]


def build_tokenizer(seed: int, recipe: Recipe) -> transformers.BertTokenizer:
    """Learn a WordPiece vocabulary in which every Chinese character is a token."""
    documents = corpus.documents(seed, recipe.vocabulary_documents)
    wordpiece = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    wordpiece.normalizer = normalizers.BertNormalizer(lowercase=True)
    wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # The trainer numbers the "##" characters as it meets them, in the order of a hash table that
    # differs from run to run, and breaks ties by number: fixed numbers make it repeatable.
    fixed = [*SPECIAL, *(f"##{letter}" for letter in ascii_lowercase)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=recipe.vocab_size, special_tokens=fixed, show_progress=False
    )
    texts = [f"{d.first} {d.second}" for d in documents] + _train_texts()
    wordpiece.train_from_iterator(texts, trainer)
    return transformers.BertTokenizer(
        vocab=wordpiece.get_vocab(), do_lower_case=True, model_max_length=recipe.max_length
    )


def build_model(vocab_size: int, recipe: Recipe) -> transformers.BertForPreTraining:
    """Return an untrained model."""
    config = transformers.BertConfig(
        vocab_size=vocab_size,
        hidden_size=recipe.hidden_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.intermediate_size,
        max_position_embeddings=recipe.max_length,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=recipe.dropout,
        initializer_range=recipe.hidden_size**-0.5,  # BERT's 0.02 starves so narrow a model
    )
    return transformers.BertForPreTraining(config)


def contrast_loss(firsts: Tensor, seconds: Tensor, temperature: float) -> Tensor:
    """Ask each passage which of the others belongs to it, by cosine, in both directions.

    Parameters
    ----------
    firsts, seconds
        (N, H); row i of one belongs to row i of the other.
    temperature
        What the cosines are divided by.
    """
    scores = normalize(firsts, dim=-1) @ normalize(seconds, dim=-1).T / temperature  # (N, N)
    target = torch.arange(len(scores))
    return (cross_entropy(scores, target) + cross_entropy(scores.T, target)) / 2


def corrupt(ids: Tensor, vocab_size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Choose 15 % of the tokens: 80 % become ``[MASK]``, 10 % any token, 10 % stay.

    Returns
    -------
    tuple
        The corrupted ids and the mask of the chosen positions, both (B, T).
    """
    chosen = (torch.rand(ids.shape, generator=generator) < 0.15) & (ids > MASK)
    dice = torch.rand(ids.shape, generator=generator)
    other = torch.randint(len(SPECIAL), vocab_size, ids.shape, generator=generator)
    corrupted = torch.where(chosen & (dice < 0.8), MASK, ids)
    return torch.where(chosen & (dice >= 0.9), other, corrupted), chosen


def _pad(rows: list[list[int]]) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


def _thirds(order: list[int]) -> Iterator[list[int]]:
    size = -(-len(order) // 3)
    return (order[start : start + size] for start in range(0, len(order), size))


class _Trainer:
    """The state of one run: the model, the text and the dice."""

    def __init__(self, seed: int, recipe: Recipe) -> None:
        torch.manual_seed(seed)
        self.recipe = recipe
        self.tokenizer = build_tokenizer(seed, recipe)
        self.vocab_size = len(self.tokenizer)
        self.model = build_model(self.vocab_size, recipe).train()
        self.rng = random.Random(seed + 1)
        self.generator = torch.Generator().manual_seed(seed + 2)
        self.texts = _train_texts()
        self._start_embeddings()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: min(1.0, (step + 1) / recipe.warmup) * (1 - step / recipe.steps),
        )

    def _start_embeddings(self) -> None:
        """Learn the word embeddings alone first, as a bag of words under sentence contrast.

        A batch keeps to one topic and language, so only what the writer thinks tells the passages
        apart. It takes seconds and spares the whole model some thousand steps.
        """
        recipe, kinds = self.recipe, [(lg, t) for lg in corpus.LANGUAGES for t in corpus.topics(lg)]
        bag = torch.nn.EmbeddingBag(self.vocab_size, recipe.hidden_size, mode="mean")
        torch.nn.init.normal_(bag.weight, std=0.1)
        optimizer = torch.optim.Adam(bag.parameters(), lr=1e-2)
        for step in range(recipe.bag_steps):
            written = [
                corpus.document(self.rng, *kinds[step % len(kinds)])
                for _ in range(recipe.bag_batch)
            ]
            sides = [
                self._bag(bag, [getattr(d, side) for d in written]) for side in ("first", "second")
            ]
            optimizer.zero_grad()
            loss = contrast_loss(sides[0], sides[1], recipe.temperature)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        embeddings = self.model.bert.embeddings
        with torch.no_grad():
            vectors = bag.weight / bag.weight.norm(dim=-1).mean()
            embeddings.word_embeddings.weight[len(SPECIAL) :] = vectors[len(SPECIAL) :]
            for other in (embeddings.position_embeddings, embeddings.token_type_embeddings):
                other.weight.mul_(0.25)

    def _bag(self, bag: torch.nn.EmbeddingBag, texts: list[str]) -> Tensor:
        rows = self.encode(texts)
        offsets = torch.tensor([0, *map(len, rows[:-1])]).cumsum(0)
        vectors: Tensor = bag(torch.tensor([token for row in rows for token in row]), offsets)
        return vectors

    def batch(self) -> list[corpus.Document]:
        """Write documents in both languages, half of them on one topic: hard to tell apart."""
        topic = self.rng.choice(corpus.topics("en"))
        return [
            corpus.document(self.rng, corpus.LANGUAGES[i % 2], topic if i % 4 < 2 else None)
            for i in range(self.recipe.batch)
        ]

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Return token ids without specials."""
        encoded = self.tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
        return [row.ids[: self.recipe.clip_tokens] for row in encoded]

    def masked_loss(self, hidden: Tensor, ids: Tensor, chosen: Tensor) -> Tensor:
        """Return the loss at the chosen positions only; the head never sees the others."""
        scores = self.model.cls.predictions(hidden[chosen])  # (chosen, V)
        return cross_entropy(scores, ids[chosen], reduction="sum")

    def singles(self, documents: list[corpus.Document]) -> tuple[Tensor, Tensor]:
        """Masked language model and sentence contrast on passages one by one."""
        rows = self.encode([d.first for d in documents] + [d.second for d in documents])
        rows += self.encode(self.rng.sample(self.texts, 8))
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        pooled: list[Tensor] = [torch.empty(0)] * len(rows)
        loss, count = torch.zeros(()), 0
        for part in _thirds(order):  # alike in length, so that little is padding
            ids = _pad([[CLS, *rows[i], SEP] for i in part])
            corrupted, chosen = corrupt(ids, self.vocab_size, self.generator)
            out = self.model.bert(corrupted, attention_mask=(ids != PAD).long())
            loss, count = loss + self.masked_loss(out[0], ids, chosen), count + int(chosen.sum())
            for i, vector in zip(part, out[1], strict=True):
                pooled[i] = vector
        n = len(documents)
        firsts, seconds = torch.stack(pooled[:n]), torch.stack(pooled[n : 2 * n])
        contrast = contrast_loss(firsts, seconds, self.recipe.temperature)
        return loss / max(count, 1), contrast

    def pairs(self, documents: list[corpus.Document]) -> tuple[Tensor, Tensor]:
        """Masked language model and next sentence on pairs."""
        documents = documents[: len(documents) // 2]
        follows = [self.rng.random() < 0.5 for _ in documents]
        firsts = self.encode([d.first for d in documents])
        seconds = self.encode([d.second for d in documents])
        rows, kinds = [], []
        for i, yes in enumerate(follows):
            j = i if yes else (i + self.rng.randrange(1, len(documents))) % len(documents)
            rows.append([CLS, *firsts[i], SEP, *seconds[j], SEP])
            kinds.append([0] * (len(firsts[i]) + 2) + [1] * (len(seconds[j]) + 1))
        ids = _pad(rows)
        corrupted, chosen = corrupt(ids, self.vocab_size, self.generator)
        out = self.model.bert(
            corrupted, attention_mask=(ids != PAD).long(), token_type_ids=_pad(kinds)
        )
        verdict = self.model.cls.seq_relationship(out[1])  # (B, 2); class 0 is "follows"
        nsp = cross_entropy(verdict, torch.tensor([0 if yes else 1 for yes in follows]))
        return self.masked_loss(out[0], ids, chosen) / max(int(chosen.sum()), 1), nsp

    def step(self, number: int) -> dict[str, float]:
        """Take one step and return the losses, in nats."""
        documents = self.batch()
        mlm, contrast = self.singles(documents)
        losses = {"mlm": mlm, "contrast": contrast}
        if number % self.recipe.pair_every == 0:
            pair_mlm, losses["nsp"] = self.pairs(documents)
            losses["mlm"] = (mlm + pair_mlm) / 2
        self.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        return {name: loss.item() for name, loss in losses.items()}


def _save(run: _Trainer, out: Path) -> str:
    """Write the folder, the weights in half precision, and return their sha256."""
    out.mkdir(parents=True, exist_ok=True)
    run.model.half().save_pretrained(out)
    run.tokenizer.save_pretrained(out)
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    config["dtype"] = "float32"  # so that from_pretrained gives float32 unless asked otherwise
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()


def train(
    out: Path,
    *,
    seed: int = 0,
    progress: Callable[[int, int, dict[str, float]], None] | None = None,
    recipe: Recipe | None = None,
) -> Report:
    """Pretrain tiny BERT and write it as a Hugging Face folder.

    Parameters
    ----------
    out
        The folder to write; it is made if missing. A ``report.json`` goes there too.
    seed
        The same seed on the same machine gives the same weights.
    progress
        Called after each step with the step's number from 1, the number of steps and the losses.
    recipe
        Sizes and lengths; by default those of the model that ships.
    """
    recipe, start = recipe or Recipe(), time.perf_counter()
    run, totals = _Trainer(seed, recipe), dict[str, list[float]]()
    for number in range(recipe.steps):
        losses = run.step(number)
        if number >= recipe.steps * 0.9:
            for name, value in losses.items():
                totals.setdefault(name, []).append(value)
        if progress:
            progress(number + 1, recipe.steps, losses)
    report = Report(
        seed=seed,
        recipe=recipe,
        parameters=run.model.num_parameters(),
        losses={name: sum(values) / len(values) for name, values in totals.items()},
        sha256=_save(run, out),
        seconds=time.perf_counter() - start,
        versions={m.__name__: m.__version__ for m in (torch, transformers, tokenizers)},
    )
    (out / "report.json").write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    return report


def main() -> None:
    """Run from the command line, with a progress bar."""
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    parser = argparse.ArgumentParser(description="Pretrain tiny BERT.")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the bits depend on how many
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[losses]}")) as bar:
        task = bar.add_task("pretraining", total=arguments.steps, losses="")

        def show(step: int, _: int, losses: dict[str, float]) -> None:
            text = "  ".join(f"{name} {value:.2f}" for name, value in losses.items())
            bar.update(task, completed=step, losses=text)

        recipe = Recipe(steps=arguments.steps)
        report = train(arguments.out, seed=arguments.seed, progress=show, recipe=recipe)
        bar.console.print(f"{report.parameters:,} weights, {report.seconds:.0f} s: {arguments.out}")


if __name__ == "__main__":
    main()
