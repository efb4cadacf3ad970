"""Known-wrong answers for `compression`, each one misconception; some are the documents' own."""

import copy

import torch
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, linear, log_softmax, softmax

from autograder.checks import wrong


def _ends(bits):
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def _affine(low, high, bits):
    """Scale and zero point of a range that holds 0 or not."""
    q_min, q_max = _ends(bits)
    if low == high:
        return 1.0, 0
    scale = (high - low) / (q_max - q_min)
    return scale, round(q_min - low / scale)


def _symmetric(x, bits):
    return (x.abs().max().item() or _ends(bits)[1]) / _ends(bits)[1], 0


def _range(x):
    return min(x.min().item(), 0.0), max(x.max().item(), 0.0)


# --- qparams ------------------------------------------------------------------------------


@wrong(
    "qparams",
    "Takes the range as it is, so that 0 has no code of its own.",
    zh="范围没有扩到包含 0，0 就没有自己的编码。",
    caught_by="range_holds_zero",
    step="Let the range begin at min(min x, 0) and end at max(max x, 0).",
    step_zh="范围从 min(min x, 0) 到 max(max x, 0)。",
)
def range_without_zero(x, bits=8, symmetric=False):
    return _symmetric(x, bits) if symmetric else _affine(x.min().item(), x.max().item(), bits)


@wrong(
    "qparams",
    "Keeps the scale alone: the zero point is always 0.",
    zh="只有缩放系数，零点一律为 0。",
    caught_by="ends_go_to_the_ends",
    errata=("E202",),
    step="The affine code of 0 is z = round(q_min − lo / s).",
    step_zh="仿射方式下 0 的编码是 z = round(q_min − lo / s)。",
)
def scale_alone(x, bits=8, symmetric=False):
    return (_symmetric(x, bits) if symmetric else _affine(*_range(x), bits))[0], 0


@wrong(
    "qparams",
    "Divides the range by the number of codes, not by the number of steps between them.",
    zh="用编码的个数去除范围，而不是编码之间的步数。",
    caught_by="ends_go_to_the_ends",
    step="256 codes have 255 steps between them: divide by q_max − q_min.",
    step_zh="256 个编码之间只有 255 步：除以 q_max − q_min。",
)
def codes_for_steps(x, bits=8, symmetric=False):
    (low, high), q_min = _range(x), -(2 ** (bits - 1))
    if symmetric or low == high:
        return _symmetric(x, bits)
    scale = (high - low) / 2**bits
    return scale, round(q_min - low / scale)


@wrong(
    "qparams",
    "Gives the zero point of unsigned codes, 0 … 2^b − 1.",
    zh="零点是按无符号编码 0 … 2^b − 1 算的。",
    caught_by="ends_go_to_the_ends",
    step="Codes are signed: lo goes to −2^(b−1), so z = round(q_min − lo / s).",
    step_zh="编码带符号：lo 对应 −2^(b−1)，所以 z = round(q_min − lo / s)。",
)
def unsigned_zero_point(x, bits=8, symmetric=False):
    if symmetric or not x.any():
        return _symmetric(x, bits)
    scale, zero_point = _affine(*_range(x), bits)
    return scale, zero_point - _ends(bits)[0]


@wrong(
    "qparams", "Leaves the zero point unrounded, so that 0 lies between two codes.",
    zh="零点没有取整，0 落在了两个编码之间。", caught_by="ends_go_to_the_ends",
    looks_like=lambda seen: any(z != round(z) for z in seen["zero points"]),
    step="Round z: it is the code of 0, and codes are whole.",
    step_zh="z 要取整：它是 0 的编码，编码都是整数。",
)  # fmt: skip
def zero_point_unrounded(x, bits=8, symmetric=False):
    if symmetric or not x.any():
        return _symmetric(x, bits)
    scale = _affine(*_range(x), bits)[0]
    return scale, _ends(bits)[0] - _range(x)[0] / scale


@wrong(
    "qparams", "Cuts off the fraction of the zero point where it should round.",
    zh="零点该四舍五入，却直接截断了小数。", caught_by="ends_go_to_the_ends",
    step="int() cuts towards 0: use round().", step_zh="int() 向 0 截断：用 round()。",
)  # fmt: skip
def zero_point_cut_off(x, bits=8, symmetric=False):
    scale, zero_point = zero_point_unrounded(x, bits, symmetric)
    return scale, int(zero_point)


@wrong(
    "qparams", "Takes any constant tensor for one of zeros.",
    zh="只要数值全都相同，就当成了全零。", caught_by="equal_values",
    step="Ask whether lo and hi are both 0 after widening, not whether min and max are equal.",
    step_zh="应看扩到包含 0 之后 lo 和 hi 是否都为 0，而不是最小值和最大值是否相等。",
)  # fmt: skip
def constant_for_zeros(x, bits=8, symmetric=False):
    if x.min() == x.max():
        return 1.0, 0
    return _symmetric(x, bits) if symmetric else _affine(*_range(x), bits)


