"""Probes for `compression`: made weights with known codes, and trained networks made smaller.

Thresholds of what is trained come from ``benchmarks/spread/compression.md``.
"""

import numpy as np

from autograder.checks import Tolerance, at_least, at_most, check, fixture, outcome_of, that
from autograder.probes import arguments_kept

CLOSE = Tolerance(absolute=1e-5, relative=1e-4)  # sums of products in float32
SCALES = Tolerance(relative=1e-5)
TRAINED = Tolerance(absolute=2e-4, relative=1e-3)  # weights after some steps of AdamW

RETRAINED = 0.96  # accuracy of the ResNet at 90 %, trained again for STEPS steps
STEPS = 60
ADAPTED = 500.0  # perplexity on reviews after a single pass with LoRA: 6,884 before
DISTILLED = 0.90  # accuracy of a student with 30 labels and the teacher
PUPILS_STEPS = 150
PICTURES = 96


@fixture
def network():
    """The tiny ResNet, in evaluation mode."""
    from autograder.models.tiny_resnet import network as resnet

    return resnet.load()[0]


@fixture
def digits():
    """Training and test pictures as the network wants them, with their classes."""
    from autograder.models.tiny_resnet import network as resnet

    _, config = resnet.load()
    train, _, test = resnet.split()
    return {
        name: (resnet.preprocess(part.images, config), resnet.targets(part.digits, config))
        for name, part in (("train", train), ("test", test))
    }


