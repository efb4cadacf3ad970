"""Known-wrong answers for `privacy`, each one misconception; some are the documents' own."""

import math

import numpy as np
import torch
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from autograder.checks import wrong


def _each(model, x, y):
    """Gradients of each example, {name: (N, …)}."""
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(parameters, image, target):
        return cross_entropy(functional_call(model, parameters, image[None]), target[None])

    return vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, y)


def _norms(each):
    return torch.cat([g.flatten(1) for g in each.values()], dim=1).norm(dim=1)


def _summed(each, factors):
    return {name: torch.tensordot(factors, g, dims=1) for name, g in each.items()}


def _clip(each, max_norm):
    return _summed(each, (max_norm / _norms(each)).clamp(max=1))


def _noisy(total, deviation, expected, generator):
    return {
        name: (value + deviation * torch.randn(value.shape, generator=generator)) / expected
        for name, value in total.items()
    }


def _private(
    model, x, y, max_norm, noise_multiplier, expected, generator=None, clip=_clip, deviation=None
):
    if deviation is None:
        deviation = noise_multiplier * max_norm
    return _noisy(clip(_each(model, x, y), max_norm), deviation, expected, generator)


def _is_cut_as_a_whole(seen):
    """Shorter than what is not clipped, and of its very direction."""
    short, free = (np.concatenate([np.ravel(v) for v in seen[i].values()]) for i in (0, -1))
    lengths = np.linalg.norm(short), np.linalg.norm(free)
    return short @ free > (1 - 1e-6) * np.prod(lengths) and lengths[0] < 0.99 * lengths[1]


@wrong(
    "private_gradient",
    "Clips the gradient of the whole batch, not that of each example.",
    zh="裁剪的是整批的梯度，而不是每个样本的。",
    caught_by="each_example_is_clipped",
    looks_like=_is_cut_as_a_whole,
    step="Clip first, one factor for each example; sum afterwards.",
    step_zh="先裁剪，每个样本一个系数，再求和。",
)
def clips_the_mean(*given):
    def clip(each, max_norm):
        total = {name: g.sum(dim=0) for name, g in each.items()}
        norm = torch.cat([g.flatten() for g in total.values()]).norm() / max(len(given[1]), 1)
        return {name: g * (max_norm / norm).clamp(max=1) for name, g in total.items()}

    return _private(*given, clip=clip)


@wrong(
    "private_gradient",
    "Clips each parameter by itself, so that together they may be longer than max_norm.",
    zh="各个参数分别裁剪，合在一起就可能超过 max_norm。",
    caught_by="each_example_is_clipped",
    step="One norm over all parameters of an example.",
    step_zh="每个样本在全部参数上只算一个范数。",
)
def clips_each_layer(*given):
    def clip(each, max_norm):
        return {name: _clip({name: g}, max_norm)[name] for name, g in each.items()}

    return _private(*given, clip=clip)


@wrong(
    "private_gradient",
    "Stretches short gradients to max_norm as well.",
    zh="把短的梯度也拉长到 max_norm。",
    caught_by="each_example_is_clipped",
    step="The factor is never above 1.",
    step_zh="系数不能超过 1。",
)
def stretches_short_ones(*given):
    return _private(*given, clip=lambda each, max_norm: _summed(each, max_norm / _norms(each)))


@wrong(
    "private_gradient",
    "Does not clip at all: one example may move the sum as far as it likes.",
    zh="根本没有裁剪：一个样本想把总和推多远就推多远。",
    caught_by="an_outlier_moves_it_no_further",
    step="Noise hides an example only if the example is bounded.",
    step_zh="样本的影响有上限，噪声才盖得住它。",
)
def never_clips(*given):
    return _private(*given, clip=lambda each, _: {name: g.sum(dim=0) for name, g in each.items()})


@wrong(
    "private_gradient",
    "Clips and adds no noise, and calls it differential privacy: ε is infinite.",
    zh="只裁剪、不加噪声，就叫差分隐私：其实 ε 是无穷大。",
    caught_by="noise_is_scaled_by_the_clip",
    errata=("E204",),
    step="Add noise of standard deviation noise_multiplier · max_norm to the sum.",
    step_zh="给总和加上标准差为 noise_multiplier · max_norm 的噪声。",
)
def without_noise(*given):
    return _private(*given, deviation=0)