@wrong(
    "qparams",
    "Symmetric by the greatest value, not by the greatest magnitude.",
    zh="对称方式用了最大值，而不是最大的绝对值。",
    caught_by="symmetric_by_magnitude",
    step="A large negative value would be clipped: take the maximum of |x|.",
    step_zh="这样绝对值很大的负数会被截掉：应取 |x| 的最大值。",
)
def symmetric_by_the_maximum(x, bits=8, symmetric=False):
    if symmetric and x.any():
        return x.max().item() / _ends(bits)[1], 0
    return _affine(*_range(x), bits)


@wrong(
    "qparams", "Symmetric: divides by 2^(b−1), the magnitude of the lowest code.",
    zh="对称方式除的是 2^(b−1)，也就是最小编码的绝对值。", caught_by="symmetric_by_magnitude",
    step="The greatest magnitude goes to q_max: divide by 2^(b−1) − 1.",
    step_zh="最大的绝对值对应 q_max：除以 2^(b−1) − 1。",
)  # fmt: skip
def symmetric_to_the_lowest(x, bits=8, symmetric=False):
    if symmetric and x.any():
        return x.abs().max().item() / -_ends(bits)[0], 0
    return _affine(*_range(x), bits)


# --- quantize -----------------------------------------------------------------------------


@wrong(
    "quantize",
    "Cuts off the fraction where it should round.",
    zh="该舍入的地方直接截断了小数。",
    caught_by="nearest_step",
    step="Round before the cast; the cast alone cuts towards 0 and doubles the error.",
    step_zh="先舍入再转类型；只转类型会向 0 截断，误差翻倍。",
)
def cuts_off(x, scale, zero_point, bits=8):
    return (torch.trunc(x / scale) + zero_point).clamp(*_ends(bits)).to(torch.int8)


@wrong(
    "quantize",
    "Rounds halves up, always.",
    zh="正好一半时一律进位。",
    caught_by="halves_go_to_even",
    step="torch.round goes to the even neighbour: 0.5 → 0, 1.5 → 2, 2.5 → 2.",
    step_zh="torch.round 取偶数：0.5 → 0，1.5 → 2，2.5 → 2。",
)
def halves_up(x, scale, zero_point, bits=8):
    return (torch.floor(x / scale + 0.5) + zero_point).clamp(*_ends(bits)).to(torch.int8)


@wrong(
    "quantize",
    "Leaves the zero point out.",
    zh="漏了零点。",
    caught_by="plus_zero_point",
    errata=("E202",),
    step="q = round(x / s) + z.",
    step_zh="别忘了加零点：q = round(x / s) + z。",
)
def without_zero_point(x, scale, zero_point, bits=8):
    return torch.round(x / scale).clamp(*_ends(bits)).to(torch.int8)


@wrong(
    "quantize", "Takes the zero point away where it should be added.",
    zh="该加的零点被减掉了。", caught_by="plus_zero_point",
    step="q = round(x / s) + z; taking z away belongs to the way back.",
    step_zh="q = round(x / s) + z；减 z 是还原时的事。",
)  # fmt: skip
def takes_zero_point_away(x, scale, zero_point, bits=8):
    return (torch.round(x / scale) - zero_point).clamp(*_ends(bits)).to(torch.int8)


@wrong(
    "quantize",
    "Lets values beyond the range wrap around.",
    zh="超出范围的值绕了回去（溢出）。",
    caught_by="beyond_the_range_saturates",
    step="Clamp to q_min … q_max before the cast to int8.",
    step_zh="转成 int8 之前先截到 q_min … q_max。",
)
def wraps_around(x, scale, zero_point, bits=8):
    return (torch.round(x / scale) + zero_point).to(torch.int64).to(torch.int8)


# --- quantize_per_channel -----------------------------------------------------------------


def _per_channel(weight, axis, bits, scales):
    shape = [-1 if i == axis else 1 for i in range(weight.dim())]
    codes = torch.round(weight / scales.reshape(shape)).nan_to_num(0)
    return codes.clamp(*_ends(bits)).to(torch.int8), scales


def _greatest(weight, axis):
    return weight.movedim(axis, 0).flatten(1).abs().amax(1)


@wrong(
    "quantize_per_channel",
    "Gives all channels one scale, that of the whole tensor.",
    zh="所有通道共用整个张量的一个缩放系数。",
    caught_by="each_channel_has_its_scale",
    step="Take the greatest magnitude of each channel, not of the tensor.",
    step_zh="对每个通道分别取最大绝对值，而不是对整个张量。",
)
def one_scale_for_all(weight, axis=0, bits=8):
    scale = weight.abs().max() / _ends(bits)[1]
    return _per_channel(weight, axis, bits, scale.expand(weight.shape[axis]))


@wrong(
    "quantize_per_channel",
    "Takes the greatest magnitude along axis, where axis is what must remain.",
    zh="沿 axis 求了最大值，而 axis 恰恰是要留下的那一维。",
    caught_by="each_channel_has_its_scale",
    step="amax(dim=axis) removes the channel: reduce over the others.",
    step_zh="amax(dim=axis) 会把通道消掉：应对其余各维求最大值。",
)
def reduces_the_channel(weight, axis=0, bits=8):
    scales = weight.abs().amax(dim=axis, keepdim=True) / _ends(bits)[1]
    scales = torch.where(scales > 0, scales, 1.0)
    return torch.round(weight / scales).clamp(*_ends(bits)).to(torch.int8), scales