@fixture
def story_teller():
    """The tiny GPT, with `nn.Linear` in its blocks, and token ids of the reviews to read."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, logging

    from autograder.data import sentiment
    from autograder.models.tiny_resnet import network as resnet

    logging.disable_progress_bar()
    folder = resnet.FOLDER.parent / "tiny_gpt"
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
    )
    for name, old in [item for item in model.named_modules() if hasattr(item[1], "nf")]:
        layer = torch.nn.Linear(*old.weight.shape)
        layer.load_state_dict({"weight": old.weight.T, "bias": old.bias})
        model.set_submodule(name, layer)
    ids = {}
    for part in ("train", "test"):
        texts = [tokenizer(example.text).input_ids for example in sentiment.load("en", part)]
        width = max(map(len, texts)) + 1
        rows = [[*row, tokenizer.eos_token_id, *[-100] * (width - len(row) - 1)] for row in texts]
        ids[part] = torch.tensor(rows)
    return model.eval().requires_grad_(False), ids


def _torch(array):
    import torch

    return torch.from_numpy(np.asarray(array, dtype=np.float32))


def _array(values):
    return np.asarray(values.detach() if hasattr(values, "detach") else values)


def _codes(answer):
    return {"type": str(_array(answer).dtype), "codes": _array(answer)}


def _pairs(answers):
    """What came out of several calls of `qparams`, the scales apart from the zero points."""
    return {"scales": [float(scale) for scale, _ in answers],
            "zero points": [float(zero_point) for _, zero_point in answers]}  # fmt: skip


def _between(rng, low, high, size=(4, 5, 6)):
    """Values from low to high, both of which occur."""
    x = rng.uniform(low, high, size)
    x.flat[rng.permutation(x.size)[:2]] = low, high
    return _torch(x)


def _safe_range(rng, bits, span=(0.5, 3.0)):
    """A range around 0 whose zero point is not near the middle between two whole numbers."""
    while True:
        low, high = -rng.uniform(*span), rng.uniform(*span)
        if 0.1 < abs(-low / (high - low) * (2**bits - 1) % 1 - 0.5) < 0.4:
            return low, high


# --- qparams ------------------------------------------------------------------------------


@check("The ends of the range go to the lowest and the highest code, of 8 bits or fewer.",
       zh="范围的两端对应最小和最大的编码，8 比特或更少都一样。", close=SCALES)  # fmt: skip
def ends_go_to_the_ends(qparams, rng):
    found = [qparams(_between(rng, *_safe_range(rng, 8))) for _ in range(4)]
    for bits in (6, 4, 3, 2):
        found.append(qparams(_between(rng, *_safe_range(rng, bits)), bits))
    return _pairs(found)


@check("A range on one side of 0 is widened until it holds 0.",
       zh="范围都在 0 的一侧时，扩到包含 0。", close=SCALES)  # fmt: skip
def range_holds_zero(qparams, rng):
    low, high = rng.uniform(1, 2), rng.uniform(3, 9)
    tensors = _between(rng, low, high), _between(rng, -high, -low)
    answers = [arguments_kept(qparams, x) for x in tensors]
    found = _pairs([answer["returned"] for answer in answers])
    return {**found, "changed": [place for answer in answers for place in answer["changed"]]}


@check("Where all values are equal, their range is widened as well; of zeros alone the scale is 1.",
       zh="数值全都相同时，范围同样要扩到包含 0；全部为 0 时缩放系数为 1。",
       close=SCALES)  # fmt: skip
def equal_values(qparams, rng):
    equal = _torch(np.full(5, rng.uniform(3, 9)))
    return _pairs([qparams(x) for x in (equal, -equal, _torch(np.zeros((3, 2))))])


@check("Symmetric: the greatest magnitude goes to the highest code, the zero point is 0.",
       zh="对称方式：绝对值最大者对应最大的编码，零点为 0。", close=SCALES)  # fmt: skip
def symmetric_by_magnitude(qparams, rng):
    found = []
    for bits in (8, 4, 2):
        near, far = rng.uniform(0.2, 1), rng.uniform(2, 5)
        for ends in ((-far, near), (-near, far)):
            found.append(qparams(_between(rng, *ends), bits=bits, symmetric=True))
    return _pairs([*found, qparams(_torch(np.zeros(4)), symmetric=True)])


# --- quantize -----------------------------------------------------------------------------


def _off_grid(rng, codes, scale, zero_point):
    """Values whose codes are `codes`, nowhere near the middle between two of them."""
    return _torch(scale * (codes - zero_point + rng.uniform(-0.4, 0.4, codes.shape)))


@check("A code is the nearest whole number of steps, as int8.",
       zh="编码是最近的整数步数，类型 int8。", close=0)  # fmt: skip
def nearest_step(quantize, rng):
    found = []
    for shape in ((3, 4, 5), (30,)):
        scale = float(rng.uniform(0.01, 3))
        x = _off_grid(rng, rng.integers(-128, 128, shape), scale, 0)
        answer = arguments_kept(quantize, x, scale, 0)
        found.append({**_codes(answer["returned"]), "changed": answer["changed"]})
    return found


@check("The zero point is added to it.",
       zh="步数再加上零点。", close=0)  # fmt: skip
def plus_zero_point(quantize, rng):
    found = []
    for zero_point in (int(rng.integers(-90, -10)), int(rng.integers(10, 90))):
        scale = float(rng.uniform(0.01, 3))
        x = _off_grid(rng, rng.integers(-128, 128, (3, 4, 5)), scale, zero_point)
        found.append(_codes(quantize(x, scale, zero_point)))
    return found


@check("A half goes to the even neighbour.",
       zh="正好一半时取偶数。", close=0)  # fmt: skip
def halves_go_to_even(quantize, rng):
    found = []
    for zero_point in (0, 2 * int(rng.integers(1, 9))):
        halves = _torch(rng.permutation(np.arange(-20, 20) + 0.5))
        found.append(_array(quantize(halves * 0.25, 0.25, zero_point)))
    return found


@check("What lies beyond the range gets the code at its end, and fewer bits have fewer codes.",
       zh="超出范围的值取端点的编码；比特数更少时编码也更少。", close=0)  # fmt: skip
def beyond_the_range_saturates(quantize, rng):
    found = []
    for bits, zero_point in ((8, 0), (8, -7), (2, 0), (3, -1), (4, 3), (6, 0)):
        near = rng.integers(-40, 40, 30) + rng.uniform(-0.4, 0.4, 30)
        far = rng.choice([-1, 1], 30) * rng.integers(140, 30000, 30)
        x = _torch(0.5 * np.concatenate([near, far]))
        found.append(_codes(quantize(x, 0.5, zero_point, bits=bits)))
    return found


# --- quantize_per_channel -----------------------------------------------------------------


def _channels(rng, shape, axis, bits=8):
    """A weight with known codes: every channel is as wide as it can be, in steps of its own."""
    top = 2 ** (bits - 1) - 1
    channels = shape[axis]
    rest = int(np.prod(shape)) // channels
    codes = rng.integers(-top + 1, top, (channels, rest)) + rng.uniform(-0.4, 0.4, (channels, rest))
    signs = np.where(np.arange(channels) % 2, 1, -1)
    codes[np.arange(channels), rng.integers(0, rest, channels)] = signs * top
    scales = np.exp(rng.uniform(-5, 2, channels))
    others = [size for i, size in enumerate(shape) if i != axis]
    return _torch(np.moveaxis((scales[:, None] * codes).reshape(channels, *others), 0, axis))


def _codes_and_scales(answer):
    codes, scales = answer
    return {**_codes(codes), "scales": _array(scales).reshape(-1)}


@check(
    "Each channel has its own scale: its greatest magnitude over the highest code of these bits.",
    zh="每个通道有自己的缩放系数：该通道的最大绝对值除以这个比特数下最大的编码。",
    close=SCALES,
    rests_on=("quantize",),
)
def each_channel_has_its_scale(quantize_per_channel, rng):
    cases = ((6, 7), 8), ((5, 3, 2, 2), 8), ((4, 4), 4), ((3, 8), 3)
    return [
        _codes_and_scales(quantize_per_channel(_channels(rng, shape, 0, bits), bits=bits))
        for shape, bits in cases
    ]


@check("The channel is the axis that is named, also where the weight is square.",
       zh="通道就是指定的那一维，权重是方阵时也一样。", close=SCALES,
       rests_on=("quantize",))  # fmt: skip
def the_axis_is_the_channel(quantize_per_channel, rng):
    cases = ((6, 4), 1), ((5, 5), 1), ((3, 4, 5), 2), ((5, 5), 0), ((3, 4, 5), 1)
    return [
        _codes_and_scales(quantize_per_channel(_channels(rng, shape, axis), axis=axis))
        for shape, axis in cases
    ]


@check("A channel of zeros has scale 1 and codes 0; the weight itself does not change.",
       zh="全零的通道缩放系数为 1，编码为 0；权重本身不变。", close=SCALES,
       rests_on=("quantize",))  # fmt: skip
def a_channel_of_zeros(quantize_per_channel, rng):
    weight = _channels(rng, (4, 6), 0)
    weight[int(rng.integers(4))] = 0
    answer = arguments_kept(quantize_per_channel, weight)
    return {**_codes_and_scales(answer["returned"]), "changed": answer["changed"]}


# --- int8_state ---------------------------------------------------------------------------


def _state(rng):
    import torch

    return {
        "stem.weight": _channels(rng, (4, 3, 2, 2), 0),
        "norm.weight": _torch(rng.normal(size=4)),
        "norm.steps": torch.tensor(int(rng.integers(1, 99))),
        "places": torch.from_numpy(rng.integers(0, 9, (2, 3))),
        "head.weight": _channels(rng, (3, 5), 0).double(),
        "table": _channels(rng, (5, 4), 0),
        "head.bias": _torch(rng.normal(size=3)),
    }


@check("Matrices and kernels become int8 codes with float32 scales; all else stays as it is.",
       zh="矩阵和卷积核变成 int8 编码和 float32 缩放系数；其余原样保留。", close=SCALES,
       rests_on=("quantize_per_channel",))  # fmt: skip
def codes_with_scales_beside(int8_state, rng):
    return {name: _codes(tensor) for name, tensor in int8_state(_state(rng)).items()}


def _stored(answer):
    """The bytes of a safetensors file of it."""
    import torch
    from safetensors.torch import save

    return save({name: torch.as_tensor(value).contiguous() for name, value in answer.items()})


@check(
    "The file of the ResNet is less than a third of what it was, and the network reads from it as "
    "before.",
    zh="ResNet 的文件不到原来的三分之一，网络读回来照样认得数字。",
    close=Tolerance(absolute=0.02, relative=0.01),
    rests_on=("quantize_per_channel",),
)
def small_file_that_reads(int8_state, network, digits, rng):
    import torch
    from safetensors.torch import load, save

    state = network.state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    answer = int8_state(state).items()
    file = save({name: torch.as_tensor(value).contiguous() for name, value in answer})
    changed = [name for name, tensor in state.items() if not tensor.equal(before[name])]
    stored = load(file)
    for name in [name for name in stored if name.endswith(".scale")]:
        weight = name.removesuffix(".scale")
        shape = (-1, *[1] * (stored[weight].dim() - 1))
        stored[weight] = stored.pop(weight).float() * stored.pop(name).reshape(shape)
    network.load_state_dict(stored)
    rows = torch.from_numpy(rng.permutation(360)[:24])
    with torch.no_grad():
        logits = network(digits["test"][0][rows])
    return {"kB": len(file) / 1000, "changed": changed, "logits": logits}


# --- magnitude_masks ----------------------------------------------------------------------


def _some_weights(rng):
    """Three tensors, each of another size of numbers; no two magnitudes are equal."""
    shapes = {"b.weight": (4, 5), "a.weight": (3, 2, 2, 2), "c.weight": (7, 3)}
    found = {}
    for (name, shape), spread in zip(shapes.items(), (0.3, 1.0, 2.0), strict=True):
        found[name] = _torch(spread * rng.normal(size=shape))
    return found


@check(
    "The smallest magnitudes of all tensors together go, whatever their sign; masks are boolean.",
    zh="去掉的是全部张量合在一起绝对值最小的，不论正负；掩码是布尔类型。",
    close=0,
)
def smallest_of_all_go(magnitude_masks, rng):
    found = []
    for sparsity in (0.2, 0.6, 0.8):
        answer = arguments_kept(magnitude_masks, _some_weights(rng), sparsity)
        masks = {name: _codes(mask) for name, mask in answer["returned"].items()}
        found.append({"masks": masks, "changed": answer["changed"]})
    return found


@check("Exactly round(sparsity · N) go, none at 0 and all at 1, also where magnitudes are equal.",
       zh="正好去掉 round(sparsity · N) 个，0 时一个不去，1 时全部去掉，绝对值相等时也一样。",
       close=0)  # fmt: skip
def exactly_as_many(magnitude_masks, rng):
    found = []
    for share in (0.0, 1.0, 0.25, (int(rng.integers(20, 40)) + 0.7) / 65):
        equals = {"a": rng.choice([-2, -1, 0, 0, 0, 1], (6, 4)), "b": rng.choice([0, 0, 1], 41)}
        for numbers in (equals, {name: rng.normal(size=v.shape) for name, v in equals.items()}):
            answer = magnitude_masks({name: _torch(v) for name, v in numbers.items()}, share)
            kept = np.concatenate([_array(answer[name]).astype(bool).ravel() for name in numbers])
            sizes = np.abs(np.concatenate([v.ravel() for v in numbers.values()]))
            found.append({"gone": int((~kept).sum()), "sizes kept": np.sort(sizes[kept])})
    return found


@check("The ResNet still reads with half of its weights gone.",
       zh="去掉一半权重，ResNet 照样认得数字。", close=1e-6)  # fmt: skip
def half_of_the_network_will_do(magnitude_masks, network, digits, rng):
    import torch

    weights = {name: value for name, value in network.named_parameters() if value.dim() > 1}
    masks = magnitude_masks(weights, 0.5)
    x, y = digits["test"]
    rows = torch.from_numpy(rng.permutation(len(y))[:PICTURES])
    with torch.no_grad():
        for name, weight in weights.items():
            weight.mul_(torch.as_tensor(masks[name]))
        return (network(x[rows]).argmax(dim=1) == y[rows]).double().mean()


# --- mask_2_to_4 --------------------------------------------------------------------------


@check("Of four neighbours along a row those two stay that have the greatest magnitude.",
       zh="一行里相邻的四个保留绝对值最大的两个。", close=0)  # fmt: skip
def two_of_four_neighbours(mask_2_to_4, rng):
    found = []
    for shape in ((8, 16), (4, 4)):
        weight = _torch(rng.normal(size=shape) * np.arange(1, shape[1] + 1))
        answer = arguments_kept(mask_2_to_4, weight)
        found.append({**_codes(answer["returned"]), "changed": answer["changed"]})
    return found


@check("Exactly two of each four stay, also where some are equal.",
       zh="每四个正好保留两个，有相等的也一样。", close=0)  # fmt: skip
def exactly_two_of_equals(mask_2_to_4, rng):
    equals = rng.choice([-1.0, 0.0, 0.0, 1.0], (5, 12))
    groups = _array(mask_2_to_4(_torch(equals))).reshape(5, 3, 4).astype(bool)
    sizes = (groups * np.abs(equals).reshape(5, 3, 4)).sum(axis=-1)
    return {"kept": groups.sum(axis=-1), "sizes kept": sizes}


@check("A row that does not fall into groups of four is refused with ValueError.",
       zh="一行不能按四个分组时，抛出 ValueError。", close=0)  # fmt: skip
def other_widths_are_refused(mask_2_to_4, rng):
    weights = [_torch(rng.normal(size=shape)) for shape in ((4, 6), (8, 7))]
    return [outcome_of(mask_2_to_4, weight) for weight in weights]


# --- retrain_pruned -----------------------------------------------------------------------


def _small_case(rng, steps=6):
    """A small classifier with batch norm, masks for two of its weights, and batches."""
    import torch
    from torch import nn

    torch.manual_seed(int(rng.integers(2**31)))
    # No bias before batch norm: its gradient would be rounding alone, which AdamW makes a step of.
    first = nn.Linear(5, 6, bias=False)
    model = nn.Sequential(first, nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))
    masks = {name: torch.rand(model.get_parameter(name).shape) < 0.5 for name in
             ("0.weight", "3.weight")}  # fmt: skip
    batches = [(torch.randn(16, 5).double(), torch.randint(3, (16,))) for _ in range(steps)]
    # In float64: AdamW's first step makes much of a gradient near 0, rounding and all.
    return model.double().eval(), masks, batches


@check("The weights come out as AdamW makes them, one step for each batch, pruned ones at 0.",
       zh="权重就是 AdamW 每个批次走一步的结果，剪掉的为 0。", close=TRAINED)  # fmt: skip
def steps_of_adamw(retrain_pruned, rng):
    model, masks, batches = _small_case(rng, steps=10)
    return dict(retrain_pruned(model, masks, iter(batches), lr=0.05).state_dict())


@check("Pruned weights are 0 in every forward pass, from the first one on, and at the end.",
       zh="从第一次前向起，每次前向时剪掉的权重都是 0，结束时也是。", close=0)  # fmt: skip
def zero_in_every_pass(retrain_pruned, rng):
    model, masks, batches = _small_case(rng)
    seen = []

    def look(*_):
        for layer, mask in zip((model[0], model[3]), masks.values(), strict=True):
            seen.append(int(layer.weight.detach()[~mask].count_nonzero()))

    model.register_forward_pre_hook(look)
    trained = retrain_pruned(model, masks, batches)
    trained(batches[0][0])
    return seen


@check(
    "The model given is trained in training mode and comes back, its parameters named as before, "
    "in evaluation mode.",
    zh="传进来的模型在训练模式下训练，返回时处于评估模式，参数名和原来一样。",
    close=0,
)
def trains_and_comes_back(retrain_pruned, rng):
    model, masks, batches = _small_case(rng, steps=3)
    modes = []
    model.register_forward_pre_hook(lambda module, _: modes.append(module[1].training))
    trained = retrain_pruned(model, masks, batches)
    return {
        "while training": modes, "modes after": [part.training for part in trained.modules()],
        "the same": trained is model, "names": sorted(dict(model.named_parameters())),
    }  # fmt: skip


@that(f"accuracy at least {RETRAINED} with 90 % of the weights at 0",
      zh=f"90% 的权重为 0，准确率不低于 {RETRAINED}")  # fmt: skip
def _reads_again(seen):
    return seen["accuracy"] >= RETRAINED and seen["not zero"] == 0


@check("With 90 % of its weights gone the ResNet learns to read again.",
       zh="去掉 90% 的权重后，ResNet 重新学会认数字。", close=1e-3, expect=_reads_again,
       costly=True, weight=2.0)  # fmt: skip
def learns_to_read_again(retrain_pruned, network, digits, rng):
    import torch

    weights = {name: value for name, value in network.named_parameters() if value.dim() > 1}
    everything = torch.cat([value.detach().abs().flatten() for value in weights.values()])
    bound = everything.kthvalue(round(0.9 * len(everything))).values
    masks = {name: value.detach().abs() > bound for name, value in weights.items()}
    x, y = digits["train"]
    rows = [torch.from_numpy(rng.integers(0, len(y), 64)) for _ in range(STEPS)]
    model = retrain_pruned(network, masks, [(x[row], y[row]) for row in rows])
    x, y = digits["test"]
    with torch.no_grad():
        right = (model.eval()(x).argmax(dim=1) == y).double().mean().item()
    left = sum(int(model.get_parameter(name).detach()[~mask].count_nonzero())
               for name, mask in masks.items())  # fmt: skip
    return {"accuracy": right, "not zero": left}


# --- low_rank -----------------------------------------------------------------------------


def _factors(answer):
    a, b = (_array(part).astype(float) for part in answer)
    return {"a": list(a.shape), "b": list(b.shape), "product": a @ b}


@check("The product is the nearest matrix of its rank, of wide, tall and square weights alike.",
       zh="乘积是该秩下最接近的矩阵，宽的、高的、方的权重都一样。",
       close=Tolerance(absolute=1e-4, relative=1e-3))  # fmt: skip
def nearest_of_its_rank(low_rank, rng):
    cases = ((9, 6), 1), ((9, 6), 4), ((4, 11), 3), ((6, 6), 2), ((5, 7), 5)
    weights = [(rng.normal(size=shape) + rng.normal(size=shape[1]), rank) for shape, rank in cases]
    found = [arguments_kept(low_rank, _torch(weight), rank) for weight, rank in weights]
    return [{**_factors(answer["returned"]), "changed": answer["changed"]} for answer in found]


@check("Without a rank: the greatest one at which both factors hold fewer numbers than the weight.",
       zh="不给秩时：取两个因子的数比权重少的最大的秩。", close=0)  # fmt: skip
def greatest_rank_that_saves(low_rank, rng):
    # At (3, 7) a single number is saved, at (8, 8) and (6, 12) the bound is met exactly.
    shapes = [(3, 3), (8, 8), (3, 7), (6, 12), (30, 20), *rng.integers(4, 40, (4, 2)).tolist()]
    ranks, sizes = [], []
    for shape in shapes:
        a, b = (_array(part) for part in low_rank(_torch(rng.normal(size=shape))))
        ranks.append(a.shape[-1])
        sizes.append([a.shape[0], *b.shape[1:], b.shape[0] - a.shape[-1]])
    return {"ranks": ranks, "sizes": sizes}


# --- LoRALinear ---------------------------------------------------------------------------


def _base(rng, width=6, out=4, bias=True, dtype=None):
    import torch
    from torch import nn

    torch.manual_seed(int(rng.integers(2**31)))
    return nn.Linear(width, out, bias=bias, dtype=dtype)


def _filled(layer, rng):
    """The layer with numbers in both factors."""
    import torch

    with torch.no_grad():
        for factor in (layer.lora_A, layer.lora_B):
            factor.copy_(torch.from_numpy(rng.normal(size=tuple(factor.shape))))
    return layer


@check("At the start it does what the base did: lora_B is zero, lora_A is not.",
       zh="起步时和 base 完全一样：lora_B 为零，lora_A 不为零。", close=CLOSE)  # fmt: skip
def starts_as_the_base(LoRALinear, rng):
    base = _base(rng)
    layer, x = LoRALinear(base, 2, 16), _torch(rng.normal(size=(5, 6)))
    random = bool((layer.lora_A != 0).all()) and layer.lora_A.unique().numel() > 6
    return {"A is random": random, "B": layer.lora_B, "output": layer(x), "base": base(x)}


@check("The update is α / r times B A x.",
       zh="更新量是 α / r 乘 B A x。", close=CLOSE)  # fmt: skip
def adds_the_scaled_product(LoRALinear, rng):
    found = []
    for rank, alpha, lead in ((1, 1, (5,)), (3, 6, (2, 5)), (2, 16, ()), (4, 2.0, (2, 1, 3))):
        layer = _filled(LoRALinear(_base(rng), rank, alpha), rng)
        found.append(layer(_torch(rng.normal(size=(*lead, 6)))))
    return found


@check("Only lora_A (r, in) and lora_B (out, r) train, in the base's dtype; the base is frozen.",
       zh="只训练 lora_A (r, in) 和 lora_B (out, r)，dtype 与 base 相同；base 冻结。",
       close=0)  # fmt: skip
def only_two_train(LoRALinear, rng):
    import torch

    found = []
    for dtype in (torch.float32, torch.float64):
        base = _base(rng, dtype=dtype)
        named = LoRALinear(base, 3, 3).named_parameters()
        trains = {name: p for name, p in named if p.requires_grad}
        found.append({
            "dtype": {name: str(p.dtype) for name, p in trains.items()},
            "shape": {name: list(p.shape) for name, p in trains.items()},
            "base trains": [p.requires_grad for p in base.parameters()],
        })  # fmt: skip
    return found


@check("The first gradient reaches lora_B, and never the base.",
       zh="第一步的梯度传到 lora_B，而传不到 base。", close=0)  # fmt: skip
def first_gradient_reaches_b(LoRALinear, rng):
    import torch

    base = _base(rng)
    layer, before = LoRALinear(base, 2, 4), base.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    x = _torch(rng.normal(size=(8, 6)))
    moves = []
    for _ in range(2):
        optimizer.zero_grad()
        layer(x).square().sum().backward()
        moves.append([bool(layer.lora_A.grad.any()), bool(layer.lora_B.grad.any())])
        optimizer.step()
    return [moves, base.weight.equal(before), base.weight.grad is None]


@check("Merged, it is a plain nn.Linear that gives the same results; the layer stays as it was.",
       zh="合并后是普通的 nn.Linear，结果不变；这一层自己也不变。", close=CLOSE)  # fmt: skip
def merged_gives_the_same(LoRALinear, rng):
    import torch

    found = []
    for bias, dtype in ((True, torch.float32), (False, torch.float64)):
        base = _base(rng, bias=bias, dtype=dtype)
        before, x = base.weight.detach().clone(), _torch(rng.normal(size=(4, 6))).to(dtype)
        layer = _filled(LoRALinear(base, 3, 12), rng)
        linear, again = layer.merged(), layer.merged()
        found.append({
            "kind": type(linear).__name__, "bias": linear.bias is not None,
            "base unchanged": base.weight.equal(before), "weight": again.weight,
            "dtype": str(again.weight.dtype), "outputs": [linear(x), layer(x)],
        })  # fmt: skip
    return found


@check("Through it a GPT of stories learns to read reviews.",
       zh="讲故事的 GPT 靠它学会读评论。", close=1.0, expect=at_most(ADAPTED), costly=True,
       weight=2.0)  # fmt: skip
def gpt_learns_reviews(LoRALinear, story_teller, rng):
    import torch
    from torch.nn.functional import cross_entropy

    def loss_of(ids):
        logits = model(ids.clamp(min=0)).logits[:, :-1]
        return cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())

    model, ids = story_teller
    torch.manual_seed(int(rng.integers(2**31)))
    for name, layer in [item for item in model.named_modules() if ".h." in item[0]]:
        if isinstance(layer, torch.nn.Linear):
            model.set_submodule(name, LoRALinear(layer, 4, 8))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for rows in torch.from_numpy(rng.permutation(len(ids["train"]))).split(18):
        optimizer.zero_grad()
        loss_of(ids["train"][rows]).backward()
        optimizer.step()
    with torch.no_grad():
        return loss_of(ids["test"]).exp().item()


# --- distillation_loss --------------------------------------------------------------------


def _two_sets_of_logits(rng, rows=7, classes=5, size=2.0):
    student, teacher = (_torch(size * rng.normal(size=(rows, classes))) for _ in range(2))
    return student, teacher


def _targets(rng, rows, classes=5, known=None):
    import torch

    y = torch.from_numpy(rng.integers(0, classes, rows))
    y[rows if known is None else known :] = -100
    return y


@check("The teacher's part is T² times the mean divergence from teacher to student.",
       zh="老师那一项是 T² 倍的平均 KL 散度（老师到学生）。", close=CLOSE)  # fmt: skip
def teachers_part_alone(distillation_loss, rng):
    found = []
    for temperature, rows, classes in ((1.0, 4, 6), (2.0, 7, 5), (5.0, 3, 9), (8.0, 6, 3)):
        student, teacher = _two_sets_of_logits(rng, rows, classes)
        y = _targets(rng, rows, classes)
        found.append(float(distillation_loss(student, teacher, y, temperature, 1.0)))
    return found


@check("The labels' part is the mean cross entropy, whatever the temperature.",
       zh="标签那一项是平均交叉熵，与温度无关。", close=CLOSE)  # fmt: skip
def labels_part_alone(distillation_loss, rng):
    found = []
    for temperature, rows, classes in ((1.0, 4, 6), (3.0, 7, 5), (0.5, 3, 9), (8.0, 6, 3)):
        student, teacher = _two_sets_of_logits(rng, rows, classes)
        y = _targets(rng, rows, classes, known=rows - 1)
        found.append(float(distillation_loss(student, teacher, y, temperature, 0.0)))
    return found


@check(
    "It weighs T² times the divergence from teacher to student against the labels' cross entropy.",
    zh="结果是 T² 倍的 KL 散度（老师到学生）与标签交叉熵的加权和。",
    close=CLOSE,
)
def weighted_sum_of_both(distillation_loss, rng):
    found = []
    settings = (2.0, 0.9), (2.0, 0.3), (4.0, 0.5), (3.0, 0.2)
    for (temperature, weight), rows in zip(settings, (7, 5, 6, 8), strict=True):
        student, teacher = _two_sets_of_logits(rng, rows)
        y = _targets(rng, rows)
        found.append(float(distillation_loss(student, teacher, y, temperature, weight)))
    answer = arguments_kept(distillation_loss, student, teacher, y)
    return {"losses": [*found, float(answer["returned"])], "changed": answer["changed"]}


@check("It stays finite where teacher and student are very sure.",
       zh="老师和学生都极为肯定时，结果依然有限。", close=CLOSE)  # fmt: skip
def finite_where_sure(distillation_loss, rng):
    student, teacher = _two_sets_of_logits(rng, size=120.0)
    return float(distillation_loss(student, teacher, _targets(rng, 7), 1.5, 0.5))


@check("Rows without a label learn from the teacher and do not water down the labelled ones; "
       "without any label the labels' part is 0.",
       zh="没有标签的行也跟老师学，但不会冲淡有标签的行；一个标签都没有时，标签那一项为 0。",
       close=CLOSE)  # fmt: skip
def rows_without_labels(distillation_loss, rng):
    student, teacher = _two_sets_of_logits(rng, 12)
    y = _targets(rng, 12, known=4)
    y = y[rng.permutation(12)]
    losses = [distillation_loss(student, teacher, y, 2.0, weight) for weight in (0.5, 0.0, 1.0)]
    few = [distillation_loss(student, teacher, _targets(rng, 12, known=known), 3.0, 0.6)
           for known in (1, 0)]  # fmt: skip
    return [float(loss) for loss in (*losses, *few)]


@check("Gradients reach the student and never the teacher.",
       zh="梯度传到学生，传不到老师。", close=CLOSE)  # fmt: skip
def gradients_reach_the_student(distillation_loss, rng):
    student, teacher = (logits.requires_grad_() for logits in _two_sets_of_logits(rng))
    distillation_loss(student, teacher, _targets(rng, 7, known=5), 2.0, 0.7).backward()
    reached = teacher.grad is not None and bool(teacher.grad.any())
    return {"student": student.grad, "teacher": reached}


@check("With 30 labels and a teacher for the rest a small student reads digits.",
       zh="30 个标签，其余跟老师学，小学生也认得数字。", close=1e-3, expect=at_least(DISTILLED),
       costly=True)  # fmt: skip
def a_student_learns(distillation_loss, network, digits, rng):
    import torch
    from torch import nn

    (x, y), (x_test, y_test) = digits["train"], digits["test"]
    known = torch.from_numpy(rng.permutation(len(y))[:30])
    labels = torch.full_like(y, -100)
    labels[known] = y[known]
    torch.manual_seed(int(rng.integers(2**31)))
    student = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-2)
    with torch.no_grad():
        opinions = network(x)
    for _ in range(PUPILS_STEPS):
        rows = torch.from_numpy(rng.integers(0, len(y), 48))  # few: some go row by row
        loss = distillation_loss(student(x[rows]), opinions[rows], labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return (student(x_test).argmax(dim=1) == y_test).double().mean().item()
