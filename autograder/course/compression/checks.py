"""Probes for `compression`: made weights with known codes, and trained networks made smaller.

Thresholds of what is trained come from ``benchmarks/spread/compression.md``.
"""

import numpy as np

from autograder.checks import Tolerance, at_least, at_most, check, fixture, outcome_of, that
from autograder.probes import arguments_kept, moved, state_of

from .instruments import (
    accuracy,
    apart,
    array,
    between,
    channels,
    coded,
    filled,
    kernels,
    off_grid,
    perplexity_after,
    safe_range,
    small_case,
    some_base,
    some_state,
    some_targets,
    some_weights,
    story_teller_with_linears,
    taught,
    tensor,
    tenth,
    two_sets_of_logits,
    unpacked,
)

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
    return story_teller_with_linears()


# --- qparams ------------------------------------------------------------------------------


@check("The ends of the range go to the lowest and the highest code, of 8 bits or fewer.",
       zh="范围的两端对应最小和最大的编码，8 比特或更少都一样。", close=SCALES)  # fmt: skip
def ends_go_to_the_ends(qparams, rng):
    found = [qparams(between(rng, *safe_range(rng, 8))) for _ in range(4)]
    for bits in (6, 4, 3, 2):
        found.append(qparams(between(rng, *safe_range(rng, bits)), bits))
    return apart(found)


@check("A range on one side of 0 is widened until it holds 0.",
       zh="范围都在 0 的一侧时，扩到包含 0。", close=SCALES)  # fmt: skip
def range_holds_zero(qparams, rng):
    low, high = rng.uniform(1, 2), rng.uniform(3, 9)
    tensors = between(rng, low, high), between(rng, -high, -low)
    answers = [arguments_kept(qparams, x) for x in tensors]
    found = apart([answer["returned"] for answer in answers])
    return {**found, "changed": [place for answer in answers for place in answer["changed"]]}


@check("Where all values are equal, their range is widened as well; of zeros alone the scale is 1.",
       zh="数值全都相同时，范围同样要扩到包含 0；全部为 0 时缩放系数为 1。",
       close=SCALES)  # fmt: skip
def equal_values(qparams, rng):
    equal = tensor(np.full(5, rng.uniform(3, 9)))
    return apart([qparams(x) for x in (equal, -equal, tensor(np.zeros((3, 2))))])


@check("Symmetric: the greatest magnitude goes to the highest code, the zero point is 0.",
       zh="对称方式：绝对值最大者对应最大的编码，零点为 0。", close=SCALES)  # fmt: skip
def symmetric_by_magnitude(qparams, rng):
    found = []
    for bits in (8, 4, 2):
        near, far = rng.uniform(0.2, 1), rng.uniform(2, 5)
        for ends in ((-far, near), (-near, far)):
            found.append(qparams(between(rng, *ends), bits=bits, symmetric=True))
    return apart([*found, qparams(tensor(np.zeros(4)), symmetric=True)])


# --- quantize -----------------------------------------------------------------------------


@check("A code is the nearest whole number of steps, as int8.",
       zh="编码是最近的整数步数，类型 int8。", close=0)  # fmt: skip
def nearest_step(quantize, rng):
    found = []
    for shape in ((3, 4, 5), (30,)):
        scale = float(rng.uniform(0.01, 3))
        x = off_grid(rng, rng.integers(-128, 128, shape), scale, 0)
        answer = arguments_kept(quantize, x, scale, 0)
        found.append({**coded(answer["returned"]), "changed": answer["changed"]})
    return found


@check("The zero point is added to it.",
       zh="步数再加上零点。", close=0)  # fmt: skip
def plus_zero_point(quantize, rng):
    found = []
    for zero_point in (int(rng.integers(-90, -10)), int(rng.integers(10, 90))):
        scale = float(rng.uniform(0.01, 3))
        x = off_grid(rng, rng.integers(-128, 128, (3, 4, 5)), scale, zero_point)
        found.append(coded(quantize(x, scale, zero_point)))
    return found


@check("A half goes to the even neighbour.",
       zh="正好一半时取偶数。", close=0)  # fmt: skip