@wrong(
    "quantize_per_channel",
    "Gives a channel of zeros a scale of 0, or nearly 0.",
    zh="全零的通道，缩放系数给成了 0 或者接近 0 的数。",
    caught_by="a_channel_of_zeros",
    looks_like=lambda seen: min(seen["scales"]) < 1e-5,
    step="Put 1 where the scale would be 0: 0 / 0 is nan.",
    step_zh="缩放系数为 0 的地方换成 1：0 / 0 是 nan。",
)
def scale_zero_for_zeros(weight, axis=0, bits=8):
    return _per_channel(weight, axis, bits, _greatest(weight, axis) / _ends(bits)[1])


@wrong(
    "quantize_per_channel", "Takes each channel's greatest value, not its greatest magnitude.",
    zh="每个通道取的是最大值，而不是最大的绝对值。", caught_by="each_channel_has_its_scale",
    step="A large negative value would be clipped: take the maximum of |w|.",
    step_zh="这样绝对值很大的负数会被截掉：应取 |w| 的最大值。",
)  # fmt: skip
def by_greatest_values(weight, axis=0, bits=8):
    scales = weight.movedim(axis, 0).flatten(1).amax(1).abs() / _ends(bits)[1]
    return _per_channel(weight, axis, bits, torch.where(scales > 0, scales, 1.0))


# --- int8_state ---------------------------------------------------------------------------


def _is_matrix(tensor):
    return tensor.dim() > 1 and tensor.is_floating_point()


def _coded(tensor):
    scales = _greatest(tensor, 0) / 127
    return _per_channel(tensor, 0, 8, torch.where(scales > 0, scales, 1.0))


@wrong(
    "int8_state",
    "Stores each weight in four bytes or more: as a float on the grid, or a code that is no int8.",
    zh="每个权重仍占四个字节以上：要么是格点上的浮点数，要么编码不是 int8。",
    caught_by="small_file_that_reads",
    looks_like=lambda seen: seen["kB"] > 300,
    step="Store the int8 codes, and the scales beside them.",
    step_zh="存 int8 编码，旁边存缩放系数。",
)
def fake_quantised(state):
    stored = dict(state)
    for name, tensor in state.items():
        if _is_matrix(tensor):
            codes, scales = _coded(tensor)
            stored[name] = (codes * scales.reshape(-1, *[1] * (tensor.dim() - 1))).to(tensor.dtype)
    return stored


@wrong(
    "int8_state",
    "Stores codes without their scales: nobody can make weights of them again.",
    zh="只存编码不存缩放系数：谁也还原不出权重。",
    caught_by="codes_with_scales_beside",
    errata=("E202",),
    step="Add each tensor's scales under its name with “.scale”.",
    step_zh="每个张量的缩放系数存在「原名.scale」下。",
)
def without_scales(state):
    return {name: _coded(t)[0] if _is_matrix(t) else t for name, t in state.items()}


@wrong(
    "int8_state",
    "Quantises everything, biases, counters and the statistics of batch norm too.",
    zh="什么都量化，连偏置、计数器和批归一化的统计量也不放过。",
    caught_by="codes_with_scales_beside",
    step="Only floating-point tensors with two or more dimensions; the rest is small and touchy.",
    step_zh="只量化二维及以上的浮点张量；其余又小又敏感。",
)
def quantises_everything(state):
    stored = {}
    for name, tensor in state.items():
        rows = tensor.float().reshape(len(tensor) if tensor.dim() else 1, -1)
        codes, stored[f"{name}.scale"] = _coded(rows)
        stored[name] = codes.reshape(tensor.shape)
    return stored


# --- magnitude_masks ----------------------------------------------------------------------


def _ranked(weights, sparsity, key):
    """Masks without the lowest by `key` of all weights together."""
    values = torch.cat([key(weight.detach()).flatten() for weight in weights.values()])
    keep = torch.ones(len(values), dtype=torch.bool)
    keep[values.argsort(stable=True)[: round(sparsity * len(values))]] = False
    parts = keep.split([weight.numel() for weight in weights.values()])
    pairs = zip(weights.items(), parts, strict=True)
    return {name: part.reshape(weight.shape) for (name, weight), part in pairs}


@wrong(
    "magnitude_masks",
    "Prunes the same share of each tensor.",
    zh="每个张量各剪同样的比例。",
    caught_by="half_of_the_network_will_do",
    step="Rank the weights of all tensors together: some layers can spare more than others.",
    step_zh="把全部张量的权重放在一起排序：有的层经得起多剪。",
)
def each_tensor_alone(weights, sparsity):
    return {name: _ranked({name: w}, sparsity, torch.abs)[name] for name, w in weights.items()}