@wrong(
    "private_gradient",
    "Scales the noise by the multiplier alone, whatever the clip.",
    zh="噪声只乘了噪声倍数，没有乘裁剪范数。",
    caught_by="noise_is_scaled_by_the_clip",
    step="The standard deviation is noise_multiplier · max_norm.",
    step_zh="标准差是 noise_multiplier · max_norm。",
)
def noise_without_clip(*given):
    return _private(*given, deviation=given[4])


@wrong(
    "private_gradient",
    "Adds noise to each example's gradient: the sum has √N times too much, an empty batch none.",
    zh="给每个样本的梯度都加噪声：总和里多出 √N 倍，空批次里却没有。",
    caught_by="noise_is_scaled_by_the_clip",
    step="Add the noise once, to the sum.",
    step_zh="噪声只加一次，加在总和上。",
)
def noise_for_each_example(*given):
    return _private(*given, deviation=given[4] * given[3] * math.sqrt(len(given[1])))


@wrong(
    "private_gradient",
    "Adds the noise after the division, unscaled.",
    zh="先除以批次大小，再加没有缩小的噪声。",
    caught_by="noise_is_scaled_by_the_clip",
    step="Add the noise to the sum; then divide both.",
    step_zh="先把噪声加到总和上，再一起除。",
)
def noise_after_division(*given):
    return _private(*given, deviation=given[4] * given[3] * given[5])


@wrong(
    "private_gradient",
    "Divides by the size of the batch that happened to come, which tells who was drawn.",
    zh="除以这一批实际的大小，这就泄露了抽中多少人。",
    caught_by="divides_by_what_is_expected",
    step="Divide by expected_batch_size.",
    step_zh="除以 expected_batch_size。",
)
def divides_by_the_batch(model, x, y, max_norm, noise_multiplier, _, generator=None):
    return _private(model, x, y, max_norm, noise_multiplier, max(len(x), 1), generator)


@wrong(
    "private_gradient",
    "Seeds the noise itself: it is the same every time and can be subtracted.",
    zh="自己设了种子：每次噪声都一样，减掉就没有了。",
    caught_by="the_generator_decides",
    step="Draw from the generator that is given, and seed nothing.",
    step_zh="从传入的 generator 里抽，不要设种子。",
)
def seeds_the_noise(*given):
    return _private(*given[:6], torch.Generator().manual_seed(0))


@wrong(
    "private_gradient",
    "Ignores the generator and draws from torch's own.",
    zh="没用传入的 generator，用了 torch 默认的。",
    caught_by="the_generator_decides",
    step="Pass generator=generator to torch.randn.",
    step_zh="把 generator=generator 传给 torch.randn。",
)
def ignores_the_generator(*given):
    return _private(*given[:6])


@wrong(
    "private_gradient",
    "Uses the same noise for every layer: the difference of two layers is free of it.",
    zh="每一层用同一份噪声：两层一相减，噪声就没了。",
    caught_by="noise_is_independent",
    step="Draw anew for each parameter.",
    step_zh="每个参数都重新抽噪声。",
)
def same_noise_for_all_layers(model, x, y, max_norm, noise_multiplier, expected, generator=None):
    total = _clip(_each(model, x, y), max_norm)
    size = max(value.numel() for value in total.values())
    noise = noise_multiplier * max_norm * torch.randn(size, generator=generator)
    return {
        name: (value + noise[: value.numel()].reshape(value.shape)) / expected
        for name, value in total.items()
    }


@wrong(
    "private_gradient",
    "Returns zeros without noise where nobody was drawn, and so tells that nobody was.",
    zh="没抽中人时返回不带噪声的零，等于告诉别人没抽中人。",
    caught_by="nobody_was_drawn",
    step="The noise comes in any case.",
    step_zh="无论如何都要加噪声。",
)
def silent_when_empty(*given):
    return _private(*given, deviation=None if len(given[1]) else 0)


@wrong(
    "private_gradient",
    "Cuts each number at ±max_norm, not the length of the whole gradient.",
    zh="逐个数截断到 ±max_norm，而不是缩短整个梯度的长度。",
    caught_by="each_example_is_clipped",
    step="Multiply the whole gradient by one factor; its direction stays.",
    step_zh="整个梯度乘同一个系数，方向不变。",
)
def cuts_each_number(*given):
    def clip(each, c):
        return {name: g.clamp(-c, c).sum(dim=0) for name, g in each.items()}

    return _private(*given, clip=clip)


