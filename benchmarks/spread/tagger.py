"""What right answers to `train_tagger` reach, and what those reach that do not learn.

    uv run python benchmarks/spread/tagger.py

Runs the probe `learns_what_holds` of `token-labelling` with every right answer and with the
misconception that it must catch, over several seeds; a lookup of the most frequent tag of each
word stands beside them. Writes ``spread/token-labelling.md``. Exit code 1 if the threshold does not
lie well between.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autograder.data.service import swaps
from autograder.exercise import catalog
from autograder.exercise.suite import answers, load

SEEDS = range(6)
MARGIN = 0.08


def lookup(content: Any, seed: int) -> float:
    """Span F1 of the tag that each word had most often; of O for words never seen."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for words, tags in swaps("train", content.SENTENCES, seed):
        for word, tag in zip(words, tags, strict=True):
            seen[word][tag] += 1
    test = swaps("test", 150, seed)
    said = [[seen[w].most_common(1)[0][0] if w in seen else "O" for w in ws] for ws, _ in test]
    return float(content.span_share([tags for _, tags in test], said))


def main() -> None:
    torch.set_num_threads(1)
    exercise = catalog.exercise("token-labelling")
    content: Any = load(exercise, "checks")
    reference: Any = load(exercise, "reference")
    probe = content.learns_what_holds
    rights = {"reference": reference.train_tagger} | {
        a.name: a.value for a in answers(exercise, "right") if a.stands_for == "train_tagger"
    }
    wrongs = {a.name: a.value for a in answers(exercise, "wrong") if a.caught_by == probe.__name__}
    reached: dict[str, list[float]] = {"lookup": [lookup(content, seed) for seed in SEEDS]}
    for name, train in (rights | wrongs).items():
        reached[name] = [
            probe(train, content.tagger(), content.tokenizer(), np.random.default_rng(seed))[
                "span F1"
            ]
            for seed in SEEDS
        ]
    lines = [
        "# Spread of right answers to `token-labelling`\n",
        f"Made by `python benchmarks/spread/tagger.py`: span F1 on items never seen, {len(SEEDS)} "
        f"seeds, 1 thread, torch {torch.__version__}. Passed at {content.LEARNED}.\n",
        "| answer | right | lowest | mean | highest |",
        "|---|---|---|---|---|",
        *(
            f"| `{name}` | {'yes' if name in rights else 'no'} | {min(f1):.3f} |"
            f" {np.mean(f1):.3f} | {max(f1):.3f} |"
            for name, f1 in reached.items()
        ),
    ]
    text = "\n".join(lines) + "\n"
    Path(__file__).with_name("token-labelling.md").write_text(text, encoding="utf-8")
    print(text)
    low = min(min(reached[name]) for name in rights)
    high = max(max(f1) for name, f1 in reached.items() if name not in rights)
    if not high + MARGIN < content.LEARNED < low - MARGIN:
        sys.exit(f"{content.LEARNED} does not lie well between {high:.3f} and {low:.3f}")


if __name__ == "__main__":
    main()