@wrong(
    "magnitude_masks",
    "Prunes the lowest values, that is large negative weights first.",
    zh="剪的是数值最小的，也就是先剪掉绝对值很大的负数。",
    caught_by="smallest_of_all_go",
    step="Nearest to zero, whatever the sign: rank by the absolute value.",
    step_zh="要剪的是最接近零的，不论正负：按绝对值排序。",
)
def lowest_values(weights, sparsity):
    return _ranked(weights, sparsity, lambda weight: weight)


@wrong(
    "magnitude_masks",
    "Gives the mask the other way round: True where a weight goes.",
    zh="掩码反了：True 成了剪掉的。",
    caught_by="smallest_of_all_go",
    step="True means kept, so that weight * mask is the pruned weight.",
    step_zh="True 表示保留，这样 weight * mask 就是剪枝后的权重。",
)
def mask_of_the_pruned(weights, sparsity):
    return {name: ~mask for name, mask in _ranked(weights, sparsity, torch.abs).items()}


@wrong(
    "magnitude_masks", "Takes the sparsity for the share that is kept.",
    zh="把稀疏度当成了保留的比例。", caught_by="exactly_as_many",
    step="A sparsity of 0.9 leaves one weight in ten.",
    step_zh="稀疏度 0.9 是指十个权重只留一个。",
)  # fmt: skip
def share_kept(weights, sparsity):
    return _ranked(weights, 1 - sparsity, torch.abs)


@wrong(
    "magnitude_masks",
    "Prunes by a threshold: where magnitudes are equal, it is not so many that go.",
    zh="按阈值来剪：有绝对值相等的，剪的个数就不对。",
    caught_by="exactly_as_many",
    looks_like=lambda seen: any(
        equal["gone"] != other["gone"] for equal, other in zip(seen[::2], seen[1::2], strict=True)
    ),
    step="Choose so many positions, not a threshold: zeros of an earlier pruning are all equal.",
    step_zh="按个数选位置，不要按阈值：之前剪过的零全都相等。",
)
def not_above_a_threshold(weights, sparsity):
    sizes = torch.cat([weight.detach().abs().flatten() for weight in weights.values()])
    count = round(sparsity * len(sizes))
    bound = sizes.sort().values[count - 1] if count else -1.0
    return {name: weight.abs() > bound for name, weight in weights.items()}


@wrong(
    "magnitude_masks", "Rounds the number of weights that go down.",
    zh="要剪的个数向下取整了。", caught_by="exactly_as_many",
    step="int() cuts off: round(sparsity · N).", step_zh="int() 是截断：用 round(sparsity · N)。",
)  # fmt: skip
def rounds_down(weights, sparsity):
    count = sum(weight.numel() for weight in weights.values())
    return _ranked(weights, int(sparsity * count) / count, torch.abs)


# --- mask_2_to_4 --------------------------------------------------------------------------


def _best_two(groups):
    mask = torch.zeros(groups.shape, dtype=torch.bool)
    return mask.scatter(-1, groups.topk(2, dim=-1).indices, True)


def _refuse(weight):
    if weight.shape[1] % 4:
        raise ValueError("no groups of four")


@wrong(
    "mask_2_to_4",
    "Keeps half of the weights wherever they are: no hardware knows this pattern.",
    zh="哪儿大留哪儿，总共留一半：没有硬件认得这种模式。",
    caught_by="two_of_four_neighbours",
    errata=("E096",),
    step="Two of each four neighbours, not half of all: reshape into groups of four first.",
    step_zh="每相邻四个留两个，而不是总共留一半：先按四个一组变形。",
)
def half_anywhere(weight):
    _refuse(weight)
    return _ranked({"w": weight}, 0.5, torch.abs)["w"]


@wrong(
    "mask_2_to_4", "Compares the values themselves, so that large negative weights go.",
    zh="比较的是数值本身，绝对值很大的负数被剪掉了。", caught_by="two_of_four_neighbours",
    step="Take absolute values before you look for the two largest.",
    step_zh="先取绝对值，再找最大的两个。",
)  # fmt: skip
def two_greatest_values(weight):
    _refuse(weight)
    return _best_two(weight.reshape(-1, 4)).reshape(weight.shape)


@wrong(
    "mask_2_to_4",
    "Forms the groups down the columns.",
    zh="沿列的方向分了组。",
    caught_by="two_of_four_neighbours",
    step="Neighbours along the input: groups lie within a row.",
    step_zh="沿输入方向相邻：组在行内。",
)
def groups_down_the_columns(weight):
    _refuse(weight)
    if len(weight) % 4:
        return _best_two(weight.abs().reshape(-1, 4)).reshape(weight.shape)
    return _best_two(weight.T.abs().reshape(-1, 4)).reshape(weight.T.shape).T