@wrong(
    "private_gradient",
    "Takes σ²C² for the standard deviation: it is the variance.",
    zh="把 σ²C² 当成标准差：那是方差。",
    caught_by="noise_is_scaled_by_the_clip",
    step="The standard deviation is noise_multiplier · max_norm.",
    step_zh="标准差是 noise_multiplier · max_norm。",
)
def variance_for_deviation(*given):
    return _private(*given, deviation=(given[4] * given[3]) ** 2)


def _translated(rho, alpha, delta):
    return rho + math.log1p(-1 / alpha) - math.log(delta * alpha) / (alpha - 1)


def _rho(alpha, sigma, q, last=1):
    if q == 1:
        return alpha / (2 * sigma**2)
    stay, take = math.log1p(-q), math.log(q)
    terms = [
        math.log(math.comb(alpha, j)) + (alpha - j) * stay + j * take + j * (j - 1) / (2 * sigma**2)
        for j in range(alpha + last)
    ]
    return torch.tensor(terms, dtype=torch.double).logsumexp(0).item() / (alpha - 1)


def _epsilon(sigma, q, steps, delta, orders=range(2, 65), translated=_translated, last=1):
    if sigma == 0:
        return math.inf
    return min(translated(steps * _rho(alpha, sigma, q, last), alpha, delta) for alpha in orders)


@wrong(
    "epsilon",
    "Takes the cost of one step for that of all: privacy once bought does not last.",
    zh="把一步的代价当成全部的代价：隐私不是买一次就管到底。",
    caught_by="as_the_accountant_says",
    errata=("E204",),
    step="Multiply the Rényi divergence by the number of steps.",
    step_zh="把 Rényi 散度乘上步数。",
)
def one_step_for_all(noise_multiplier, sample_rate, steps, delta):
    return _epsilon(noise_multiplier, sample_rate, 1, delta)


@wrong(
    "epsilon",
    "Leaves the largest order, 64, out, which is the best where ε is tiny.",
    zh="漏了最大的阶 64，而 ε 很小时最好的正是它。",
    caught_by="as_the_accountant_says",
    step="The orders are 2 to 64, both included: range(2, 65).",
    step_zh="阶从 2 到 64，两头都算：range(2, 65)。",
)
def last_order_left_out(noise_multiplier, sample_rate, steps, delta):
    return _epsilon(noise_multiplier, sample_rate, steps, delta, orders=range(2, 64))


@wrong(
    "epsilon",
    "Divides j² − j by σ², not by 2σ².",
    zh="j² − j 除的是 σ²，不是 2σ²。",
    caught_by="as_the_accountant_says",
    step="The exponent is (j² − j) / (2σ²).",
    step_zh="指数是 (j² − j) / (2σ²)。",
)
def without_the_two(noise_multiplier, *given):
    return _epsilon(noise_multiplier / math.sqrt(2), *given)


@wrong(
    "epsilon",
    "Translates with the older ln(1/δ)/(α − 1): valid, and larger than the one asked for.",
    zh="用了旧的换算 ln(1/δ)/(α − 1)：成立，但比题目要的大。",
    caught_by="as_the_accountant_says",
    step="Add ln((α − 1)/α) − (ln δ + ln α)/(α − 1).",
    step_zh="加上 ln((α − 1)/α) − (ln δ + ln α)/(α − 1)。",
)
def older_translation(noise_multiplier, sample_rate, steps, delta):
    def older(rho, alpha, delta):
        return rho - math.log(delta) / (alpha - 1)

    return _epsilon(noise_multiplier, sample_rate, steps, delta, translated=older)


@wrong(
    "epsilon",
    "Says that without noise there is no cost.",
    zh="以为不加噪声就没有代价。",
    caught_by="no_noise_no_promise",
    step="ε measures what can leak: without noise it is infinite.",
    step_zh="ε 衡量能泄露多少：不加噪声就是无穷大。",
)
def no_noise_no_cost(noise_multiplier, sample_rate, steps, delta):
    return _epsilon(noise_multiplier, sample_rate, steps, delta) if noise_multiplier else 0.0


