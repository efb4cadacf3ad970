"""Probes for `training-efficiency`; what they run, real processes among it, is in `rig`."""

import numpy as np

from autograder.checks import Tolerance, check, fixture

CLOSE = Tolerance(absolute=2e-5, relative=2e-4)  # weights, gradients and losses in float32
LOUD = Tolerance(absolute=1e-2, relative=1e-3)  # gradients that come back through weights of 1500
TINY = Tolerance(absolute=1e-9, relative=1e-3)  # gradients far smaller than 1
BYTES = Tolerance(absolute=1.0, relative=1e-6)
BITS = 1e-7  # float32 weights that should be the very same


@fixture
def ready():
    """The first optimizer of a process imports much: once, before children are forked."""
    from .rig import warm_up

    return warm_up()


@fixture
def rig(rng, ready):
    """The module with what probes run; nothing in it is random, but a module can't be copied."""
    from . import rig as module

    return module


# --- gradients ----------------------------------------------------------------------------


def _network(rng, n=7, d=5, h=6, k=4, loud=1.0):
    x, y = rng.normal(size=(n, d)), rng.integers(0, k, n)
    y[: min(n, k)] = np.arange(min(n, k))
    w1, b1 = rng.normal(size=(d, h)), rng.normal(size=h)
    return x, y, w1, b1, rng.normal(size=(h, k)) * loud, rng.normal(size=k)


def _grads(found, *names):
    return {name: found[name] for name in names}


@check("The second layer's gradients are those of the mean cross entropy.",
       zh="第二层的梯度，就是平均交叉熵的梯度。", close=CLOSE)  # fmt: skip
def second_layer(gradients, rng):
    sizes = ((7, 5, 6, 4), (1, 3, 2, 5), (4, 2, 3, 3))
    return [_grads(gradients(*_network(rng, *size)), "w2", "b2") for size in sizes]


@check("The first layer's gradients come back through the weights of the second and the ReLU.",
       zh="第一层的梯度穿过第二层的权重和 ReLU 回传而来。", close=CLOSE)  # fmt: skip
def first_layer(gradients, rng):
    sizes = ((7, 5, 6, 4), (9, 2, 2, 2))
    return [_grads(gradients(*_network(rng, *size)), "w1", "b1") for size in sizes]


@check("Logits in the thousands give finite, right gradients.",
       zh="logits 大到几千时，梯度依然有限而且正确。", close=LOUD)  # fmt: skip
def loud_logits(gradients, rng):
    found = gradients(*_network(rng, loud=1500.0))
    return _grads(found, "b1", "b2", "w2")


@check("Where a hidden unit's input is exactly 0, nothing flows back.",
       zh="隐藏单元的输入恰好为 0 时，不回传梯度。", close=CLOSE)  # fmt: skip
def nothing_through_zero(gradients, rng):
    x, y, w1, b1, w2, b2 = _network(rng)
    x[::2], b1[::2] = 0.0, 0.0  # every other example has an input of 0 to every other unit
    return _grads(gradients(x, y, w1, b1, w2, b2), "w1", "b1")


@check("Gradients are computed and nothing is updated: weights and data stay as they are.",
       zh="只计算梯度，什么都不更新：权重和数据保持原样。", close=CLOSE)  # fmt: skip
def nothing_is_updated(gradients, rng, rig):
    given = _network(rng)
    before = [a.copy() for a in given]
    found = gradients(*given)
    return {"changed": rig.changed(before, given), "b2": found["b2"]}


# --- optimizer_steps ----------------------------------------------------------------------


@check("SGD goes along its velocity, which gathers the gradients.",
       zh="SGD 沿速度方向走，速度是梯度的累积。", close=CLOSE)  # fmt: skip
def velocity_gathers(sgd_step, torch_rng, rig):
    settings = ({"lr": 0.1}, {"lr": 0.3, "momentum": 0.5}, {"lr": 0.4, "cooling": 0.5})
    return [rig.walk(sgd_step, torch_rng, **setting) for setting in settings]


@check("Adam's first step is as long as the rate, whatever the gradient's size.",
       zh="Adam 的第一步长度就是学习率，与梯度大小无关。", close=CLOSE)  # fmt: skip
def first_step_of_adam(adam_step, torch_rng, rig):
    return [rig.walk(adam_step, torch_rng, steps=1, size=s, lr=0.1) for s in (0.01, 1.0, 100.0)]