@wrong(
    "mask_2_to_4",
    "Does not keep exactly two of each four: where some are equal, a threshold keeps more or less.",
    zh="没有做到每四个正好留两个：有相等的时候，用阈值会多留或少留。",
    caught_by="exactly_two_of_equals",
    looks_like=lambda seen: bool((seen["kept"] != 2).any()),
    step="Choose two positions of each group, not a threshold.",
    step_zh="每组按位置选两个，不要用阈值。",
)
def by_a_threshold(weight):
    _refuse(weight)
    groups = weight.abs().reshape(-1, 4)
    return (groups >= groups.topk(2).values[:, 1:]).reshape(weight.shape)


@wrong(
    "mask_2_to_4",
    "Pads or cuts rows that do not fall into groups of four.",
    zh="不能按四个分组的行，悄悄补齐或截断了。",
    caught_by="other_widths_are_refused",
    step="Raise ValueError: hardware would refuse such a weight.",
    step_zh="抛出 ValueError：这样的权重硬件也不收。",
)
def pads_other_widths(weight):
    padded = nn.functional.pad(weight, (0, -weight.shape[1] % 4))
    mask = _best_two(padded.abs().reshape(-1, 4)).reshape(padded.shape)
    return mask[:, : weight.shape[1]]


# --- retrain_pruned -----------------------------------------------------------------------


def _retrained(
    model, masks, batches, lr=3e-3,
    *, first=True, after=True, last=True, kind=torch.optim.AdamW, mode=True, cleared=True,
):  # fmt: skip
    """A right one, of which the others change one thing each."""
    parameters = dict(model.named_parameters())
    optimizer = kind(parameters.values(), lr=lr)

    @torch.no_grad()
    def prune(now=True):
        for name, mask in masks.items() if now else ():
            parameters[name].mul_(mask)

    model.train(mode)
    prune(first)
    for x, y in batches:
        if cleared:
            optimizer.zero_grad()
        cross_entropy(model(x), y).backward()
        optimizer.step()
        prune(after)
    prune(last)
    return model.eval()


@wrong(
    "retrain_pruned",
    "Masks before the first step, and lets the optimiser fill the zeros again.",
    zh="只在第一步之前用掩码，优化器又把零填了回来。",
    caught_by="zero_in_every_pass",
    looks_like=lambda seen: not any(seen[:2]) and any(seen),
    step="Set the pruned weights to 0 again after every step.",
    step_zh="每走一步，都把剪掉的权重重新置零。",
)
def zeros_grow_again(*given, **options):
    return _retrained(*given, **options, after=False, last=False)


@wrong(
    "retrain_pruned", "Applies the mask after each step, but not before the first one.",
    zh="每一步之后都用了掩码，第一步之前却没有。", caught_by="zero_in_every_pass",
    step="Set the pruned weights to 0 once before the loop as well.",
    step_zh="循环开始之前也要先把剪掉的权重置零。",
)  # fmt: skip
def first_pass_is_dense(*given, **options):
    return _retrained(*given, **options, first=False)


@wrong(
    "retrain_pruned", "Takes Adam, whose weight decay is another.",
    zh="用了 Adam，它的权重衰减和 AdamW 不同。", caught_by="steps_of_adamw",
    step="torch.optim.AdamW, with its defaults.", step_zh="用 torch.optim.AdamW，其余取默认值。",
)  # fmt: skip
def plain_adam(*given, **options):
    return _retrained(*given, **options, kind=torch.optim.Adam)


@wrong(
    "retrain_pruned", "Returns another model than the one given: a copy was trained.",
    zh="返回的不是传进来的那个模型：训练的是副本。", caught_by="trains_and_comes_back",
    looks_like=lambda seen: not seen["the same"],
    step="In place: no deepcopy.", step_zh="要原地训练：不要 deepcopy。",
)  # fmt: skip
def trains_a_copy(model, *given, **options):
    return _retrained(copy.deepcopy(model), *given, **options)


@wrong(
    "retrain_pruned", "Never clears the gradients, so that those of all batches add up.",
    zh="没有清零梯度，各个批次的梯度越积越多。", caught_by="steps_of_adamw",
    step="Call zero_grad() in every round, before backward().",
    step_zh="每一轮 backward() 之前都要 zero_grad()。",
)  # fmt: skip
def gradients_add_up(*given, **options):
    return _retrained(*given, **options, cleared=False)


@wrong(
    "retrain_pruned",
    "Trains the dense network and prunes it at the end.",
    zh="先按稠密网络训练，最后才剪。",
    caught_by="learns_to_read_again",
    step="What is left must learn without the rest: apply the mask before the first step.",
    step_zh="剩下的要学会独自工作：第一步之前就要用上掩码。",
)
def prunes_at_the_end(*given, **options):
    return _retrained(*given, **options, first=False, after=False)


@wrong(
    "retrain_pruned",
    "Trains in evaluation mode, so that batch norm keeps its old statistics.",
    zh="在评估模式下训练，批归一化一直用旧的统计量。",
    caught_by="trains_and_comes_back",
    step="Call train() before the loop and eval() after it.",
    step_zh="循环前调用 train()，循环后调用 eval()。",
)
def trains_in_eval_mode(*given, **options):
    return _retrained(*given, **options, mode=False)


# --- low_rank -----------------------------------------------------------------------------


