"""The tiny ResNet: what is shipped is what its card says, and each classic mistake shows."""

import hashlib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

from autograder.models.tiny_resnet.network import (
    FOLDER,
    Digits,
    ResNetConfig,
    TinyResNet,
    load,
    preprocess,
    split,
    targets,
)
from autograder.models.tiny_resnet.train import Recipe, accuracy, mistakes, train

Loaded = tuple[TinyResNet, ResNetConfig]


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load()


@pytest.fixture(scope="module")
def parts(loaded: Loaded) -> tuple[Digits, Digits, Digits]:
    return split(loaded[1].split_seed)


@pytest.fixture(scope="module")
def test_part(loaded: Loaded, parts: tuple[Digits, Digits, Digits]) -> tuple[Tensor, Tensor]:
    config = loaded[1]
    return preprocess(parts[2].images, config), targets(parts[2].digits, config)


def test_is_a_residual_network_with_batch_norm_ready_to_evaluate(loaded: Loaded) -> None:
    model, config = loaded
    kinds = [type(part) for part in model.modules()]
    assert isinstance(model, ResNet)
    assert kinds.count(BasicBlock) == len(config.channels)
    assert kinds.count(nn.BatchNorm2d) >= 9
    assert not any(part.training for part in model.modules())
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert {value.device.type for value in model.state_dict().values()} == {"cpu"}


def test_is_small() -> None:
    assert (FOLDER / "model.safetensors").stat().st_size <= 2_000_000


def test_reads_digits_and_the_card_says_how_well(
    loaded: Loaded, parts: tuple[Digits, Digits, Digits], test_part: tuple[Tensor, Tensor]
) -> None:
    model, config = loaded
    validation = preprocess(parts[1].images, config), targets(parts[1].digits, config)
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert accuracy(model, *validation) >= 0.98
    assert accuracy(model, *test_part) >= 0.98
    assert f"| validation | {accuracy(model, *validation):.1%} |" in card
    assert f"| **test** | **{accuracy(model, *test_part):.1%}** |" in card


def test_the_card_names_these_weights() -> None:
    digest = hashlib.sha256((FOLDER / "model.safetensors").read_bytes()).hexdigest()
    assert digest in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_each_mistake_costs_accuracy_and_the_card_says_how_much(
    loaded: Loaded, parts: tuple[Digits, Digits, Digits], test_part: tuple[Tensor, Tensor]
) -> None:
    model, config = loaded
    before = accuracy(model, *test_part)
    costs = mistakes(model, config, parts[2])
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"| test, but {what} | {value:.1%} |" in card for what, value in costs.items())
    assert costs["pixels scaled to 0 … 1, not normalised"] < 0.5
    assert costs["pixels 0 … 16 as they come"] < 0.5
    assert costs["pixels divided by 255 instead of 16"] < 0.5
    assert costs["digit taken for the index of its class"] < 0.2
    assert costs["training mode, batches of 4"] < before - 0.05
    assert costs["training mode, batches of 32 sorted by class"] < 0.6
    assert accuracy(model, *test_part) == before  # measuring left the network as it was


def test_only_in_training_mode_does_a_verdict_depend_on_its_neighbours(
    test_part: tuple[Tensor, Tensor],
) -> None:
    model, _ = load()  # its own copy: training mode moves the running statistics
    x, _ = test_part
    with torch.no_grad():
        torch.testing.assert_close(model(x[:1]), model(x[:8])[:1], atol=1e-5, rtol=0)
        model.train()
        assert (model(x[:8])[0] - model(torch.cat([x[:1], x[50:57]]))[0]).abs().max() > 0.1


def test_the_numbers_are_these(loaded: Loaded, test_part: tuple[Tensor, Tensor]) -> None:
    # Over 1 and 2 threads and ATEN_CPU_CAPABILITY default, avx2, avx512, the logits of the whole
    # test part differ by at most 1.4e-6; the closest decision has a margin of 0.51.
    expected = [
        [-0.6455, -1.2516, -1.1941, -1.3087, -0.3183, 4.2074, -1.3999, -1.4616, 0.3176, -0.8675],
        [-0.2798, -1.3694, -1.3397, -0.7218, -0.2268, -0.7624, 5.1167, -1.1801, -1.131, -0.5037],
    ]
    with torch.no_grad():
        logits = loaded[0](test_part[0])
    torch.testing.assert_close(logits[:2], torch.tensor(expected), atol=1e-4, rtol=0)
    assert float(logits.topk(2).values.diff().abs().min()) == pytest.approx(0.51428, abs=1e-4)


def test_classes_are_sorted_by_name_so_a_digit_is_not_its_class(loaded: Loaded) -> None:
    names = loaded[1].class_names
    spoken = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert list(names) == sorted(spoken)
    assert [names[i] for i in targets(torch.arange(10), loaded[1])] == spoken


def test_normalisation_comes_from_the_training_part_alone(
    loaded: Loaded, parts: tuple[Digits, Digits, Digits]
) -> None:
    x = preprocess(parts[0].images, loaded[1])
    assert x.shape == (1077, 1, 8, 8)
    assert float(x.mean()) == pytest.approx(0, abs=1e-3)
    assert float(x.std()) == pytest.approx(1, abs=1e-3)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_split_is_stratified_and_shares_no_image(seed: int) -> None:
    parts = split(seed)
    assert [len(part.digits) for part in parts] == [1077, 360, 360]
    every = torch.cat([part.images for part in parts]).flatten(1)
    assert len(torch.unique(every, dim=0)) == len(every) == 1797
    for part in parts:
        share = part.digits.bincount(minlength=10) / len(part.digits)
        assert share.min() > 0.09
        assert share.max() < 0.11
    again = split(seed)
    assert all(torch.equal(a.images, b.images) for a, b in zip(parts, again, strict=True))


def test_training_repeats_itself_and_leaves_the_random_state_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    short = Recipe(epochs=1)
    steps: list[tuple[int, int, float]] = []
    first = train(tmp_path / "a", seed=3, recipe=short, progress=lambda *step: steps.append(step))
    second = train(tmp_path / "b", seed=3, recipe=short)
    other = train(tmp_path / "c", seed=4, recipe=short)
    assert first.sha256 == second.sha256 != other.sha256
    assert [done for done, _, _ in steps] == list(range(1, first.steps + 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert load(tmp_path / "c")[1].split_seed == 4


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.*config\.json"):
        load(tmp_path / "nowhere")