@check("Adam follows torch.optim.Adam, step by step.",
       zh="Adam 每一步都与 torch.optim.Adam 一致。", close=CLOSE)  # fmt: skip
def adam_step_by_step(adam_step, torch_rng, rig):
    settings = ({"lr": 0.1}, {"lr": 0.2, "betas": (0.8, 0.95), "cooling": 0.8})
    return [rig.walk(adam_step, torch_rng, steps=12, **setting) for setting in settings]


@check("ε is added to the root of the corrected second moment.",
       zh="ε 加在校正后的二阶矩的平方根上。", close=CLOSE)  # fmt: skip
def epsilon_beside_the_root(adam_step, torch_rng, rig):
    tiny = rig.walk(adam_step, torch_rng, steps=3, size=1e-8, lr=0.1)
    return tiny + rig.walk(adam_step, torch_rng, steps=3, size=0.1, lr=0.1, eps=0.5)


@check("In Adam decay is a part of the gradient (L2), and so is divided by its root.",
       zh="Adam 里的衰减是梯度的一部分（L2），因此也会被那个平方根除。", close=CLOSE)  # fmt: skip
def decay_inside_the_gradient(adam_step, torch_rng, rig):
    return rig.walk(adam_step, torch_rng, lr=0.1, weight_decay=0.5)


@check("In AdamW weights decay in proportion to themselves, whatever the gradient.",
       zh="AdamW 里权重按自身的比例衰减，与梯度无关。", close=CLOSE,
       rests_on=("adam_step",))  # fmt: skip