def halves_go_to_even(quantize, rng):
    found = []
    for zero_point in (0, 2 * int(rng.integers(1, 9))):
        halves = tensor(rng.permutation(np.arange(-20, 20) + 0.5))
        found.append(array(quantize(halves * 0.25, 0.25, zero_point)))
    return found


@check("What lies beyond the range gets the code at its end, and fewer bits have fewer codes.",
       zh="超出范围的值取端点的编码；比特数更少时编码也更少。", close=0)  # fmt: skip
def beyond_the_range_saturates(quantize, rng):
    found = []
    for bits, zero_point in ((8, 0), (8, -7), (2, 0), (3, -1), (4, 3), (6, 0)):
        near = rng.integers(-40, 40, 30) + rng.uniform(-0.4, 0.4, 30)
        far = rng.choice([-1, 1], 30) * rng.integers(140, 30000, 30)
        x = tensor(0.5 * np.concatenate([near, far]))
        found.append(coded(quantize(x, 0.5, zero_point, bits=bits)))
    return found


# --- quantize_per_channel -----------------------------------------------------------------


def _codes_and_scales(answer):
    codes, scales = answer
    return {**coded(codes), "scales": array(scales).reshape(-1)}


@check(
    "Each channel has its own scale: its greatest magnitude over the highest code of these bits.",
    zh="每个通道有自己的缩放系数：该通道的最大绝对值除以这个比特数下最大的编码。",
    close=SCALES,
    rests_on=("quantize",),
)
def each_channel_has_its_scale(quantize_per_channel, rng):
    cases = ((6, 7), 8), ((5, 3, 2, 2), 8), ((4, 4), 4), ((3, 8), 3)
    return [
        _codes_and_scales(quantize_per_channel(channels(rng, shape, 0, bits), bits=bits))
        for shape, bits in cases
    ]


@check("The channel is the axis that is named, also where the weight is square.",
       zh="通道就是指定的那一维，权重是方阵时也一样。", close=SCALES,
       rests_on=("quantize",))  # fmt: skip
def the_axis_is_the_channel(quantize_per_channel, rng):
    cases = ((6, 4), 1), ((5, 5), 1), ((3, 4, 5), 2), ((5, 5), 0), ((3, 4, 5), 1)
    return [
        _codes_and_scales(quantize_per_channel(channels(rng, shape, axis), axis=axis))
        for shape, axis in cases
    ]


@check("A channel of zeros has scale 1 and codes 0; the weight itself does not change.",
       zh="全零的通道缩放系数为 1，编码为 0；权重本身不变。", close=SCALES,
       rests_on=("quantize",))  # fmt: skip
def a_channel_of_zeros(quantize_per_channel, rng):
    weight = channels(rng, (4, 6), 0)
    weight[int(rng.integers(4))] = 0
    answer = arguments_kept(quantize_per_channel, weight)
    return {**_codes_and_scales(answer["returned"]), "changed": answer["changed"]}


# --- int8_state ---------------------------------------------------------------------------


@check("Matrices and kernels become int8 codes with float32 scales; all else stays as it is.",
       zh="矩阵和卷积核变成 int8 编码和 float32 缩放系数；其余原样保留。", close=SCALES,
       rests_on=("quantize_per_channel",))  # fmt: skip
def codes_with_scales_beside(int8_state, rng):
    return {name: coded(value) for name, value in int8_state(some_state(rng)).items()}


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

    before = state_of(network)
    answer = int8_state(network.state_dict()).items()
    changed = moved(network, before)
    file = save({name: torch.as_tensor(value).contiguous() for name, value in answer})
    network.load_state_dict(unpacked(load(file)))
    rows = torch.from_numpy(rng.permutation(360)[:24])
    with torch.no_grad():
        logits = network(digits["test"][0][rows])
    return {"kB": len(file) / 1000, "changed": changed, "logits": logits}


# --- magnitude_masks ----------------------------------------------------------------------


