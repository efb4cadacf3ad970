"""Known-wrong answers for `training-efficiency`, each one misconception."""

import copy
import math
import pickle
import random

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from autograder.checks import wrong

# --- gradients ----------------------------------------------------------------------------


def _backward(x, y, w1, b1, w2, b2, *, mask=lambda z: z > 0, shift=True):
    z = x @ w1 + b1
    h = np.maximum(z, 0)
    logits = h @ w2 + b2
    powers = np.exp(logits - (logits.max(axis=1, keepdims=True) if shift else 0))
    d = powers / powers.sum(axis=1, keepdims=True)
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    back = (d @ w2.T) * mask(z)
    return {"w1": x.T @ back, "b1": back.sum(0), "w2": h.T @ d, "b2": d.sum(0)}


@wrong("gradients", "Takes the sum over the examples, not their mean.",
       zh="对样本求了和，没有取平均。", caught_by="second_layer",
       step="The loss is a mean: divide the gradient of the logits by the number of examples.",
       step_zh="损失是平均值：logits 的梯度要除以样本数。")  # fmt: skip
def sums_over_examples(x, y, *weights):
    return {name: grad * len(y) for name, grad in _backward(x, y, *weights).items()}


@wrong("gradients", "Updates the weights: takes backpropagation for the step.",
       zh="更新了权重：把反向传播当成了更新参数。", caught_by="nothing_is_updated",
       errata=("E083",),
       step="Backward computes gradients. Whether and how weights move is for the optimizer.",
       step_zh="反向传播只算梯度；权重动不动、怎么动，由优化器决定。")  # fmt: skip
def updates_the_weights(x, y, w1, b1, w2, b2):
    found = _backward(x, y, w1, b1, w2, b2)
    for name, w in (("w1", w1), ("b1", b1), ("w2", w2), ("b2", b2)):
        w -= 0.1 * found[name]
    return found


@wrong("gradients", "Lets gradients through the ReLU everywhere.",
       zh="ReLU 处没有截断，梯度全部放行。", caught_by="first_layer",
       step="Where z is not positive, h does not depend on it: the gradient there is 0.",
       step_zh="z 不为正的地方，h 与它无关，梯度为 0。")  # fmt: skip
def forgets_the_relu(*given):
    return _backward(*given, mask=np.ones_like)


@wrong("gradients", "Lets gradients through where z is exactly 0.",
       zh="z 恰好为 0 时也放行了梯度。", caught_by="nothing_through_zero",
       step="The mask is z > 0, not z ≥ 0: the convention of the task, and of torch.",
       step_zh="掩码是 z > 0 而不是 z ≥ 0：题目与 torch 都这样约定。")  # fmt: skip
def lets_zero_through(*given):
    return _backward(*given, mask=lambda z: z >= 0)


@wrong("gradients", "Exponentiates the logits as they are, and overflows.",
       zh="直接对 logits 取指数，溢出了。", caught_by="loud_logits",
       step="Subtract each row's greatest logit first; the probabilities stay the same.",
       step_zh="先减去每行最大的 logit，概率不变。")  # fmt: skip
def overflows(*given):
    with np.errstate(all="ignore"):
        return _backward(*given, shift=False)


# --- optimizer_steps ----------------------------------------------------------------------


@wrong("sgd_step", "Averages the gradients: weighs the new one by 1 − μ.",
       zh="用了滑动平均：新梯度乘了 1 − μ。", caught_by="velocity_gathers",
       step="In torch's SGD the new gradient enters the velocity whole.",
       step_zh="torch 的 SGD 里，新梯度完整地进入速度。")  # fmt: skip
def averages_the_velocity(w, grad, state, lr, momentum=0.9):
    state["v"] = momentum * state.get("v", 0) + (1 - momentum) * grad
    return w - lr * state["v"]


@wrong("sgd_step", "Puts the rate into the velocity: an old gradient keeps the rate of its day.",
       zh="学习率乘进了速度里：旧梯度带着当时的学习率。", caught_by="velocity_gathers",
       step="The velocity gathers bare gradients; the rate of this step multiplies it at the end.",
       step_zh="速度只累积梯度本身，最后再乘这一步的学习率。")  # fmt: skip