def _factored(weight, rank=None, *, greatest=lambda m, n: (m * n - 1) // (m + n), one=1, other=0):
    """A right one, of which the others change one thing each; s goes to these powers."""
    u, s, vh = torch.linalg.svd(weight, full_matrices=False)
    rank = rank or greatest(*weight.shape)
    s = s[:rank]
    return u[:, :rank] * s**one, s[:, None] ** other * vh[:rank]


@wrong(
    "low_rank",
    "Leaves the singular values out.",
    zh="漏了奇异值。",
    caught_by="nearest_of_its_rank",
    step="weight = U diag(s) Vᵀ: put s into one of the factors, or its root into both.",
    step_zh="weight = U diag(s) Vᵀ：把 s 乘进其中一个因子，或两边各乘平方根。",
)
def without_singular_values(*given, **options):
    return _factored(*given, **options, one=0)


@wrong(
    "low_rank", "Transposes what linalg.svd gives as transposed already.",
    zh="linalg.svd 返回的 Vᵀ 又转置了一次。", caught_by="nearest_of_its_rank",
    step="torch.linalg.svd returns Vᵀ (torch.svd returned V): take its first rows.",
    step_zh="torch.linalg.svd 返回的就是 Vᵀ（旧的 torch.svd 返回 V）：取前几行。",
)  # fmt: skip
def transposed_again(weight, *given, **options):
    a, b = _factored(weight, *given, **options)
    vh = torch.linalg.svd(weight, full_matrices=False)[2]
    return a, vh.T[: len(b)]


@wrong(
    "low_rank", "Puts the singular values into both factors: they count twice.",
    zh="奇异值在两个因子里各乘了一遍，等于平方。", caught_by="nearest_of_its_rank",
    step="Put s into one of the factors only, or its root into both.",
    step_zh="s 只乘进一个因子，或两边各乘平方根。",
)  # fmt: skip
def singular_values_twice(*given, **options):
    return _factored(*given, **options, other=1)


@wrong(
    "low_rank",
    "Takes mn / (m + n) also where it is whole, and so saves nothing.",
    zh="mn / (m + n) 正好是整数时也照取，结果一个数也没省。",
    caught_by="greatest_rank_that_saves",
    step="Fewer, not as many: at r = mn / (m + n) both hold the same.",
    step_zh="要更少，而不是一样多：r = mn / (m + n) 时正好打平。",
)
def at_break_even(*given, **options):
    return _factored(*given, **options, greatest=lambda m, n: m * n // (m + n))


# --- LoRALinear ---------------------------------------------------------------------------


class _Lora(nn.Module):
    """A right one, of which the others change one thing each."""

    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.rank, self.alpha = rank, alpha
        kind = {"dtype": base.weight.dtype}
        size = base.in_features**-0.5
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features, **kind) * size)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, **kind))

    def scale(self):
        return self.alpha / self.rank

    def update(self):
        return self.scale() * self.lora_B @ self.lora_A

    def forward(self, x):
        return self.base(x) + linear(x, self.update())

    @torch.no_grad()
    def merged(self):
        plain = copy.deepcopy(self.base)
        plain.weight += self.update()
        return plain


@wrong(
    "LoRALinear",
    "Draws both factors at random: fine-tuning starts from a damaged model.",
    zh="两个因子都随机初始化：微调从一个被破坏的模型起步。",
    caught_by="starts_as_the_base",
    step="lora_B starts at zero, so that B A is zero.",
    step_zh="lora_B 从零开始，B A 才是零。",
)
class BothAtRandom(_Lora):
    def __init__(self, base, rank, alpha):
        super().__init__(base, rank, alpha)
        nn.init.normal_(self.lora_B)


@wrong(
    "LoRALinear",
    "Starts both factors at zero: neither ever gets a gradient.",
    zh="两个因子都从零开始：谁都得不到梯度。",
    caught_by="first_gradient_reaches_b",
    step="The gradient of B holds A, and that of A holds B: draw lora_A at random.",
    step_zh="B 的梯度里含 A，A 的梯度里含 B：lora_A 要随机。",
)
class BothAtZero(_Lora):
    def __init__(self, base, rank, alpha):
        super().__init__(base, rank, alpha)
        nn.init.zeros_(self.lora_A)


@wrong(
    "LoRALinear", "Starts lora_A at zero and draws lora_B: the other way round.",
    zh="初始化反了：lora_A 为零，lora_B 随机。", caught_by="starts_as_the_base",
    step="lora_A is drawn at random, lora_B starts at zero.",
    step_zh="lora_A 随机，lora_B 从零开始。",
    looks_like=lambda seen: not seen["A is random"] and bool(seen["B"].any()),
)  # fmt: skip
class StartsExchanged(BothAtRandom):
    def __init__(self, base, rank, alpha):
        super().__init__(base, rank, alpha)
        nn.init.zeros_(self.lora_A)