@check(
    "The smallest magnitudes of all tensors together go, whatever their sign; masks are boolean.",
    zh="去掉的是全部张量合在一起绝对值最小的，不论正负；掩码是布尔类型。",
    close=0,
)
def smallest_of_all_go(magnitude_masks, rng):
    found = []
    for sparsity in (0.2, 0.6, 0.8):
        answer = arguments_kept(magnitude_masks, some_weights(rng), sparsity)
        masks = {name: coded(mask) for name, mask in answer["returned"].items()}
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
            answer = magnitude_masks({name: tensor(v) for name, v in numbers.items()}, share)
            kept = np.concatenate([array(answer[name]).astype(bool).ravel() for name in numbers])
            sizes = np.abs(np.concatenate([v.ravel() for v in numbers.values()]))
            found.append({"gone": int((~kept).sum()), "sizes kept": np.sort(sizes[kept])})
    return found


@check("The ResNet still reads with half of its weights gone.",
       zh="去掉一半权重，ResNet 照样认得数字。", close=1e-6)  # fmt: skip
def half_of_the_network_will_do(magnitude_masks, network, digits, rng):
    import torch

    weights = kernels(network)
    masks = magnitude_masks(weights, 0.5)
    x, y = digits["test"]
    rows = rng.permutation(len(y))[:PICTURES]
    with torch.no_grad():
        for name, weight in weights.items():
            weight.mul_(torch.as_tensor(masks[name]))
    return accuracy(network, (x[rows], y[rows]))


# --- mask_2_to_4 --------------------------------------------------------------------------


@check("Of four neighbours along a row those two stay that have the greatest magnitude.",
       zh="一行里相邻的四个保留绝对值最大的两个。", close=0)  # fmt: skip
def two_of_four_neighbours(mask_2_to_4, rng):
    found = []
    for shape in ((8, 16), (4, 4)):
        weight = tensor(rng.normal(size=shape) * np.arange(1, shape[1] + 1))
        answer = arguments_kept(mask_2_to_4, weight)
        found.append({**coded(answer["returned"]), "changed": answer["changed"]})
    return found


@check("Exactly two of each four stay, also where some are equal.",
       zh="每四个正好保留两个，有相等的也一样。", close=0)  # fmt: skip
def exactly_two_of_equals(mask_2_to_4, rng):
    equals = rng.choice([-1.0, 0.0, 0.0, 1.0], (5, 12))
    groups = array(mask_2_to_4(tensor(equals))).reshape(5, 3, 4).astype(bool)
    sizes = (groups * np.abs(equals).reshape(5, 3, 4)).sum(axis=-1)
    return {"kept": groups.sum(axis=-1), "sizes kept": sizes}


@check("A row that does not fall into groups of four is refused with ValueError.",
       zh="一行不能按四个分组时，抛出 ValueError。", close=0)  # fmt: skip
def other_widths_are_refused(mask_2_to_4, rng):
    weights = [tensor(rng.normal(size=shape)) for shape in ((4, 6), (8, 7))]
    return [outcome_of(mask_2_to_4, weight) for weight in weights]


# --- retrain_pruned -----------------------------------------------------------------------


@check("The weights come out as AdamW makes them, one step for each batch, pruned ones at 0.",
       zh="权重就是 AdamW 每个批次走一步的结果，剪掉的为 0。", close=TRAINED)  # fmt: skip
def steps_of_adamw(retrain_pruned, rng):
    model, masks, batches = small_case(rng, steps=10)
    return dict(retrain_pruned(model, masks, iter(batches), lr=0.05).state_dict())


@check("Pruned weights are 0 in every forward pass, from the first one on, and at the end.",
       zh="从第一次前向起，每次前向时剪掉的权重都是 0，结束时也是。", close=0)  # fmt: skip
def zero_in_every_pass(retrain_pruned, rng):
    model, masks, batches = small_case(rng)
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
    model, masks, batches = small_case(rng, steps=3)
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
    masks, rows = tenth(network), rng.integers(0, len(digits["train"][1]), (STEPS, 64))
    x, y = digits["train"]
    model = retrain_pruned(network, masks, [(x[row], y[row]) for row in rows])
    left = sum(int(model.get_parameter(name).detach()[~mask].count_nonzero())
               for name, mask in masks.items())  # fmt: skip
    return {"accuracy": accuracy(model.eval(), digits["test"]), "not zero": left}