def rate_in_the_velocity(w, grad, state, lr, momentum=0.9):
    state["v"] = momentum * state.get("v", 0) + lr * grad
    return w - state["v"]


def _adam(w, grad, state, lr, betas, eps, *, correct=True, inside=False):
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * grad
    state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * grad**2
    m = state["m"] / (1 - betas[0] ** t) if correct else state["m"]
    v = state["v"] / (1 - betas[1] ** t) if correct else state["v"]
    return w - lr * m / ((v + eps).sqrt() if inside else v.sqrt() + eps)


@wrong("adam_step", "Leaves out the correction of the averages that begin at zero.",
       zh="没有做偏差校正：两个平均都从零开始。", caught_by="first_step_of_adam",
       step="Divide by 1 − β to the power of t, each average by its own.",
       step_zh="两个平均各除以 1 − β 的 t 次方。")  # fmt: skip
def without_bias_correction(
    w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
):  # fmt: skip
    return _adam(w, grad + weight_decay * w, state, lr, betas, eps, correct=False)


@wrong("adam_step", "Puts ε under the root.", zh="把 ε 放进了根号里。",
       caught_by="epsilon_beside_the_root", step="Take the root first, then add ε.",
       step_zh="先开根号，再加 ε。")  # fmt: skip
def epsilon_under_the_root(
    w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
):  # fmt: skip
    return _adam(w, grad + weight_decay * w, state, lr, betas, eps, inside=True)


@wrong("adam_step", "Keeps the corrected averages in the state, and corrects them over again.",
       zh="把校正后的平均存回了 state，下一步又校正一遍。", caught_by="adam_step_by_step",
       step="Keep the bare averages; correct copies of them in each step.",
       step_zh="state 里存未校正的平均，每一步只校正它的副本。")  # fmt: skip
def keeps_the_corrected(
    w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
):  # fmt: skip
    new = _adam(w, grad + weight_decay * w, state, lr, betas, eps)
    state["m"] /= 1 - betas[0] ** state["t"]
    state["v"] /= 1 - betas[1] ** state["t"]
    return new


@wrong("adam_step", "Sums all squares, as AdaGrad does: the steps only shrink.",
       zh="像 AdaGrad 那样累加平方，步长只减不增。", caught_by="adam_step_by_step",
       errata=("E141",),
       step="Adam averages squares and forgets old ones; AdaGrad adds them up for ever.",
       step_zh="Adam 对平方做滑动平均，会遗忘旧的；AdaGrad 一直累加。")  # fmt: skip