def decay_beside_the_gradient(adamw_step, torch_rng, rig):
    settings = ({"lr": 0.1, "weight_decay": 0.5}, {"lr": 0.5, "cooling": 0.5})
    settings += ({"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.5},)
    return [rig.walk(adamw_step, torch_rng, steps=4, **setting) for setting in settings]


@check("Without any gradient AdamW still shrinks the weights, each by the same share.",
       zh="梯度为零时，AdamW 仍把每个权重缩小同样的比例。", close=CLOSE,
       rests_on=("adam_step",))  # fmt: skip
def decay_without_gradient(adamw_step, torch_rng, rig):
    w = rig.torch.tensor([100.0, -1.0, 0.01], dtype=rig.torch.float64)
    return rig.walk(adamw_step, torch_rng, steps=3, size=0.0, w=w, lr=0.1, weight_decay=1.0)


@check("Two tensors with a state each do not get into each other's way.",
       zh="两个张量各有各的状态，互不干扰。", close=CLOSE)  # fmt: skip
def states_are_apart(sgd_step, adam_step, torch_rng, rig):
    found = []
    for step in (sgd_step, adam_step):
        weights, states = [rig.torch.ones(2), rig.torch.ones(4)], [{}, {}]
        for _ in range(3):
            for i in range(2):
                grad = rig.torch.randn(weights[i].shape, generator=torch_rng)
                weights[i] = rig.plain(step(weights[i], grad, states[i], 0.1))
        found += weights
    return found


@check("The weights and the gradient that are handed in stay as they are.",
       zh="传入的权重和梯度保持不变。", close=CLOSE)  # fmt: skip
def arguments_stay(sgd_step, adam_step, adamw_step, torch_rng, rig):
    found = []
    for step in (sgd_step, adam_step, adamw_step):
        before, state = [rig.torch.randn(3, generator=torch_rng) for _ in range(2)], {}
        given = [[t.clone() for t in before] for _ in range(2)]
        new = [rig.plain(step(*pair, state, 0.1)) for pair in given]
        changed = [place for pair in given for place in rig.changed(before, pair)]
        found.append({"changed": changed, "new": new})
    return found


# --- lr_factor ----------------------------------------------------------------------------


def _plan(rng):
    warmup = int(rng.integers(5, 30))
    return warmup, warmup + int(rng.integers(40, 200))


@check("The warm-up is a straight line from 0 to 1.",
       zh="预热是从 0 到 1 的直线。", close=1e-5)  # fmt: skip
def straight_up(lr_factor, rng):
    warmup, total = _plan(rng)
    return [float(lr_factor(step, warmup, total)) for step in range(warmup + 1)]


@check("Then half a cosine leads down to 0.",
       zh="之后沿半个余弦降到 0。", close=1e-5)  # fmt: skip
def half_a_cosine_down(lr_factor, rng):
    warmup, total = _plan(rng)
    return [float(lr_factor(step, warmup, total)) for step in range(warmup, total + 1, 7)] + [
        float(lr_factor(total, warmup, total))
    ]


@check("Without warm-up the first factor is 1.",
       zh="不预热时，第一个系数就是 1。", close=1e-5)  # fmt: skip
def without_warm_up(lr_factor, rng, rig):
    total = int(rng.integers(10, 90))
    return [float(lr_factor(step, 0, total)) for step in (0, 1, total // 2, total)]


# --- accumulate_gradients -----------------------------------------------------------------


@check("Equal pieces add up to the gradient of the large batch.",
       zh="大小相同的几份，合起来等于大批次的梯度。", close=CLOSE)  # fmt: skip
def equal_pieces(accumulate_gradients, torch_rng, rng, rig):
    pieces = rig.pieces(torch_rng, rng, [(2, 4)] * 3, [8, 8, 8])
    return rig.accumulated(accumulate_gradients, rig.speaker(torch_rng), pieces)


@check("Every position that counts weighs the same, in whichever piece it stands.",
       zh="每个计入的位置权重相同，不管它在哪一份里。", close=CLOSE, weight=2)  # fmt: skip
def positions_weigh_the_same(accumulate_gradients, torch_rng, rng, rig):
    pieces = rig.pieces(torch_rng, rng, [(2, 6), (2, 9), (2, 2)], [12, 2, 3])
    return rig.accumulated(accumulate_gradients, rig.speaker(torch_rng), pieces)


@check("A piece in which nothing counts changes nothing.",
       zh="一个位置都不计入的那一份，不影响结果。", close=CLOSE)  # fmt: skip
def an_empty_piece(accumulate_gradients, torch_rng, rng, rig):
    pieces = rig.pieces(torch_rng, rng, [(2, 4)] * 3, [5, 0, 8])
    return rig.accumulated(accumulate_gradients, rig.speaker(torch_rng), pieces)


@check("Each piece goes backward before the next goes forward.",
       zh="每一份先反向，下一份才前向。", close=CLOSE)  # fmt: skip
def one_graph_at_a_time(accumulate_gradients, torch_rng, rng, rig):
    model = rig.speaker(torch_rng)
    loss = accumulate_gradients(model, rig.pieces(torch_rng, rng, [(2, 4)] * 3, [8, 6, 3]))
    return {"events": model.events, "loss": rig.plain(loss)}


@check("Old gradients do not enter, weights do not move, and the mode stays.",
       zh="旧梯度不混入，权重不动，模式不变。", close=CLOSE)  # fmt: skip
def nothing_old_enters(accumulate_gradients, torch_rng, rng, rig):
    found = []
    for mode in (True, False):
        model = rig.speaker(torch_rng).train(mode)
        before = [p.detach().clone() for p in model.parameters()]
        for p in model.parameters():
            p.grad = rig.torch.ones_like(p)
        pieces = rig.pieces(torch_rng, rng, [(1, 4), (1, 4)], [4, 4])
        seen = rig.accumulated(accumulate_gradients, model, pieces)
        changed = rig.changed(before, model.parameters())
        found.append({"changed": changed, "modes after": model.training, **seen})
    return found


# --- clip_grad_norm -----------------------------------------------------------------------


@check("Too long a gradient gets the length max_norm and keeps its direction.",
       zh="过长的梯度被缩到 max_norm，方向不变。", close=CLOSE)  # fmt: skip
def long_ones_are_shortened(clip_grad_norm, torch_rng, rig):
    pairs = ((5.0, 1.0), (0.8, 0.2), (900.0, 3.0))
    return [rig.clipped(clip_grad_norm, rig.with_grads(torch_rng, a), b) for a, b in pairs]


@check("A gradient within max_norm stays as it is.",
       zh="不超过 max_norm 的梯度不变。", close=CLOSE)  # fmt: skip
def short_ones_stay(clip_grad_norm, torch_rng, rig):
    pairs = ((0.5, 1.0), (0.002, 10.0), (0.0, 1.0))
    return [rig.clipped(clip_grad_norm, rig.with_grads(torch_rng, a), b) for a, b in pairs]


@check("Parameters without a gradient are passed over.",
       zh="没有梯度的参数跳过。", close=CLOSE)  # fmt: skip
def none_is_passed_over(clip_grad_norm, torch_rng, rig):
    params = rig.with_grads(torch_rng, 4.0)
    params.insert(1, rig.torch.nn.Parameter(rig.torch.ones(2)))
    return {"none": params[1].grad is None, **rig.clipped(clip_grad_norm, params, 2.0)}


# --- scaled_step --------------------------------------------------------------------------


@check("Gradients below what fp16 can hold reach the weights.",
       zh="小到 fp16 装不下的梯度也能传到权重。", close=TINY)  # fmt: skip
def tiny_gradients_arrive(scaled_step, torch_rng, rig):
    p = rig.torch.nn.Parameter(rig.torch.randn(3, 2, generator=torch_rng))
    x = rig.torch.rand(4, 3, generator=torch_rng).half() + 0.5
    start = p.detach().clone()
    optimizer = rig.torch.optim.SGD([p], lr=1e5)
    loss = 1e-9 * (x @ p.half()).float().sum()
    scaled_step(loss, optimizer, {"scale": 2.0**16, "good_steps": 0})
    return 1e3 * (p.detach() - start)


@check("Where nothing is too small or too large, the step is that of the plain loss.",
       zh="数值不大不小时，这一步与不放大时相同。", close=CLOSE)  # fmt: skip
def an_ordinary_step(scaled_step, torch_rng, rig):
    return rig.half_training(scaled_step, torch_rng, [1.0, 0.5, 0.2], scale=64)


@check("An overflow anywhere: no step, not even by momentum; the scale halves.",
       zh="任何一处溢出：不更新，连动量也不走；scale 减半。", close=CLOSE)  # fmt: skip
def overflow_is_skipped(scaled_step, torch_rng, rig):
    return rig.half_training(scaled_step, torch_rng, [1.0, 400.0, 1.0], scale=2.0**9)


@check("After growth_interval good steps in a row the scale doubles.",
       zh="连续 growth_interval 次成功后，scale 翻倍。", close=CLOSE)  # fmt: skip
def scale_grows(scaled_step, torch_rng, rig):
    return rig.half_training(scaled_step, torch_rng, [0.1] * 7, scale=4, growth_interval=2)


@check("A number that is not finite, nan for one, starts the count again.",
       zh="出现 nan 之类非有限的数，计数重新开始。", close=CLOSE)  # fmt: skip
def overflow_restarts_the_count(scaled_step, torch_rng, rig):
    sizes = [0.1, 0.1, float("nan"), 0.1, 0.1, 0.1]
    return rig.half_training(scaled_step, torch_rng, sizes, scale=64, growth_interval=3)


@check("Clipping looks at the gradients after they have been divided by the scale.",
       zh="先把梯度除回来，再按真实的梯度裁剪。", close=CLOSE,
       rests_on=("clip_grad_norm",))  # fmt: skip
def clipped_at_true_size(scaled_step, torch_rng, rig):
    sizes = [1.0, 0.01, 1.0]
    return rig.half_training(scaled_step, torch_rng, sizes, scale=128, max_norm=1.5)


# --- training_memory ----------------------------------------------------------------------


@check("Alone, a card holds 16 bytes for each parameter.",
       zh="不切分时每个参数占 16 字节。", close=BYTES)  # fmt: skip
def sixteen_bytes(model_state_bytes, rng):
    count = int(rng.integers(10**8, 10**11))
    return [float(model_state_bytes(count)), float(model_state_bytes(count, 8, 0))]


@check("7.5 billion parameters on 64 cards need what ZeRO's paper says.",
       zh="75 亿参数、64 张卡，与 ZeRO 论文的数字一致。",
       close=Tolerance(relative=1e-3))  # fmt: skip
def as_in_the_paper(model_state_bytes):
    return [float(model_state_bytes(7.5e9, 64, stage)) / 1e9 for stage in range(4)]


@check("Each stage splits one thing more, and what it splits shrinks with the cards.",
       zh="每升一个阶段多切一样；被切的部分随卡数变小。", close=BYTES)  # fmt: skip
def each_stage_splits_more(model_state_bytes, rng):
    count, cards = int(rng.integers(10**8, 10**11)), int(rng.integers(3, 999))
    return [float(model_state_bytes(count, n, s)) for n in (1, cards) for s in range(4)]


def _shape(rng):
    heads, width = int(rng.integers(4, 40)), int(rng.choice([32, 80, 128]))
    return [int(rng.integers(4, 99)), width * heads, heads, int(rng.integers(2, 9))]


@check("A layer's activations grow with the tokens, the scores with the square of the length.",
       zh="激活随词元数增长，注意力分数随长度的平方增长。", close=BYTES)  # fmt: skip
def activations_of_a_layer(activation_bytes, rng):
    return [float(activation_bytes(*_shape(rng), length)) for length in (128, 4096)]


@check("With recomputation a layer keeps its input alone.",
       zh="重算时每层只留输入。", close=BYTES)  # fmt: skip
def inputs_alone(activation_bytes, rng):
    return [float(activation_bytes(*_shape(rng), n, recompute=True)) for n in (128, 4096)]


# --- average_gradients --------------------------------------------------------------------


@check("With equal shards both processes have the gradient of the whole batch.",
       zh="两份一样大时，两个进程都得到整个批次的梯度。", close=CLOSE)  # fmt: skip
def equal_shards(average_gradients, torch_rng, rig):
    return rig.shards(average_gradients, torch_rng, [4, 4])


@check("With shards of different sizes each example weighs the same.",
       zh="两份大小不等时，每个样本的权重相同。", close=CLOSE, weight=2)  # fmt: skip
def unequal_shards(average_gradients, torch_rng, rig):
    return rig.shards(average_gradients, torch_rng, [2, 9])


@check("A process without examples takes part, and gets the gradients as well.",
       zh="没有样本的进程也要参加，并且同样拿到梯度。", close=CLOSE)  # fmt: skip
def an_empty_shard(average_gradients, torch_rng, rig):
    return rig.shards(average_gradients, torch_rng, [5, 0])


@check("It holds for three processes.",
       zh="三个进程时同样成立。", close=CLOSE)  # fmt: skip
def three_processes(average_gradients, torch_rng, rig):
    return rig.shards(average_gradients, torch_rng, [3, 1, 4])


# --- checkpointing ------------------------------------------------------------------------


@check("Storages are counted once, however often and through whatever view they are saved.",
       zh="同一块存储只计一次，不管存了几次、从哪个视图存的。", close=0)  # fmt: skip
def storages_count_once(saved_bytes, torch_rng, rig):
    n = 8 + int(rig.torch.randint(9, (1,), generator=torch_rng))
    x = rig.torch.randn(n, n, generator=torch_rng, requires_grad=True)
    y = rig.torch.randn(n, n, generator=torch_rng, requires_grad=True)
    twice, view, other = (lambda: x * x), (lambda: x @ x.t()), (lambda: (x * y).exp())
    return [int(saved_bytes(forward, [])) for forward in (twice, view, other)]


@check("Of a view the whole storage counts, and once: all of it stays in memory.",
       zh="视图按整块存储计，且只计一次：整块都留在内存里。", close=0)  # fmt: skip
def views_hold_the_whole(saved_bytes, torch_rng, rig):
    n = 8 + int(rig.torch.randint(9, (1,), generator=torch_rng))
    x = rig.torch.randn(n, n, generator=torch_rng, requires_grad=True)
    wide = rig.torch.ones(5, n)
    found = [saved_bytes(lambda: x[0] * x[1], []), saved_bytes(lambda: x[2] * wide[2], [x])]
    return [int(size) for size in found]


@check("Bytes, not numbers, in any precision.",
       zh="数的是字节，任何精度都一样。", close=0)  # fmt: skip
def bytes_of_any_precision(saved_bytes, torch_rng, rig):
    n = 5000 + int(rig.torch.randint(999, (1,), generator=torch_rng))  # large: soon used again
    found = []
    for dtype in (rig.torch.float64, rig.torch.float32, rig.torch.bfloat16):
        x = rig.torch.ones(n, dtype=dtype, requires_grad=True)
        found.append(int(saved_bytes(lambda x=x: x.exp().sin().tanh(), [])))
        found.append(int(saved_bytes(lambda x=x: [(x + i).square().sum() for i in range(9)], [])))
    return found


@check("Parameters are left out, even as transposed views; forward() is called once.",
       zh="参数不计，哪怕保存的是转置视图；forward() 只调用一次。", close=0)  # fmt: skip
def parameters_are_left_out(saved_bytes, torch_rng, rig):
    layers = [rig.torch.nn.Linear(6, 9), rig.torch.nn.Sigmoid(), rig.torch.nn.Linear(9, 4)]
    net, x = rig.torch.nn.Sequential(*layers), rig.torch.randn(7, 6, generator=torch_rng)
    calls = []
    net.register_forward_hook(lambda *_: calls.append("forward"))
    found = [int(saved_bytes(lambda: net(x), p)) for p in (list(net.parameters()), [])]
    return {"calls": calls, "bytes": found}


@check("Output and gradients are those of the blocks in a row, though x needs no gradient.",
       zh="输出和梯度与依次运行各块相同，尽管 x 不需要梯度。", close=CLOSE)  # fmt: skip
def same_as_in_a_row(run_checkpointed, torch_rng, rig):
    seen = rig.run_blocks(run_checkpointed, torch_rng, 0.0)
    return {key: seen[key] for key in ("out", "grads")}


@check("Each block saves its input and no more; on the way back each runs again, the last first.",
       zh="每个块只保存自己的输入，反向时再算一遍，最后一块最先。", close=CLOSE)  # fmt: skip
def inputs_are_saved(run_checkpointed, torch_rng, rig):
    seen = rig.run_blocks(run_checkpointed, torch_rng, 0.0)
    return {key: seen[key] for key in ("blocks run", "more than inputs", "out")}


@check("Dropout drops the same units when it is computed again.",
       zh="重算时 dropout 丢掉的是同一批单元。", close=CLOSE)  # fmt: skip
def same_units_are_dropped(run_checkpointed, torch_rng, rig):
    seen = rig.run_blocks(run_checkpointed, torch_rng, 0.4)
    return {key: seen[key] for key in ("out", "grads")}


# --- resume -------------------------------------------------------------------------------


@check("From the file on, weights are bit for bit those of a run that was never stopped.",
       zh="从存盘处往后，权重与从未中断的训练逐比特相同。", close=1e-7, weight=2)  # fmt: skip
def bit_for_bit(save_run, load_run, rng, rig):
    found = []
    for steps in (5, 8):  # at the end of an epoch, and in the midst of one
        run, seed, _ = rig.resumed(save_run, load_run, rng, steps)
        for _ in range(6):
            run.step()
        whole = rig.never_stopped(seed, steps + 6)
        same = rig.weights(run) == rig.weights(whole)
        found.append({"same bits": same, "weights": rig.weights(run)})
    return found


@check("The epoch goes on where it stopped, and the next is shuffled as it would have been.",
       zh="epoch 从中断处继续，下一个 epoch 的打乱方式也不变。", close=0)  # fmt: skip
def no_example_twice(save_run, load_run, rng, rig):
    run, _, _ = rig.resumed(save_run, load_run, rng, 7)
    run.seen = []
    for _ in range(6):
        run.step()
    return run.seen


@check("The learning rate, its schedule and the list of losses go on.",
       zh="学习率、调度和损失列表都接着走。", close=1e-7)  # fmt: skip
def schedule_goes_on(save_run, load_run, rng, rig):
    run, seed, _ = rig.resumed(save_run, load_run, rng, 3)
    losses, rates = list(run.losses), [run.optimizer.param_groups[0]["lr"]]
    for _ in range(2):
        run.step()
        rates.append(run.optimizer.param_groups[0]["lr"])
    return {"rates": rates, "losses kept": losses == rig.never_stopped(seed, 3).losses}


@check("All three sources of random numbers stand where they stood.",
       zh="三个随机数来源都回到存盘时的状态。", close=1e-7)  # fmt: skip
def dice_fall_alike(save_run, load_run, rng, rig):
    _, seed, _ = rig.resumed(save_run, load_run, rng, 2)
    drawn = rig.drawn()
    rig.never_stopped(seed, 2)
    same = {name: np.array_equal(found, drawn[name]) for name, found in rig.drawn().items()}
    return {"drawn": drawn, "as if never stopped": same}


@check("Saving changes nothing in the run that is saved.",
       zh="保存不影响正在保存的训练。", close=1e-7)  # fmt: skip
def saving_disturbs_nothing(save_run, load_run, rng, rig):
    loaded, seed, after = rig.resumed(save_run, load_run, rng, 4)
    same = after == rig.weights(rig.never_stopped(seed, 5))
    return {"goes on as if not saved": same, "saved": rig.weights(loaded), "then": after}