# --- low_rank -----------------------------------------------------------------------------


def _factors(answer):
    a, b = (array(part).astype(float) for part in answer)
    return {"a": list(a.shape), "b": list(b.shape), "product": a @ b}


@check("The product is the nearest matrix of its rank, of wide, tall and square weights alike.",
       zh="乘积是该秩下最接近的矩阵，宽的、高的、方的权重都一样。",
       close=Tolerance(absolute=1e-4, relative=1e-3))  # fmt: skip
def nearest_of_its_rank(low_rank, rng):
    cases = ((9, 6), 1), ((9, 6), 4), ((4, 11), 3), ((6, 6), 2), ((5, 7), 5)
    weights = [(rng.normal(size=shape) + rng.normal(size=shape[1]), rank) for shape, rank in cases]
    found = [arguments_kept(low_rank, tensor(weight), rank) for weight, rank in weights]
    return [{**_factors(answer["returned"]), "changed": answer["changed"]} for answer in found]


@check("Without a rank: the greatest one at which both factors hold fewer numbers than the weight.",
       zh="不给秩时：取两个因子的数比权重少的最大的秩。", close=0)  # fmt: skip
def greatest_rank_that_saves(low_rank, rng):
    # At (3, 7) a single number is saved, at (8, 8) and (6, 12) the bound is met exactly.
    shapes = [(3, 3), (8, 8), (3, 7), (6, 12), (30, 20), *rng.integers(4, 40, (4, 2)).tolist()]
    ranks, sizes = [], []
    for shape in shapes:
        a, b = (array(part) for part in low_rank(tensor(rng.normal(size=shape))))
        ranks.append(a.shape[-1])
        sizes.append([a.shape[0], *b.shape[1:], b.shape[0] - a.shape[-1]])
    return {"ranks": ranks, "sizes": sizes}


# --- LoRALinear ---------------------------------------------------------------------------


@check("At the start it does what the base did: lora_B is zero, lora_A is not.",
       zh="起步时和 base 完全一样：lora_B 为零，lora_A 不为零。", close=CLOSE)  # fmt: skip
def starts_as_the_base(LoRALinear, rng):
    base = some_base(rng)
    layer, x = LoRALinear(base, 2, 16), tensor(rng.normal(size=(5, 6)))
    random = bool((layer.lora_A != 0).all()) and layer.lora_A.unique().numel() > 6
    wide = some_base(rng, 64, 32)
    size = float(LoRALinear(wide, 8, 16).lora_A.std() / wide.weight.std())
    start = {"A is random": random, "A is about as large as weights": 0.25 < size < 4}
    return {**start, "B": layer.lora_B, "output": layer(x), "base": base(x)}


@check("The update is α / r times B A x.",
       zh="更新量是 α / r 乘 B A x。", close=CLOSE)  # fmt: skip
def adds_the_scaled_product(LoRALinear, rng):
    found = []
    for rank, alpha, lead in ((1, 1, (5,)), (3, 6, (2, 5)), (2, 16, ()), (4, 2.0, (2, 1, 3))):
        layer = filled(LoRALinear(some_base(rng), rank, alpha), rng)
        found.append(layer(tensor(rng.normal(size=(*lead, 6)))))
    return found


@check("Only lora_A (r, in) and lora_B (out, r) train, in the base's dtype; the base is frozen.",
       zh="只训练 lora_A (r, in) 和 lora_B (out, r)，dtype 与 base 相同；base 冻结。",
       close=0)  # fmt: skip
def only_two_train(LoRALinear, rng):
    import torch

    found = []
    for dtype in (torch.float32, torch.float64):
        base = some_base(rng, dtype=dtype)
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

    base = some_base(rng)
    layer, before = LoRALinear(base, 2, 4), base.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    x = tensor(rng.normal(size=(8, 6)))
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
        base = some_base(rng, bias=bias, dtype=dtype)
        before, x = base.weight.detach().clone(), tensor(rng.normal(size=(4, 6))).to(dtype)
        layer = filled(LoRALinear(base, 3, 12), rng)
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

    torch.manual_seed(int(rng.integers(2**31)))
    return perplexity_after(*story_teller, lambda layer: LoRALinear(layer, 4, 8), rng)


