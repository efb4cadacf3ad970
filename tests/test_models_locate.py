"""Models are found where they lie: shipped, in a folder, or in the caches of the hubs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from autograder.models import VARIABLE, ModelNotFound, kinds, locate
from autograder.models.tiny_resnet.network import load as load_resnet

COMMIT = "0" * 40


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of this test alone, so that what a machine has fetched plays no part."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("torch.hub._hub_dir", None)


def bert() -> BertModel:
    torch.manual_seed(0)
    return BertModel(
        BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
                   intermediate_size=8, max_position_embeddings=8)
    )  # fmt: skip


def in_hub_cache(hub: Path, repository: str) -> Path:
    """An empty snapshot of `repository`, laid out as the hub's client lays it out."""
    root = hub / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    snapshot = root / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    return snapshot


@pytest.mark.parametrize("kind", kinds())
def test_the_default_is_shipped(kind: str) -> None:
    assert (locate(kind) / "config.json").is_file()
    assert (locate(kind) / "model.safetensors").is_file()


def test_a_folder_is_taken_as_it_is_and_loads(tmp_path: Path) -> None:
    saved = bert()
    saved.save_pretrained(tmp_path / "mine")
    folder = locate("bert", str(tmp_path / "mine"))
    loaded = BertModel.from_pretrained(folder)
    assert folder == tmp_path / "mine"
    assert torch.equal(loaded.embeddings.word_embeddings.weight,
                       saved.embeddings.word_embeddings.weight)  # fmt: skip


def test_a_copy_of_the_tiny_resnet_loads(tmp_path: Path) -> None:
    for path in locate("resnet").glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    model, config = load_resnet(locate("resnet", str(tmp_path)))
    assert model.fc.out_features == len(config.class_names)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelNotFound, match="holds no weights"):
        locate("gpt", str(tmp_path))


@pytest.mark.parametrize("repository", ["bert-base-uncased", "google-bert/bert-base-uncased"])
def test_a_name_is_looked_up_in_the_hub_cache(tmp_path: Path, repository: str) -> None:
    saved = bert()
    saved.save_pretrained(in_hub_cache(tmp_path / "hub", repository))
    loaded = BertModel.from_pretrained(locate("bert", "bert-base-uncased"))
    assert loaded.config.hidden_size == 8
    with pytest.raises(ModelNotFound):
        locate("bert", "bert-base-chinese")


def test_gpt2_is_found_under_the_account_that_holds_it(tmp_path: Path) -> None:
    model = GPT2LMHeadModel(GPT2Config(vocab_size=9, n_positions=8, n_embd=8, n_layer=1, n_head=2))
    model.save_pretrained(in_hub_cache(tmp_path / "hub", "openai-community/gpt2"))
    loaded = GPT2LMHeadModel.from_pretrained(locate("gpt", "gpt2"))
    assert loaded.config.n_embd == 8


def test_an_unfinished_download_is_not_a_model(tmp_path: Path) -> None:
    (in_hub_cache(tmp_path / "hub", "gpt2") / "config.json").write_text("{}")
    with pytest.raises(ModelNotFound):
        locate("gpt", "gpt2")


def test_resnet50_is_a_checkpoint_in_torchs_cache(tmp_path: Path) -> None:
    checkpoints = tmp_path / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    older, newer = "resnet50-0676ba61.pth", "resnet50-11ad3fa6.pth"
    state = torchvision.models.resnet50().state_dict()
    torch.save(state, checkpoints / older)
    assert locate("resnet", "resnet50").name == older
    (checkpoints / newer).write_bytes((checkpoints / older).read_bytes())
    found = locate("resnet", "resnet50")
    assert found.name == newer
    model = torchvision.models.resnet50()
    model.load_state_dict(torch.load(found, weights_only=True))
    assert torch.equal(model.conv1.weight, state["conv1.weight"])


def test_the_environment_stands_in_for_tiny_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        bert().save_pretrained(tmp_path / name)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "one"))
    assert locate("bert") == tmp_path / "one"
    assert locate("bert", str(tmp_path / "two")) == tmp_path / "two"
    monkeypatch.setenv(VARIABLE, "tiny")
    assert locate("bert").name == "tiny_bert"


@pytest.mark.parametrize(
    ("kind", "name", "fetch"),
    [
        ("bert", "bert-base-uncased", "hf download bert-base-uncased"),
        ("gpt", "gpt2", "hf download gpt2"),
        ("resnet", "resnet50", "get_model('resnet50', weights='DEFAULT')"),
        ("bert", "no/such/name at all", "hf download"),
        ("resnet", "../elsewhere", "weights='DEFAULT'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(kind: str, name: str, fetch: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        locate(kind, name)
    for text in caught.value.text.values():
        assert name in text
        assert fetch in text
        assert "tiny" in text
        assert "\n" not in text


def test_looking_for_the_default_loads_nothing_heavy() -> None:
    code = "import sys; from autograder.models import locate; locate('bert'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "huggingface_hub", "numpy"} & set(done.stdout.split())