@wrong(
    "epsilon",
    "Adds up the ε of all steps: valid, and far more than composing in Rényi divergence gives.",
    zh="把每一步的 ε 相加：成立，但比先加 Rényi 散度大得多。",
    caught_by="as_the_accountant_says",
    step="Multiply ρ by the steps; translate the total once.",
    step_zh="先把 ρ 乘步数，总和只换算一次。",
)
def adds_up_epsilon(noise_multiplier, sample_rate, steps, delta):
    return steps * _epsilon(noise_multiplier, sample_rate, 1, delta)


@wrong(
    "epsilon",
    "Ends the sum before j = α, which is the largest term.",
    zh="求和没加到 j = α，漏掉了最大的一项。",
    caught_by="as_the_accountant_says",
    step="j runs from 0 to α: range(alpha + 1).",
    step_zh="j 从 0 到 α：range(alpha + 1)。",
)
def without_the_last_term(noise_multiplier, sample_rate, steps, delta):
    if sample_rate == 1 or noise_multiplier == 0:
        return math.inf if noise_multiplier == 0 else -math.inf
    return _epsilon(noise_multiplier, sample_rate, steps, delta, last=0)


def _coins(people, rate, generator):
    return torch.rand(people, generator=generator) < rate


def _train(
    model, x, y, optimizer, steps, rate, max_norm, noise_multiplier, generator=None,
    *, draw=_coins, gradient=_private, expected=None, step=None,
):  # fmt: skip
    """Rows drawn by `draw`, a gradient by `gradient`, and `step`, by default the optimiser's."""
    expected = rate * len(x) if expected is None else expected
    for _ in range(steps):
        rows = draw(len(x), rate, generator)
        found = gradient(
            model, x[rows], y[rows], max_norm, noise_multiplier, expected, generator
        )  # fmt: skip
        for name, parameter in model.named_parameters():
            parameter.grad = found[name]
        (step or optimizer.step)()
    return model


@wrong(
    "train_privately",
    "Draws as many people in every step, from a shuffled epoch perhaps; the ε above is for coins.",
    zh="每一步的人数都一样（比如打乱后依次取批）；而上面的 ε 是按掷硬币算的。",
    caught_by="everyone_has_a_coin",
    looks_like=lambda seen: seen["alike"] and seen["drawn at rate 1"] > 0,
    step="In each step compare one uniform number for each example with the rate.",
    step_zh="每一步都给每个样本抽一个均匀随机数，与采样率比较。",
)
def batches_of_a_fixed_size(*given):
    queue = []

    def draw(people, rate, generator):
        size = max(1, round(rate * people))
        if len(queue) < size:
            queue[:] = torch.randperm(people, generator=generator).tolist()
        return torch.tensor([queue.pop() for _ in range(size)])

    return _train(*given, draw=draw)


@wrong(
    "train_privately",
    "Throws the coins once, for all steps.",
    zh="硬币只掷一次，所有步共用。",
    caught_by="coins_are_thrown_afresh",
    step="Throw them inside the loop.",
    step_zh="在循环里面掷。",
)
def coins_thrown_once(model, x, y, optimizer, steps, rate, *given):
    rows = _coins(len(x), rate, given[2] if len(given) > 2 else None)
    return _train(model, x, y, optimizer, steps, rate, *given, draw=lambda *_: rows)


@wrong(
    "train_privately",
    "Draws the coins, the noise or both from torch's own generator, not from the one given.",
    zh="硬币或噪声（或者两样）没有来自传入的 generator，用的是 torch 默认的。",
    caught_by="everyone_has_a_coin",
    step="Pass the generator to torch.rand, and hand it on to private_gradient.",
    step_zh="torch.rand 要传 generator，private_gradient 也要传。",
)
def chance_from_elsewhere(*given):
    return _train(
        *given, draw=lambda people, rate, _: _coins(people, rate, None),
        gradient=lambda *arguments: _private(*arguments[:-1], None),
    )  # fmt: skip