@wrong(
    "LoRALinear", "Draws lora_A far larger or smaller than nn.Linear draws its weights.",
    zh="lora_A 的初始值比 nn.Linear 的初始权重大得多或小得多。", caught_by="starts_as_the_base",
    step="nn.init.kaiming_uniform_(…, a=√5) is what nn.Linear does.",
    step_zh="nn.Linear 用的是 nn.init.kaiming_uniform_(…, a=√5)。",
    looks_like=lambda seen: seen["A is random"] and not seen["A is about as large as weights"],
)  # fmt: skip
class DrawsTooLarge(_Lora):
    def __init__(self, base, rank, alpha):
        super().__init__(base, rank, alpha)
        nn.init.normal_(self.lora_A)


@wrong(
    "LoRALinear",
    "Scales by α alone.",
    zh="只乘了 α，没有除以 r。",
    caught_by="adds_the_scaled_product",
    step="Multiply by α / r.",
    step_zh="要乘 α / r。",
)
class ByAlphaAlone(_Lora):
    def scale(self):
        return self.alpha


@wrong(
    "LoRALinear", "Adds the product as it is, without α / r.",
    zh="直接加上了乘积，没有乘 α / r。", caught_by="adds_the_scaled_product",
    step="Multiply the product by α / r, in forward and in merged.",
    step_zh="forward 和 merged 里的乘积都要乘 α / r。",
)  # fmt: skip
class WithoutScale(_Lora):
    def scale(self):
        return 1.0


@wrong(
    "LoRALinear",
    "Leaves the base, or a part of it, trainable: this is fine-tuning with extras.",
    zh="没有冻结 base，或者只冻结了一部分：等于普通微调再加点东西。",
    caught_by="only_two_train",
    looks_like=lambda seen: any(True in found["base trains"] for found in seen),
    errata=("E201",),
    step="Set requires_grad to False for every parameter of the base.",
    step_zh="把 base 每个参数的 requires_grad 设为 False。",
)
class BaseStillTrains(_Lora):
    def __init__(self, base, rank, alpha):
        super().__init__(base, rank, alpha)
        base.requires_grad_(True)


@wrong(
    "LoRALinear",
    "Merges without the scale.",
    zh="合并时漏了缩放系数。",
    caught_by="merged_gives_the_same",
    step="The merged weight is W + (α / r) B A.",
    step_zh="合并后的权重是 W + (α / r) B A。",
)
class MergedWithoutScale(_Lora):
    @torch.no_grad()
    def merged(self):
        plain = copy.deepcopy(self.base)
        plain.weight += self.lora_B @ self.lora_A
        return plain


@wrong(
    "LoRALinear",
    "Merges into the base itself, so that the layer adds the update twice.",
    zh="合并到了 base 自己身上，这一层于是加了两遍更新量。",
    caught_by="merged_gives_the_same",
    step="Make a new nn.Linear, or a copy, and change that.",
    step_zh="新建一个 nn.Linear 或复制一份，再改它。",
)
class MergedInPlace(_Lora):
    @torch.no_grad()
    def merged(self):
        self.base.weight += self.update()
        return self.base


@wrong(
    "LoRALinear",
    "Cuts the factors off from the gradient: nothing learns.",
    zh="因子和梯度断开了：什么也学不到。",
    caught_by="gpt_learns_reviews",
    step="Use the parameters themselves in forward, without .data, detach or no_grad.",
    step_zh="forward 里直接用参数本身，不要用 .data、detach 或 no_grad。",
)
class FactorsCutOff(_Lora):
    def forward(self, x):
        return self.base(x) + linear(x, self.update().detach()) + 0 * self.lora_B.sum()


# --- distillation_loss --------------------------------------------------------------------


def _hard(student, targets, _=None):
    return 0.0 * student.sum() if (targets == -100).all() else cross_entropy(student, targets)


def _soft(student, teacher, temperature):
    log_q = log_softmax(student / temperature, dim=1)
    log_p = log_softmax(teacher / temperature, dim=1)
    return kl_div(log_q, log_p, reduction="batchmean", log_target=True)


def _distilled(
    student_logits, teacher_logits, targets, temperature=2.0, weight=0.9,
    *, soft=_soft, hard=_hard, power=2, exchanged=False, detached=True,
):  # fmt: skip
    """A right one, of which the others change one thing each."""
    teacher = teacher_logits.detach() if detached else teacher_logits
    first = temperature**power * soft(student_logits, teacher, temperature)
    weight = 1 - weight if exchanged else weight
    return weight * first + (1 - weight) * hard(student_logits, targets, temperature)


@wrong(
    "distillation_loss",
    "Leaves T² out: at a high temperature the teacher is hardly heard.",
    zh="漏了 T²：温度一高，几乎听不见老师的声音。",
    caught_by="weighted_sum_of_both",
    step="Gradients of the soft part shrink with 1/T²: multiply it by T².",
    step_zh="软目标那一项的梯度按 1/T² 缩小：乘回 T²。",
)
def without_t_squared(*given, **options):
    return _distilled(*given, **options, power=0)