# --- distillation_loss --------------------------------------------------------------------


@check("The teacher's part is T² times the mean divergence from teacher to student.",
       zh="老师那一项是 T² 倍的平均 KL 散度（老师到学生）。", close=CLOSE)  # fmt: skip
def teachers_part_alone(distillation_loss, rng):
    found = []
    for temperature, rows, classes in ((1.0, 4, 6), (2.0, 7, 5), (5.0, 3, 9), (8.0, 6, 3)):
        student, teacher = two_sets_of_logits(rng, rows, classes)
        y = some_targets(rng, rows, classes)
        found.append(float(distillation_loss(student, teacher, y, temperature, 1.0)))
    return found


@check("The labels' part is the mean cross entropy, whatever the temperature.",
       zh="标签那一项是平均交叉熵，与温度无关。", close=CLOSE)  # fmt: skip
def labels_part_alone(distillation_loss, rng):
    found = []
    for temperature, rows, classes in ((1.0, 4, 6), (3.0, 7, 5), (0.5, 3, 9), (8.0, 6, 3)):
        student, teacher = two_sets_of_logits(rng, rows, classes)
        y = some_targets(rng, rows, classes, known=rows - 1)
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
        student, teacher = two_sets_of_logits(rng, rows)
        y = some_targets(rng, rows)
        found.append(float(distillation_loss(student, teacher, y, temperature, weight)))
    answer = arguments_kept(distillation_loss, student, teacher, y)
    return {"losses": [*found, float(answer["returned"])], "changed": answer["changed"]}


@check("It stays finite where teacher and student are very sure.",
       zh="老师和学生都极为肯定时，结果依然有限。", close=CLOSE)  # fmt: skip
def finite_where_sure(distillation_loss, rng):
    student, teacher = two_sets_of_logits(rng, size=120.0)
    return float(distillation_loss(student, teacher, some_targets(rng, 7), 1.5, 0.5))


@check("Rows without a label learn from the teacher and do not water down the labelled ones; "
       "without any label the labels' part is 0.",
       zh="没有标签的行也跟老师学，但不会冲淡有标签的行；一个标签都没有时，标签那一项为 0。",
       close=CLOSE)  # fmt: skip
def rows_without_labels(distillation_loss, rng):
    student, teacher = two_sets_of_logits(rng, 12)
    y = some_targets(rng, 12, known=4)
    y = y[rng.permutation(12)]
    losses = [distillation_loss(student, teacher, y, 2.0, weight) for weight in (0.5, 0.0, 1.0)]
    few = [distillation_loss(student, teacher, some_targets(rng, 12, known=known), 3.0, 0.6)
           for known in (1, 0)]  # fmt: skip
    return [float(loss) for loss in (*losses, *few)]


@check("Gradients reach the student and never the teacher.",
       zh="梯度传到学生，传不到老师。", close=CLOSE)  # fmt: skip
def gradients_reach_the_student(distillation_loss, rng):
    student, teacher = (logits.requires_grad_() for logits in two_sets_of_logits(rng))
    distillation_loss(student, teacher, some_targets(rng, 7, known=5), 2.0, 0.7).backward()
    reached = teacher.grad is not None and bool(teacher.grad.any())
    return {"student": student.grad, "teacher": reached}


@check("With 30 labels and a teacher for the rest a small student reads digits.",
       zh="30 个标签，其余跟老师学，小学生也认得数字。", close=1e-3, expect=at_least(DISTILLED),
       costly=True)  # fmt: skip
def a_student_learns(distillation_loss, network, digits, rng):
    import torch

    torch.manual_seed(int(rng.integers(2**31)))
    student = taught(distillation_loss, network, *digits["train"], PUPILS_STEPS, rng)
    return accuracy(student, digits["test"])