@wrong(
    "train_privately",
    "Divides by a whole number of people, not by how many are expected: by those who came, by all, "
    "or by a rounded number.",
    zh="除的是整数个人，而不是期望人数：实到人数、全部 N 人，或者取整后的人数。",
    caught_by="the_denominator_is_expected",
    # A pull is 0.5 over the denominator; half a person more than whole ones is expected.
    looks_like=lambda seen: all(abs((0.5 / pull + 0.5) % 1 - 0.5) < 0.05 for pull in seen),
    step="B = sample_rate · N, in every step.",
    step_zh="每一步的 B 都是 sample_rate · N。",
)
def divides_by_who_came(*given):
    def gradient(model, x, y, max_norm, noise_multiplier, _, generator):
        return _private(model, x, y, max_norm, noise_multiplier, max(len(x), 1), generator)

    return _train(*given, gradient=gradient)


@wrong(
    "train_privately",
    "Skips the steps where nobody was drawn.",
    zh="没抽中人的步骤被跳过了。",
    caught_by="every_step_is_noisy",
    step="Take the step with noise alone.",
    step_zh="这一步也要走，只用噪声。",
)
def skips_empty_steps(model, x, y, optimizer, *given):
    came = []

    def draw(*coins):
        came[:] = _coins(*coins)
        return torch.stack(came)

    step = lambda: optimizer.step() if any(came) else None  # noqa: E731
    return _train(model, x, y, optimizer, *given, draw=draw, step=step)


@wrong(
    "train_privately",
    "Adds the same noise in every step.",
    zh="每一步加的是同一份噪声。",
    caught_by="every_step_is_noisy",
    step="Do not seed anew in the loop: the generator goes on.",
    step_zh="循环里不要重新设种子，让 generator 接着往下走。",
)
def same_noise_every_step(*given):
    seeds = []

    def gradient(*arguments):
        seeds.append(int(torch.randint(2**31, (), generator=arguments[-1])))
        return _private(*arguments[:-1], torch.Generator().manual_seed(seeds[0]))

    return _train(*given, gradient=gradient)


@wrong(
    "train_privately",
    "Lets the gradients of earlier steps pile up.",
    zh="前面各步的梯度越积越多。",
    caught_by="steps_of_the_optimiser",
    step="Set parameter.grad, do not add to it.",
    step_zh="给 parameter.grad 赋值，而不是累加。",
)
def gradients_pile_up(*given):
    piled = {}

    def gradient(*arguments):
        for name, g in _private(*arguments).items():
            piled[name] = piled.get(name, 0) + g
        return dict(piled)

    return _train(*given, gradient=gradient)


@wrong(
    "train_privately",
    "Trains plainly on all data: a good network, and everybody in it can be told.",
    zh="用全部数据做普通训练：网络不错，可里面有谁一查便知。",
    caught_by="reads_and_resists",
    errata=("E204",),
    step="Coins, clipping and noise in each step.",
    step_zh="每一步都要掷硬币、裁剪、加噪。",
)
def trains_plainly(model, x, y, optimizer, steps, *_):
    for _ in range(steps):
        optimizer.zero_grad()
        cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


@wrong(
    "train_privately",
    "The model that was given does not move: a copy is trained, or gradients are cleared too late.",
    zh="传入的模型没有动：训练的是副本，或者清梯度清晚了。",
    caught_by="everyone_has_a_coin",
    looks_like=lambda seen: seen["drawn at rate 1"] == 0,
    step="Set parameter.grad on the model itself, and let the optimiser step at once.",
    step_zh="在传入的模型上给 parameter.grad 赋值，紧接着就让优化器走一步。",
)
def nothing_moves(*given):
    return _train(*given, step=lambda: None)


@wrong(
    "train_privately",
    "Steps by itself, w − lr · g, and not with the optimiser, whose momentum is lost.",
    zh="自己写 w − lr · g 更新，没有用优化器，动量就丢了。",
    caught_by="steps_of_the_optimiser",
    step="Put the gradient into parameter.grad and call optimizer.step().",
    step_zh="把梯度放进 parameter.grad，再调用 optimizer.step()。",
)
def steps_by_itself(model, x, y, optimizer, *given):
    plain = torch.optim.SGD(model.parameters(), optimizer.param_groups[0]["lr"])
    return _train(model, x, y, plain, *given)


def _found(inside, outside, max_fpr, more=0):
    """From the losses of members and others."""
    outside = outside.sort().values
    allowed = max(int(max_fpr * len(outside) + 1e-9) + more, 0)
    bound = outside[allowed] if allowed < len(outside) else math.inf
    pairs = (inside[:, None] < outside).double() + (inside[:, None] == outside).double() / 2
    return {"auc": pairs.mean().item(), "tpr": (inside < bound).double().mean().item()}