@wrong(
    "distillation_loss", "Multiplies by T where it should be T².",
    zh="该乘 T² 的地方只乘了 T。", caught_by="weighted_sum_of_both",
    step="The gradient of the soft part shrinks with 1/T²: the factor is T².",
    step_zh="软目标那一项的梯度按 1/T² 缩小，所以要乘 T²。",
)  # fmt: skip
def by_t_once(*given, **options):
    return _distilled(*given, **options, power=1)


@wrong(
    "distillation_loss", "Gives the labels the weight that belongs to the teacher.",
    zh="老师的权重给了标签那一项。", caught_by="weighted_sum_of_both",
    step="w belongs to the divergence, 1 − w to the cross entropy.",
    step_zh="w 乘散度，1 − w 乘交叉熵。",
)  # fmt: skip
def weights_exchanged(*given, **options):
    return _distilled(*given, **options, exchanged=True)


@wrong(
    "distillation_loss", "Takes the cross entropy against the teacher, not the divergence.",
    zh="对老师算的是交叉熵，而不是 KL 散度。", caught_by="teachers_part_alone",
    step="KL(p ‖ q) is the cross entropy less the entropy of p: it is 0 where both agree.",
    step_zh="KL(p ‖ q) 等于交叉熵减去 p 的熵：两者一致时为 0。",
)  # fmt: skip
def cross_entropy_with_the_teacher(*given, **options):
    def soft(student, teacher, temperature):
        return cross_entropy(student / temperature, softmax(teacher / temperature, dim=1))

    return _distilled(*given, **options, soft=soft)


@wrong(
    "distillation_loss", "Divides the labels' part by all rows, those without a label too.",
    zh="标签那一项除以了总行数，把没有标签的行也算进去了。", caught_by="rows_without_labels",
    step="Average the cross entropy over the labelled rows only.",
    step_zh="交叉熵只对有标签的行求平均。",
)  # fmt: skip
def labels_watered_down(*given, **options):
    def hard(student, targets, _):
        return cross_entropy(student, targets, reduction="none").mean()

    return _distilled(*given, **options, hard=hard)


@wrong(
    "distillation_loss",
    "Takes the divergence the other way round, from the student to the teacher.",
    zh="KL 散度的方向反了，成了学生到老师。",
    caught_by="weighted_sum_of_both",
    step="kl_div takes the logarithm of the student first, then the teacher's probabilities.",
    step_zh="kl_div 第一个参数是学生的对数概率，第二个是老师的概率。",
)
def divergence_reversed(*given, **options):
    def soft(student, teacher, temperature):
        return _soft(teacher, student, temperature)

    return _distilled(*given, **options, soft=soft)


@wrong(
    "distillation_loss",
    "Averages the divergence over rows and classes: kl_div's default reduction.",
    zh="散度对行和类别都求了平均：kl_div 的默认 reduction 就是这样。",
    caught_by="weighted_sum_of_both",
    step="reduction='batchmean' divides by the rows only.",
    step_zh="reduction='batchmean' 只除以行数。",
)
def mean_over_classes_too(*given, **options):
    def soft(student, teacher, temperature):
        return _soft(student, teacher, temperature) / student.shape[1]

    return _distilled(*given, **options, soft=soft)


@wrong(
    "distillation_loss",
    "Uses the temperature for the labels' part as well.",
    zh="标签那一项也用了温度。",
    caught_by="weighted_sum_of_both",
    step="The cross entropy takes the student's logits as they are.",
    step_zh="交叉熵用的是学生原本的 logits。",
)
def labels_softened_too(*given, **options):
    def hard(student, targets, temperature):
        return _hard(student / temperature, targets)

    return _distilled(*given, **options, hard=hard)


@wrong(
    "distillation_loss",
    "Takes logarithms of probabilities, which are 0 where the model is sure.",
    zh="对概率取对数，而模型很肯定时概率会变成 0。",
    caught_by="finite_where_sure",
    step="Use log_softmax.",
    step_zh="用 log_softmax。",
)
def logarithms_of_zero(*given, **options):
    def soft(student, teacher, temperature):
        p, q = (softmax(logits / temperature, dim=1) for logits in (teacher, student))
        return (p * (p / q).log()).sum(1).mean()

    return _distilled(*given, **options, soft=soft)


@wrong(
    "distillation_loss",
    "Lets the student hear the teacher on labelled rows only.",
    zh="只在有标签的行上听老师的。",
    caught_by="a_student_learns",
    step="The teacher needs no labels: take the divergence over all rows.",
    step_zh="老师不需要标签：散度对全部行计算。",
)
def teacher_on_labelled_rows(*given, **options):
    known = given[2] != -100

    def soft(student, teacher, temperature):
        return _soft(student[known], teacher[known], temperature) if known.any() else 0.0

    return _distilled(*given, **options, soft=soft)


@wrong(
    "distillation_loss",
    "Sends gradients into the teacher.",
    zh="梯度传进了老师。",
    caught_by="gradients_reach_the_student",
    step="Detach the teacher's logits: only the student learns.",
    step_zh="对老师的 logits 用 detach：学的只有学生。",
)
def teaches_the_teacher(*given, **options):
    return _distilled(*given, **options, detached=False)