def adagrad(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    grad = grad + weight_decay * w
    state["v"] = state.get("v", 0) + grad**2
    return w - lr * grad / (state["v"].sqrt() + eps)


@wrong("adam_step", "Decays the weights beside the gradient: that is AdamW.",
       zh="衰减没有进梯度，写成了 AdamW。", caught_by="decay_inside_the_gradient",
       step="For Adam add λw to the gradient, before the averages.",
       step_zh="Adam 要先把 λw 加到梯度里，再做平均。")  # fmt: skip
def adam_decoupled(w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return _adam(w * (1 - lr * weight_decay), grad, state, lr, betas, eps)


@wrong("adamw_step", "Adds the decay to the gradient: that is Adam with L2.",
       zh="把衰减加进了梯度，写成了带 L2 的 Adam。", caught_by="decay_beside_the_gradient",
       step="Shrink the weights directly; the averages see the bare gradient.",
       step_zh="直接缩小权重；滑动平均只看原来的梯度。")  # fmt: skip
def adamw_coupled(
    w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, adam_step=None
):  # fmt: skip
    return _adam(w, grad + weight_decay * w, state, lr, betas, eps)


@wrong("adamw_step", "Decays by λ, without the rate.", zh="衰减没有乘学习率。",
       caught_by="decay_without_gradient", step="Each step takes ηλw off the weights.",
       step_zh="每一步从权重里减去 ηλw。")  # fmt: skip
def decays_without_the_rate(
    w, grad, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, adam_step=None
):  # fmt: skip
    return _adam(w * (1 - weight_decay), grad, state, lr, betas, eps)


# --- lr_factor ----------------------------------------------------------------------------


def _cosine(progress):
    return (1 + math.cos(math.pi * progress)) / 2


@wrong("lr_factor", "Keeps the rate constant: neither warm-up nor decay.",
       zh="学习率一直不变：没有预热，也不衰减。", caught_by="straight_up", errata=("E140",),
       step="Start at 0, reach 1 at warmup_steps, and come down to 0 at the end.",
       step_zh="从 0 开始，到 warmup_steps 升到 1，最后降到 0。")  # fmt: skip
def constant(step, warmup_steps, total_steps):
    return 1.0


@wrong("lr_factor", "Measures the cosine from step 0, so that the peak is cut off.",
       zh="余弦从第 0 步算起，削掉了峰值。", caught_by="half_a_cosine_down",
       step="Progress begins at 0 where the warm-up ends.",
       step_zh="预热结束时进度才是 0。")  # fmt: skip
def cosine_from_the_start(step, warmup_steps, total_steps):
    return step / warmup_steps if step < warmup_steps else _cosine(step / total_steps)


@wrong("lr_factor", "Warms up one step too early: step 0 already moves.",
       zh="预热早了一步：第 0 步就不为 0。", caught_by="straight_up",
       step="At step 0 the factor is 0.",
       step_zh="第 0 步的系数是 0。")  # fmt: skip
def one_step_early(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return _cosine((step - warmup_steps) / (total_steps - warmup_steps))


@wrong("lr_factor", "Comes down in a straight line, not along a cosine.",
       zh="沿直线下降，而不是沿余弦。", caught_by="half_a_cosine_down",
       step="With the progress p from 0 to 1 the factor is (1 + cos πp) / 2.",
       step_zh="进度 p 从 0 到 1，系数是 (1 + cos πp) / 2。")  # fmt: skip
def straight_down(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return step / warmup_steps
    return (total_steps - step) / (total_steps - warmup_steps)


# --- accumulate_gradients -----------------------------------------------------------------


def _counted(y):
    return (y != -100).sum().item()


def _loss(model, x, y):
    return cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum")


def _accumulate(model, micro_batches, weigh, clear=True):
    total = 0.0
    if clear:
        model.zero_grad()
    for x, y in micro_batches:
        loss = weigh(_loss(model, x, y), y)
        loss.backward()
        total += loss.item()
    return total


@wrong("accumulate_gradients", "Weighs the pieces' means by pieces or sequences, not by positions.",
       zh="各份的均值按份数或序列数加权，而不是按计入的位置数。",
       caught_by="positions_weigh_the_same",
       step="Divide summed losses by the positions of all pieces; count these first.",
       step_zh="损失求和后除以所有份的计入位置总数，总数要先数好。")  # fmt: skip
def mean_of_means(model, micro_batches):
    pieces = len(micro_batches)
    return _accumulate(model, micro_batches, lambda loss, y: loss / _counted(y) / pieces)


@wrong("accumulate_gradients", "Counts the ignored positions too.",
       zh="把忽略的位置也算进了分母。", caught_by="positions_weigh_the_same",
       step="Divide by the positions that are not −100.",
       step_zh="分母只数不是 −100 的位置。")  # fmt: skip
def counts_ignored(model, micro_batches):
    count = sum(y.numel() for _, y in micro_batches)
    return _accumulate(model, micro_batches, lambda loss, y: loss / count)


@wrong("accumulate_gradients", "Adds all losses first and goes backward once at the end.",
       zh="先把损失全加起来，最后才反向一次。", caught_by="one_graph_at_a_time",
       step="All graphs are then in memory at once. Go backward within the loop.",
       step_zh="这样所有计算图同时占着显存。反向要放在循环里。")  # fmt: skip
def one_backward_at_the_end(model, micro_batches):
    count = sum(_counted(y) for _, y in micro_batches)
    model.zero_grad()
    loss = sum(_loss(model, x, y) for x, y in micro_batches) / count
    loss.backward()
    return loss.item()


@wrong("accumulate_gradients", "Leaves old gradients in.", zh="旧梯度没有清掉。",
       caught_by="nothing_old_enters", step="Clear the gradients before the first piece.",
       step_zh="在第一份之前清梯度。")  # fmt: skip
def keeps_old_gradients(model, micro_batches):
    count = sum(_counted(y) for _, y in micro_batches)
    return _accumulate(model, micro_batches, lambda loss, y: loss / count, clear=False)


@wrong("accumulate_gradients", "Clears the gradients in every round: only the last piece is left.",
       zh="每一轮都清梯度，只剩最后一份的。", caught_by="equal_pieces",
       step="Clear once, before the loop; backward() adds to what is there.",
       step_zh="只在循环之前清一次；backward() 会累加。")  # fmt: skip
def clears_in_every_round(model, micro_batches):
    count = sum(_counted(y) for _, y in micro_batches)
    total = 0.0
    for x, y in micro_batches:
        total += _accumulate(model, [(x, y)], lambda loss, y: loss / count)
    return total


# --- clip_grad_norm -----------------------------------------------------------------------


def _grads(parameters):
    return [p.grad for p in parameters if p.grad is not None]


def _norm(parameters):
    return math.sqrt(sum(g.double().square().sum().item() for g in _grads(parameters)))


@wrong("clip_grad_norm", "Clips each gradient by its own norm.",
       zh="每个梯度按自己的范数单独裁剪。", caught_by="long_ones_are_shortened",
       step="One norm over all gradients and one factor, or the direction changes.",
       step_zh="全部梯度共用一个范数和一个系数，否则方向会变。")  # fmt: skip
def clips_each_alone(parameters, max_norm):
    norm = _norm(parameters)
    for grad in _grads(parameters):
        grad.mul_(min(1.0, max_norm / max(grad.norm().item(), 1e-12)))
    return norm


@wrong("clip_grad_norm", "Clips each number to ±max_norm.", zh="把每个数截到 ±max_norm。",
       caught_by="long_ones_are_shortened", step="Scale the whole vector; do not cut numbers.",
       step_zh="缩放整个向量，不要截断单个数。")  # fmt: skip
def clips_values(parameters, max_norm):
    norm = _norm(parameters)
    for grad in _grads(parameters):
        grad.clamp_(-max_norm, max_norm)
    return norm


@wrong("clip_grad_norm", "Stretches short gradients to max_norm as well.",
       zh="短的梯度也被放大到 max_norm。", caught_by="short_ones_stay",
       step="The factor is never above 1.",
       step_zh="系数不能超过 1。")  # fmt: skip
def stretches_short_ones(parameters, max_norm):
    norm = _norm(parameters)
    for grad in _grads(parameters):
        grad.mul_(max_norm / (norm + 1e-6))
    return norm


@wrong("clip_grad_norm", "Returns the norm after clipping.", zh="返回的是裁剪之后的范数。",
       caught_by="long_ones_are_shortened",
       step="Return G as it was before: it is what one watches.",
       step_zh="返回裁剪之前的 G，监控看的是它。")  # fmt: skip
def returns_the_norm_after(parameters, max_norm):
    norm = nn.utils.clip_grad_norm_(parameters, max_norm).item()
    return min(norm, max_norm)


# --- scaled_step --------------------------------------------------------------------------


def _scaled(
    loss, optimizer, scaler, max_norm, growth_interval, *, scale=True, unscale=True,
    early_clip=False, test=True, restart=True, clear=True,
):  # fmt: skip
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if clear:
        optimizer.zero_grad()
    factor = scaler["scale"] if scale else 1.0
    (loss * factor).backward()
    if early_clip and max_norm is not None:
        nn.utils.clip_grad_norm_(parameters, max_norm)
    parameters = [p for p in parameters if p.grad is not None]
    for p in parameters:
        p.grad.div_(factor if unscale else 1.0)
    if test and any(not p.grad.isfinite().all() for p in parameters):
        scaler["scale"] /= 2
        scaler["good_steps"] = 0 if restart else scaler["good_steps"]
        return False
    if max_norm is not None and not early_clip:
        nn.utils.clip_grad_norm_(parameters, max_norm)
    optimizer.step()
    scaler["good_steps"] += 1
    if scaler["good_steps"] >= growth_interval:
        scaler["scale"], scaler["good_steps"] = scaler["scale"] * 2, 0
    return True


@wrong("scaled_step", "Does not scale the loss: small gradients vanish in half precision.",
       zh="没有放大损失，小梯度在半精度里消失了。", caught_by="tiny_gradients_arrive",
       errata=("E142",), step="Multiply the loss by the scale before backward().",
       step_zh="在 backward() 之前把损失乘以 scale。")  # fmt: skip
def without_scaling(
    loss, optimizer, scaler, max_norm=None, growth_interval=2000, clip_grad_norm=None
):  # fmt: skip
    return _scaled(loss, optimizer, scaler, max_norm, growth_interval, scale=False)


@wrong("scaled_step", "Never divides the gradients by the scale.",
       zh="梯度没有除回 scale。", caught_by="an_ordinary_step",
       step="Divide every gradient by the scale before anything looks at it.",
       step_zh="在任何人使用梯度之前，先除以 scale。")  # fmt: skip
def never_unscales(
    loss, optimizer, scaler, max_norm=None, growth_interval=2000, clip_grad_norm=None
):  # fmt: skip
    return _scaled(loss, optimizer, scaler, max_norm, growth_interval, unscale=False)


@wrong("scaled_step", "Clips before the gradients have been divided by the scale.",
       zh="梯度还没除回来就裁剪了。", caught_by="clipped_at_true_size",
       step="First divide by the scale, then clip.",
       step_zh="先除以 scale，再裁剪。")  # fmt: skip
def clips_too_early(
    loss, optimizer, scaler, max_norm=None, growth_interval=2000, clip_grad_norm=None
):  # fmt: skip
    return _scaled(loss, optimizer, scaler, max_norm, growth_interval, early_clip=True)


@wrong("scaled_step", "Takes the step although a gradient is infinite or nan.",
       zh="梯度里有无穷大或 nan，还照样更新。", caught_by="overflow_is_skipped",
       looks_like=lambda seen: any(
           not np.isfinite(weight).all() for one in seen for weight in one["weights"]),
       step="One number that is not finite spoils the weights for good: skip the step.",
       step_zh="只要有一个数不是有限值，权重就毁了：跳过这一步。")  # fmt: skip
def steps_regardless(
    loss, optimizer, scaler, max_norm=None, growth_interval=2000, clip_grad_norm=None
):  # fmt: skip
    return _scaled(loss, optimizer, scaler, max_norm, growth_interval, test=False)


def _runs_on(seen):
    """The third step is skipped and its count stays, or the last doubles and its count stays."""
    (_, after, stepped), (_, last, _) = (seen[place]["state"] for place in (2, -1))
    return not stepped and (after != 0 or last == 3)


@wrong("scaled_step", "Lets the count of good steps run on, after an overflow or after a doubling.",
       zh="成功的计数该从 0 重新开始时（溢出之后，或翻倍之后）没有清零。",
       caught_by="overflow_restarts_the_count", looks_like=_runs_on,
       step="Set good_steps to 0 when a step is skipped, and when the scale has doubled.",
       step_zh="跳过一步时，以及 scale 翻倍时，都要把 good_steps 清零。")  # fmt: skip
def counts_on(
    loss, optimizer, scaler, max_norm=None, growth_interval=2000, clip_grad_norm=None
):  # fmt: skip
    return _scaled(loss, optimizer, scaler, max_norm, growth_interval, restart=False)


@wrong("scaled_step", "Leaves old gradients in, which are added to the new ones.",
       zh="旧梯度没有清掉，加进了新的里。", caught_by="an_ordinary_step",
       step="Clear the gradients before backward().", step_zh="反向传播之前先清梯度。")  # fmt: skip
def old_gradients_stay(
    loss, optimizer, scaler, max_norm=None, growth_interval=2000, clip_grad_norm=None
):  # fmt: skip
    return _scaled(loss, optimizer, scaler, max_norm, growth_interval, clear=False)


# --- training_memory ----------------------------------------------------------------------


def _states(parameters, world_size, weight, gradient, optimizer):
    def shared(split):
        return world_size if split else 1

    parts = 2 / shared(weight) + 2 / shared(gradient) + 12 / shared(optimizer)
    return parameters * parts


@wrong("model_state_bytes", "Counts the weights alone, as if training held what inference holds.",
       zh="只算了权重，以为训练和推理占用一样。", caught_by="sixteen_bytes",
       errata=("E089",),
       step="Training holds gradients and optimizer states besides: 16 bytes, not 2.",
       step_zh="训练还要存梯度和优化器状态：每个参数 16 字节，不是 2。")  # fmt: skip
def weights_alone(parameters, world_size=1, stage=0):
    return 2 * parameters / (world_size if stage == 3 else 1)


@wrong("model_state_bytes", "Splits everything among the cards whatever the stage.",
       zh="不管哪个阶段都把全部内容切分。", caught_by="sixteen_bytes", errata=("E131",),
       step="Plain data parallelism keeps a whole copy on each card; ZeRO splits it by stages.",
       step_zh="普通数据并行每张卡都存一整份；ZeRO 才按阶段切分。")  # fmt: skip
def splits_everything(parameters, world_size=1, stage=0):
    return 16 * parameters / world_size


@wrong("model_state_bytes", "Forgets the master copy of the weights in single precision.",
       zh="漏了单精度的权重主副本。", caught_by="sixteen_bytes",
       step="The optimizer keeps three numbers of 4 bytes: master weight and two moments.",
       step_zh="优化器存三个 4 字节的数：主副本和两个矩。")  # fmt: skip
def forgets_the_master_copy(parameters, world_size=1, stage=0):
    parts = (2, stage >= 3), (2, stage >= 2), (8, stage >= 1)
    return parameters * sum(size / (world_size if split else 1) for size, split in parts)


@wrong("model_state_bytes", "Each stage splits its own part only, and not those before it as well.",
       zh="每个阶段只切自己那一样，前面各阶段的却不切了。", caught_by="as_in_the_paper",
       step="Stage 2 splits the optimizer states and the gradients: compare with ≥, not with =.",
       step_zh="第 2 阶段同时切优化器状态和梯度：比较要用 ≥，不是 =。")  # fmt: skip
def one_part_a_stage(parameters, world_size=1, stage=0):
    return _states(parameters, world_size, stage == 3, stage == 2, stage == 1)


@wrong("activation_bytes", "Forgets the scores, which grow with the square of the length.",
       zh="漏了随长度平方增长的注意力分数。", caught_by="activations_of_a_layer",
       step="Add 5as²b for each layer.",
       step_zh="每层还要加 5as²b。")  # fmt: skip
def forgets_the_scores(layers, hidden, heads, batch, length, recompute=False):
    return layers * batch * length * hidden * (2 if recompute else 34)


@wrong("activation_bytes", "Takes a number in half precision for one byte.",
       zh="半精度的一个数按一个字节算了。", caught_by="inputs_alone",
       step="Half precision has two bytes a number.",
       step_zh="半精度每个数两个字节。")  # fmt: skip
def one_byte_a_number(layers, hidden, heads, batch, length, recompute=False):
    tokens = batch * length
    return layers * tokens * (hidden if recompute else 34 * hidden + 5 * heads * length)


# --- average_gradients --------------------------------------------------------------------


def _zeroed(p):
    return torch.zeros_like(p) if p.grad is None else p.grad


@wrong("average_gradients", "Divides by the number of processes, whatever the sizes of the shards.",
       zh="不管每份多大，一律除以进程数。", caught_by="unequal_shards",
       step="Weigh each gradient by its examples; divide by the examples of all.",
       step_zh="每个梯度按样本数加权，再除以样本总数。")  # fmt: skip
def divides_by_processes(parameters, examples):
    for p in parameters:
        p.grad = _zeroed(p)
        dist.all_reduce(p.grad)
        p.grad /= dist.get_world_size()


@wrong("average_gradients", "With equal shards it comes out as the sum of all, not as their mean.",
       zh="各份一样大时，得到的是各进程之和，而不是平均。", caught_by="equal_shards",
       step="What is wanted is a mean: divide by the number of all examples.",
       step_zh="要的是平均：除以全部样本数。")  # fmt: skip
def adds_only(parameters, examples):
    for p in parameters:
        p.grad = _zeroed(p)
        dist.all_reduce(p.grad)


@wrong("average_gradients", "The processes end with different gradients: not all have the result.",
       zh="各进程最后的梯度不一样：不是每个进程都拿到了结果。", caught_by="equal_shards",
       looks_like=lambda seen: seen[0]["grads"] != seen[1]["grads"],
       step="All processes need the result, or their weights drift apart: all_reduce.",
       step_zh="每个进程都要拿到结果，否则权重会各走各的：用 all_reduce。")  # fmt: skip
def reduces_to_one(parameters, examples):
    total = torch.tensor([float(examples)])
    dist.all_reduce(total)
    for p in parameters:
        whole = _zeroed(p) * examples / total
        dist.reduce(whole, 0)
        p.grad = whole if dist.get_rank() == 0 else _zeroed(p)


@wrong("average_gradients", "Not all processes call the collective operation; those that do wait.",
       zh="不是每个进程都调用了集合通信，调用了的只能干等。", caught_by="an_empty_shard",
       step="A collective operation has to be called by all processes, in the same order.",
       step_zh="集合通信必须由所有进程按同样顺序调用。")  # fmt: skip
def calls_alone(parameters, examples):
    if dist.get_rank() == 0:
        for p in parameters:
            dist.all_reduce(_zeroed(p))


# --- checkpointing ------------------------------------------------------------------------


def _saved(forward):
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: saved.append(tensor.detach()) or tensor, lambda tensor: tensor
    ):
        forward()
    return saved


def _known(parameters):
    return {p.untyped_storage().data_ptr() for p in parameters}


@wrong("saved_bytes", "Counts a storage as often as it is saved.",
       zh="同一块存储存几次就数了几次。", caught_by="storages_count_once",
       step="Remember which storages have been seen.",
       step_zh="记住见过的存储，只数一次。")  # fmt: skip
def counts_every_time(forward, parameters):
    known = _known(parameters)
    storages = [tensor.untyped_storage() for tensor in _saved(forward)]
    return sum(s.nbytes() for s in storages if s.data_ptr() not in known)


@wrong("saved_bytes", "Counts what a saved view shows, not the storage that it keeps alive.",
       zh="按保存的视图大小计，而不是按它占住的整块存储。", caught_by="views_hold_the_whole",
       step="A view of one row keeps all rows in memory: t.untyped_storage().nbytes().",
       step_zh="一行的视图会占住整块存储：用 t.untyped_storage().nbytes()。")  # fmt: skip
def counts_views(forward, parameters):
    known = _known(parameters)
    seen = {t.untyped_storage().data_ptr(): t.numel() * t.element_size() for t in _saved(forward)}
    return sum(size for place, size in seen.items() if place not in known)


@wrong("saved_bytes", "Counts the parameters as well.", zh="把参数也数进去了。",
       caught_by="parameters_are_left_out",
       step="Leave out storages that belong to the parameters, whose views are saved too.",
       step_zh="去掉属于参数的存储；保存的可能是参数的视图。")  # fmt: skip
def counts_parameters(forward, parameters):
    seen = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in _saved(forward)}
    return sum(seen.values())


@wrong("run_checkpointed", "Runs the blocks as usual: everything is saved.",
       zh="照常运行各块，什么都保存了。", caught_by="inputs_are_saved", errata=("E091",),
       step="Wrap each block's call in a checkpoint.",
       step_zh="用 checkpoint 包住每个块的调用。")  # fmt: skip
def saves_everything(blocks, x):
    for block in blocks:
        x = block(x)
    return x


@wrong("run_checkpointed", "Makes one checkpoint of all blocks: backward has them all at once.",
       zh="所有块合成一个 checkpoint，反向时又全部同时占着显存。", caught_by="inputs_are_saved",
       step="Each block is a checkpoint of its own.",
       step_zh="每个块各做一个 checkpoint。")  # fmt: skip
def one_checkpoint_for_all(blocks, x):
    return checkpoint(nn.Sequential(*blocks), x, use_reentrant=False)


@wrong("run_checkpointed", "Uses the reentrant variant, which loses the gradients of the first "
       "block when x needs none.",
       zh="用了 reentrant 版本，x 不需要梯度时会丢掉第一块的梯度。", caught_by="same_as_in_a_row",
       step="Pass use_reentrant=False.",
       step_zh="传入 use_reentrant=False。")  # fmt: skip
def reentrant(blocks, x):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for block in blocks:
            x = checkpoint(block, x, use_reentrant=True)
    return x


@wrong("run_checkpointed", "Draws new random numbers when it computes again.",
       zh="重算时用了新的随机数。", caught_by="same_units_are_dropped",
       step="The random state of the first pass has to be restored: preserve_rng_state=True.",
       step_zh="要恢复第一遍的随机状态：preserve_rng_state=True。")  # fmt: skip
def draws_again(blocks, x):
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)
    return x


# --- resume -------------------------------------------------------------------------------


def _load(run, path, *without):
    """Load all that the reference writes but what is named."""
    with open(path, "rb") as file:
        held, states = pickle.load(file)
    for part in ("model", "optimizer", "scheduler"):
        if part not in without:
            getattr(run, part).load_state_dict(held[part].state_dict())
    if "generator" not in without:
        run.generator.set_state(held["generator"].get_state())
    if "place" not in without:
        run.order, run.position = held["order"], held["position"]
    if "losses" not in without:
        run.losses = held["losses"]
    if "random" not in without:
        random.setstate(states[0])
    if "numpy" not in without:
        np.random.set_state(states[1])
    if "torch" not in without:
        torch.set_rng_state(states[2])


@wrong("load_run", "Not all random states come back: Python's, NumPy's or torch's is forgotten.",
       zh="随机状态没有全部恢复：漏了 Python、NumPy 或 torch 的。", caught_by="dice_fall_alike",
       looks_like=lambda seen: not all(seen["as if never stopped"].values()),
       step="Dropout and augmentation draw from torch, NumPy and Python: save all three.",
       step_zh="dropout 和数据增强用到 torch、NumPy 和 Python 的随机数：三个都要存。")  # fmt: skip
def forgets_random_states(run, path):
    _load(run, path, "random", "numpy", "torch")


@wrong("load_run", "Brings back the weights alone.", zh="只恢复了权重。",
       caught_by="bit_for_bit",
       step="A run is more than its weights: moments, schedule, shuffler, position, random states.",
       step_zh="训练不只是权重：还有优化器的矩、调度、打乱器、位置和随机状态。")  # fmt: skip
def weights_only(run, path):
    _load(
        run, path, "optimizer", "scheduler", "generator", "place", "losses", "random", "numpy",
        "torch",
    )  # fmt: skip


@wrong("load_run", "Forgets the optimizer: its moments start from zero.",
       zh="漏了优化器，它的矩又从零开始。", caught_by="bit_for_bit",
       step="Save and load the optimizer's state as well.",
       step_zh="优化器的状态也要存取。")  # fmt: skip
def forgets_the_optimizer(run, path):
    _load(run, path, "optimizer")


@wrong("load_run", "Forgets the scheduler: the rate begins its course anew.",
       zh="漏了调度器，学习率又从头走起。", caught_by="schedule_goes_on",
       step="Save and load the scheduler's state as well.",
       step_zh="调度器的状态也要保存和加载。")  # fmt: skip
def forgets_the_scheduler(run, path):
    _load(run, path, "scheduler")


@wrong("load_run", "Forgets the generator, so that the next epoch is shuffled otherwise.",
       zh="漏了 generator，下一个 epoch 的打乱方式就变了。", caught_by="no_example_twice",
       step="Save generator.get_state() and bring it back with set_state.",
       step_zh="存 generator.get_state()，再用 set_state 恢复。")  # fmt: skip
def forgets_the_generator(run, path):
    _load(run, path, "generator")


@wrong("load_run", "Begins the epoch anew.", zh="从头开始这个 epoch。",
       caught_by="no_example_twice",
       step="Restore `order` and `position`: examples would be seen twice, others never.",
       step_zh="要恢复 `order` 和 `position`：否则有的样本看两遍，有的一遍没看。")  # fmt: skip
def begins_the_epoch_anew(run, path):
    _load(run, path, "place")


@wrong("load_run", "Forgets the list of losses.", zh="漏了损失列表。",
       caught_by="schedule_goes_on", step="Save and restore `losses` as well.",
       step_zh="`losses` 也要保存和恢复。")  # fmt: skip
def forgets_the_losses(run, path):
    _load(run, path, "losses")


@wrong("save_run", "Draws random numbers while saving, so the run goes on differently.",
       zh="保存时抽了随机数，训练因此改了道。", caught_by="saving_disturbs_nothing",
       step="Read the states; do not seed or draw.",
       step_zh="只读取状态，不要重新播种或抽样。")  # fmt: skip
def seeds_while_saving(run, path):
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    with open(path, "wb") as file:
        pickle.dump((copy.copy(run.__dict__), states), file)