@torch.no_grad()
def _losses(model, parties, mode=False):
    was = model.training
    model.train(mode)
    losses = [cross_entropy(model(x), y, reduction="none") for x, y in parties]
    model.train(was)
    return losses


@wrong(
    "membership_attack",
    "Takes a high loss for the sign of a member.",
    zh="把损失高当成了成员的标志。",
    caught_by="knows_whom_it_overfitted",
    step="Training lowers the members' losses: score by minus the loss.",
    step_zh="训练会压低成员的损失：用负的损失当分数。",
)
def high_loss_for_members(model, members, others, max_fpr=0.01):
    inside, outside = _losses(model, (members, others))
    return _found(-inside, -outside, max_fpr)


@wrong(
    "membership_attack",
    "Counts how often the model errs, which measures another thing, evasion perhaps.",
    zh="数的是模型出错的次数：那是泛化好坏，或者另一种攻击（逃逸）的指标；成员推断问的是谁参与过训练。",
    caught_by="members_lose_less",
    errata=("E203",),
    step="Rank members against others by their losses.",
    step_zh="按损失把成员和非成员排序比较。",
)
def counts_errors(model, members, others, max_fpr=0.01):
    was = model.training
    model.eval()
    with torch.no_grad():
        hits = [(model(x).argmax(dim=1) == y).double().mean().item() for x, y in (members, others)]
    model.train(was)
    return {"auc": hits[0] - hits[1], "tpr": hits[0]}


@wrong(
    "membership_attack",
    "Asks how sure the model is of anything, and not of the label.",
    zh="问的是模型对随便哪一类有多确信，而不是对标签。",
    caught_by="members_lose_less",
    step="The loss is that of the given label.",
    step_zh="损失要按给定的标签算。",
)
def ignores_the_labels(model, members, others, max_fpr=0.01):
    guesses = [(x, model(x).argmax(dim=1)) for x, _ in (members, others)]
    return _found(*_losses(model, guesses), max_fpr)


@wrong(
    "membership_attack",
    "Takes the logarithm of a probability that has become 0: the worst losses are all infinite.",
    zh="对已经变成 0 的概率取对数：最大的那些损失全成了无穷大。",
    caught_by="sure_and_wrong",
    step="Use cross_entropy on the logits, or log_softmax.",
    step_zh="对 logits 用 cross_entropy 或 log_softmax。",
)
def logarithms_of_zero(model, members, others, max_fpr=0.01):
    losses = []
    for loss in _losses(model, (members, others)):
        losses.append(-loss.neg().float().exp().log())
    return _found(*losses, max_fpr)


@wrong(
    "membership_attack",
    "Accuses one person more than is allowed.",
    zh="比允许的多误判了一个人。",
    caught_by="few_are_accused",
    step="The threshold stays below the first other who would be one too many.",
    step_zh="阈值要低于会超出名额的那个非成员。",
)
def accuses_one_more(model, members, others, max_fpr=0.01):
    return _found(*_losses(model, (members, others)), max_fpr, more=1)


@wrong(
    "membership_attack",
    "Asks the model in training mode.",
    zh="在训练模式下询问模型。",
    caught_by="asked_in_evaluation_mode",
    step="model.eval() first.",
    step_zh="先 model.eval()。",
)
def asks_in_training_mode(model, members, others, max_fpr=0.01):
    was = model.training
    losses = [_losses(model, (party,), mode=was)[0] for party in (members, others)]
    return _found(*losses, max_fpr)


@wrong(
    "membership_attack",
    "Takes a quantile that lies between two of the others, and may accuse more than is allowed.",
    zh="阈值取了插值的分位数，落在两个非成员之间，误判可能超过允许的比例。",
    caught_by="few_are_accused",
    step="Count how many of the others lie at or below the threshold.",
    step_zh="数一数有多少个非成员的损失不超过阈值。",
)
def interpolates_the_quantile(model, members, others, max_fpr=0.01):
    inside, outside = _losses(model, (members, others))
    caught = (inside <= outside.quantile(max_fpr)).double().mean()
    return {"auc": _found(inside, outside, max_fpr)["auc"], "tpr": caught.item()}


