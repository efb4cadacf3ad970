"""`--model`: a solution passes on models of other sizes, saved as users have them.

Their weights are random. What a probe demands of the tiny model's knowledge it may not demand of
a model that it does not know.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from attempts import notebook
from attempts import save as save_notebook
from test_cli import touchstone
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForPreTraining,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
)

from autograder.exercise import catalog
from autograder.models import locate

pytestmark = pytest.mark.slow


def save(model: PreTrainedModel, kind: str, folder: Path) -> Path:
    """Save `model` with the tokenizer of the tiny one, in the hub's layout."""
    model.save_pretrained(folder)
    for path in locate(kind).glob("tokenizer*"):
        shutil.copy(path, folder)
    return folder


def bert(folder: Path) -> Path:
    """A BERT that counts as a large one, most of it in its embeddings."""
    torch.manual_seed(0)
    config = BertConfig(vocab_size=21_000, hidden_size=96, num_hidden_layers=2,
                        num_attention_heads=4, intermediate_size=192)  # fmt: skip
    model = BertForPreTraining(config)
    assert 2_000_000 < model.num_parameters() < 2_500_000
    return save(model, "bert", folder)


def gpt(folder: Path) -> Path:
    torch.manual_seed(0)
    end = AutoTokenizer.from_pretrained(locate("gpt")).eos_token_id
    config = GPT2Config(vocab_size=end + 1, n_embd=96, n_layer=2, n_head=4, n_positions=512,
                        bos_token_id=end, eos_token_id=end)  # fmt: skip
    return save(GPT2LMHeadModel(config), "gpt", folder)


def resnet(folder: Path) -> Path:
    torch.manual_seed(0)
    folder.mkdir()
    torch.save(torchvision.models.resnet18().state_dict(), folder / "resnet18-f37072fd.pth")
    return folder


@pytest.mark.parametrize(("slug", "make"), [("bert-classifier", bert), ("resnet-eval", resnet)])
def test_a_solution_passes_on_a_model_in_a_folder(
    tmp_path: Path, slug: str, make: Callable[[Path], Path]
) -> None:
    solution = catalog.exercise(slug).notebook("en", solved=True)
    made = str(make(tmp_path / "model"))
    graded = touchstone("grade", str(solution), "--model", made, XDG_DATA_HOME=str(tmp_path))
    assert graded.returncode == 0, graded.stdout
    assert "20 / 20" in graded.stdout


GREEDY = """
import torch

@torch.no_grad()
def greedy(model, ids, max_new_tokens, end):
    start = ids.shape[1]
    while ids.shape[1] < start + max_new_tokens and end not in ids[0, start:]:
        ids = torch.cat([ids, model(ids).logits[:, -1:].argmax(-1)], 1)
    return ids[0, start:].tolist()
"""


def test_a_name_is_graded_from_the_hub_cache(tmp_path: Path) -> None:
    """Two notebooks, so behind the walls where there are any; the second has one answer."""
    commit, cache = "0" * 40, tmp_path / "hf" / "hub" / "models--openai-community--gpt2"
    gpt(cache / "snapshots" / commit)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(commit)
    solution = catalog.exercise("gpt-generation").notebook("en", solved=True)
    one = notebook(GREEDY, setup='EXERCISE, LANGUAGE = "gpt-generation", "zh"')
    paths = [str(solution), str(save_notebook(tmp_path, one))]
    environment = {"XDG_DATA_HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf")}
    graded = touchstone("grade", *paths, "--model", "gpt2", **environment)
    assert graded.returncode == 1, graded.stderr
    assert "20 / 20" in graded.stdout
    assert "2 / 20" in graded.stdout


def test_what_is_not_there_stops_the_grade_in_one_line(tmp_path: Path) -> None:
    solution = catalog.exercise("bert-classifier").notebook("en", solved=True)
    environment = {"XDG_DATA_HOME": str(tmp_path), "HF_HOME": str(tmp_path), "COLUMNS": "300"}
    graded = touchstone("grade", str(solution), "--model", "bert-base-chinese", **environment)
    assert graded.returncode == 2
    assert len(graded.stderr.strip().splitlines()) == 1
    assert "hf download bert-base-chinese" in graded.stderr
    assert "the default, tiny, needs nothing" in graded.stderr