@wrong(
    "membership_attack",
    "Accuses fewer than max_fpr, where exactly that share is allowed.",
    zh="误判比例要求严格小于 max_fpr，而恰好等于也是允许的。",
    caught_by="few_are_accused",
    step="At most max_fpr: take ≤.",
    step_zh="不超过 max_fpr：用 ≤。",
)
def accuses_fewer(model, members, others, max_fpr=0.01):
    inside, outside = _losses(model, (members, others))
    allowed = math.ceil(max_fpr * len(outside) - 1e-9) - 1 - int(max_fpr * len(outside) + 1e-9)
    return _found(inside, outside, max_fpr, more=allowed)


@wrong(
    "leak",
    "Believes that a gradient hides the picture, as “federated learning keeps it safe” has it.",
    zh="以为梯度里看不到图片，就像「联邦学习能保障隐私」说的那样。",
    caught_by="the_picture_comes_out",
    errata=("E204",),
    step="Divide a row of the first weight gradient by the bias gradient beside it.",
    step_zh="用偏置梯度去除第一个权重梯度中对应的那一行。",
)
def nothing_to_see(gradients):
    return {"image": torch.zeros(gradients[0].shape[1]), "label": int(gradients[-1].argmin())}


@wrong(
    "leak",
    "Returns a row of the gradient itself: the picture in a wrong scale, perhaps negative.",
    zh="直接返回梯度的一行：只是图片的影子，比例不对，还可能是负的。",
    caught_by="the_picture_comes_out",
    step="Divide it by the bias gradient of the same unit.",
    step_zh="再除以同一单元的偏置梯度。",
)
def row_undivided(gradients):
    image = gradients[0][gradients[1].abs().argmax()]
    return {"image": image, "label": int(gradients[-1].argmin())}


@wrong(
    "leak",
    "Divides at units that are dead, where both gradients are 0: nan.",
    zh="在死掉的单元上相除，两个梯度都是 0，得到 nan。",
    caught_by="dead_units",
    looks_like=lambda seen: bool(np.isnan(seen).any()),
    step="Take one unit whose bias gradient is not 0, such as the largest in magnitude.",
    step_zh="挑一个偏置梯度不为 0 的单元，例如绝对值最大的。",
)
def divides_where_dead(gradients):
    return {"image": gradients[0][0] / gradients[1][0], "label": int(gradients[-1].argmin())}


@wrong(
    "leak",
    "Takes the class that the network believes in for the label.",
    zh="把网络最相信的类别当成标签。",
    caught_by="the_label_comes_out",
    step="softmax − onehot is negative for the target alone.",
    step_zh="softmax − onehot 只有目标那一项为负。",
)
def label_as_believed(gradients):
    unit = gradients[1].abs().argmax()
    image = gradients[0][unit] / gradients[1][unit]
    return {"image": image, "label": int(gradients[-1].argmax())}


@wrong(
    "leak",
    "Divides in the last layer, which shows what the last hidden layer saw.",
    zh="除的是最后一层，得到的是最后一个隐藏层的输入。",
    caught_by="any_depth",
    step="The picture stands before the first layer.",
    step_zh="图片在第一层之前。",
)
def last_layer(gradients):
    unit = gradients[-1].abs().argmax()
    image = gradients[-2][unit] / gradients[-1][unit]
    return {"image": image, "label": int(gradients[-1].argmin())}


def _mean(states, shares):
    return {
        name: sum(state[name] * share for state, share in zip(states, shares, strict=True))
        if first.is_floating_point() else first.clone()
        for name, first in states[0].items()
    }  # fmt: skip


@wrong(
    "federated_average",
    "Gives every client the same weight.",
    zh="每个客户端权重相同。",
    caught_by="weighs_by_size",
    step="Weigh by n_k / n.",
    step_zh="按 n_k / n 加权。",
)
def all_alike(states, sizes):
    return _mean(states, [1 / len(states)] * len(states))


@wrong(
    "federated_average",
    "The counters are not the first client's: averaged perhaps, added up, or another client's.",
    zh="计数器不是第一个客户端的：可能求了平均、加在了一起，或者取了别的客户端的。",
    caught_by="counters_are_the_first_clients",
    looks_like=lambda seen: not seen["counters are the first client's"],
    step="Copy what is not floating point from the first client.",
    step_zh="不是浮点数的，复制第一个客户端的。",
)
def averages_counters(states, sizes):
    shares = [n / sum(sizes) for n in sizes]
    return {
        name: sum(state[name] * share for state, share in zip(states, shares, strict=True))
        for name in states[0]
    }


@wrong(
    "federated_average",
    "Adds into the first client's tensors.",
    zh="直接累加进了第一个客户端的张量。",
    caught_by="clients_stay",
    step="Make new tensors.",
    step_zh="要新建张量。",
)
def adds_into_the_first(states, sizes):
    shares = [n / sum(sizes) for n in sizes]
    for name, value in states[0].items():
        if value.is_floating_point():
            value *= shares[0]
            for state, share in zip(states[1:], shares[1:], strict=True):
                value += share * state[name]
    return states[0]


def _groups(rows, quasi):
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in quasi), []).append(row)
    return groups


def _are_diverse(people, sensitive, l):  # noqa: E741
    return sensitive is None or len({row[sensitive] for row in people}) >= l


@wrong(
    "anonymous_counts",
    "Asks for more than k people.",
    zh="要求多于 k 人。",
    caught_by="groups_of_k",
    step="k people are enough: at least k.",
    step_zh="k 人就够：至少 k 人。",
)
def more_than_k(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    return {
        values: len(people)
        for values, people in _groups(rows, quasi).items()
        if len(people) > k and _are_diverse(people, sensitive, l)
    }


@wrong(
    "anonymous_counts",
    "Asks for more than l different values.",
    zh="要求多于 l 个不同的值。",
    caught_by="groups_are_diverse",
    step="l values are enough: at least l.",
    step_zh="l 个就够：至少 l 个。",
)
def more_than_l(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    return {
        values: len(people)
        for values, people in _groups(rows, quasi).items()
        if len(people) >= k and _are_diverse(people, sensitive, l + 1)
    }


@wrong(
    "anonymous_counts",
    "Looks at each column by itself: common values may make a rare combination.",
    zh="逐列检查：每个值都常见，组合起来可能很罕见。",
    caught_by="groups_agree_in_all",
    step="Group by all quasi-identifiers together.",
    step_zh="按全部准标识符一起分组。",
)
def columns_apart(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    alone = {name: _groups(rows, [name]) for name in quasi}
    return {
        values: len(people)
        for values, people in _groups(rows, quasi).items()
        if all(len(alone[n][(v,)]) >= k for n, v in zip(quasi, values, strict=True))
        and _are_diverse(people, sensitive, l)
    }


@wrong(
    "anonymous_counts",
    "Takes k-anonymity for enough: a group that all have the same illness is published.",
    zh="以为满足 k-匿名就够了：全组同一种病也照样公布。",
    caught_by="groups_are_diverse",
    step="Count the different values of the sensitive column.",
    step_zh="数一数敏感列有几个不同的值。",
)
def anonymity_is_enough(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    return {v: len(people) for v, people in _groups(rows, quasi).items() if len(people) >= k}


@wrong(
    "anonymous_counts",
    "Counts the people for l, not their different values.",
    zh="数 l 时数的是人数，而不是不同取值的个数。",
    caught_by="groups_are_diverse",
    step="A set holds each value once.",
    step_zh="集合里每个值只算一次。",
)
def counts_people_for_l(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    needed = k if sensitive is None else max(k, l)
    return {v: len(people) for v, people in _groups(rows, quasi).items() if len(people) >= needed}


@wrong(
    "anonymous_counts",
    "A single column gives its bare value for a key, not a tuple of one.",
    zh="只有一列时，键直接用了那个值，而不是含一个元素的元组。",
    caught_by="groups_agree_in_all",
    step="(value,) with its comma is a tuple of one.",
    step_zh="单元素元组要写逗号：(value,)。",
)
def bare_values(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    return {
        values if len(values) > 1 else values[0]: len(people)
        for values, people in _groups(rows, quasi).items()
        if len(people) >= k and _are_diverse(people, sensitive, l)
    }


@wrong(
    "anonymous_counts",
    "Publishes every group, those of one person too.",
    zh="所有组都公布，连只有一个人的也不例外。",
    caught_by="too_few_for_anything",
    step="Leave out the groups of fewer than k.",
    step_zh="少于 k 人的组不公布。",
)
def publishes_everything(rows, quasi, *_):
    return {values: len(people) for values, people in _groups(rows, quasi).items()}
