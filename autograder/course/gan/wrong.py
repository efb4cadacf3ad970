"""Known-wrong answers for `gan`, each one misconception; some are faults of its program."""

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from autograder.checks import wrong

from .instruments import MODES


def _real(logits):
    """The cross entropy against ones."""
    return softplus(-logits).mean()


def _fake(logits):
    """The cross entropy against zeros."""
    return softplus(logits).mean()


def _step(loss, optimizer, clear=True):
    if clear:
        optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# --- discriminator_loss -------------------------------------------------------------------


@wrong(
    "discriminator_loss",
    "Puts a sigmoid before a loss that has its own.",
    zh="损失自带 sigmoid，前面又加了一个。",
    caught_by="each_kind_has_its_mean",
    step="Give the logits to the loss as they are.",
    step_zh="把 logits 原样交给损失。",
)
def sigmoid_twice(real_logits, fake_logits):
    return _real(real_logits.sigmoid()) + _fake(fake_logits.sigmoid())


@wrong(
    "discriminator_loss",
    "Swaps the labels: real pictures have 0, forged ones 1.",
    zh="标签弄反了：真图标成 0，假图标成 1。",
    caught_by="each_kind_has_its_mean",
    step="Real pictures have label 1.",
    step_zh="真图的标签是 1。",
)
def labels_swapped(real_logits, fake_logits):
    return _fake(real_logits) + _real(fake_logits)


@wrong(
    "discriminator_loss",
    "Gives both kinds label 1.",
    zh="真图和假图的标签都成了 1。",
    caught_by="each_kind_has_its_mean",
    step="Forged pictures have label 0.",
    step_zh="假图的标签是 0。",
)
def both_are_real(real_logits, fake_logits):
    return _real(real_logits) + _real(fake_logits)


@wrong(
    "discriminator_loss",
    "Averages over all pictures together, real and forged.",
    zh="把真图、假图混在一起求平均。",
    caught_by="each_kind_has_its_mean",
    step="Each kind has a mean of its own; then add.",
    step_zh="两种各自求均值，再相加。",
)
def one_mean_for_all(real_logits, fake_logits):
    return torch.cat([softplus(-real_logits), softplus(fake_logits)]).mean()


@wrong(
    "discriminator_loss",
    "Where the discriminator is sure and wrong the loss is infinite, or cut off: as by way of "
    "probabilities that become 0.",
    zh="判别器十分肯定却判错时，损失成了无穷大，或者被截断：比如先算出了会变成 0 的概率。",
    caught_by="sure_and_wrong_is_dear",
    looks_like=lambda seen: seen[0] > 10 > seen[-1] and not np.ptp(seen[:5]) > 1e-3,
    step="Compute from logits: softplus or the loss with logits never overflows.",
    step_zh="直接从 logits 算：softplus 或带 logits 的损失不会溢出。",
)
def by_probabilities(real_logits, fake_logits):
    real, fake = real_logits.sigmoid(), fake_logits.sigmoid()
    return -(real + 1e-8).log().mean() - (1 - fake + 1e-8).log().mean()


@wrong(
    "discriminator_loss",
    "Gives back a number without a graph, so that nobody learns from it.",
    zh="返回的数已脱离计算图，谁也学不到东西。",
    caught_by="gradients_reach_both_kinds",
    step="Return the tensor itself; take the number from it elsewhere.",
    step_zh="返回张量本身；要数值时在别处取。",
)
def without_a_graph(real_logits, fake_logits):
    return (_real(real_logits) + _fake(fake_logits)).detach()


# --- generator_loss -----------------------------------------------------------------------


@wrong(
    "generator_loss",
    "Minimises log(1 − D(G(z))), which saturates where the discriminator is sure.",
    zh="最小化 log(1 − D(G(z)))：判别器一旦肯定，它就饱和。",
    caught_by="strong_where_it_loses",
    step="Minimise minus log D(G(z)): cross entropy against ones.",
    step_zh="最小化 −log D(G(z))，也就是对 1 的交叉熵。",
)
def saturates(fake_logits):
    return -_fake(fake_logits)


@wrong(
    "generator_loss",
    "Minimises the discriminator's own loss: it learns to be found out.",
    zh="最小化的是判别器的损失：学的是怎么被识破。",
    caught_by="mean_of_minus_log_d",
    step="The generator wants its pictures to be taken for real: label 1.",
    step_zh="生成器希望自己的图被当成真的：标签为 1。",
)
def wants_to_be_found_out(fake_logits):
    return _fake(fake_logits)


@wrong(
    "generator_loss",
    "Puts a sigmoid before a loss that has its own.",
    zh="损失自带 sigmoid，前面又加了一个。",
    caught_by="mean_of_minus_log_d",
    step="Give the logits to the loss as they are.",
    step_zh="把 logits 原样交给损失。",
)
def sigmoid_twice_in_g(fake_logits):
    return _real(fake_logits.sigmoid())


@wrong(
    "generator_loss",
    "Where the discriminator is sure and wrong the loss is infinite, or cut off: as by way of "
    "probabilities that become 0.",
    zh="判别器十分肯定却判错时，损失成了无穷大，或者被截断：比如先算出了会变成 0 的概率。",
    caught_by="mean_of_minus_log_d",
    looks_like=lambda seen: seen[3] > 10 and not np.ptp([*seen[3:5], *seen[6:]]) > 1e-3,
    step="Compute from logits: softplus or the loss with logits never overflows.",
    step_zh="直接从 logits 算：softplus 或带 logits 的损失不会溢出。",
)
def by_probabilities_in_g(fake_logits):
    return -(fake_logits.sigmoid() + 1e-12).log().mean()


# --- discriminator_step -------------------------------------------------------------------


@wrong(
    "discriminator_step",
    "Does not detach the forged pictures: the gradient runs on into the generator.",
    zh="没有 detach 假图：梯度一路传进了生成器。",
    caught_by="generator_gets_no_gradient",
    step="Cut the forged pictures off from the generator before the discriminator sees them.",
    step_zh="把假图交给判别器之前，先和生成器切断。",
)
def not_detached(generator, discriminator, optimizer, real, z):
    return _step(_real(discriminator(real)) + _fake(discriminator(generator(z))), optimizer)


@wrong(
    "discriminator_step",
    "Freezes the generator for good.",
    zh="把生成器永久冻结了。",
    caught_by="generator_gets_no_gradient",
    step="Detach its pictures; its parameters need not be frozen.",
    step_zh="把假图 detach 即可，参数不必冻结。",
    looks_like=lambda seen: not any(round["can learn"] for round in seen),
)
def freezes_the_generator(generator, discriminator, optimizer, real, z):
    generator.requires_grad_(False)
    return _step(_real(discriminator(real)) + _fake(discriminator(generator(z))), optimizer)


@wrong(
    "discriminator_step",
    "Adds to gradients that are left from earlier.",
    zh="没清梯度，累加到了残留的梯度上。",
    caught_by="discriminator_moves_once",
    step="Call zero_grad before backward.",
    step_zh="反向传播之前先 zero_grad。",
)
def old_gradients_count(generator, discriminator, optimizer, real, z):
    loss = _real(discriminator(real)) + _fake(discriminator(generator(z).detach()))
    loss.backward()
    optimizer.step()
    return loss.item()


@wrong(
    "discriminator_step",
    "Sends real and forged pictures through together, mixed by batch normalisation.",
    zh="真图、假图一起送入，批归一化把两者混在了一起。",
    caught_by="kinds_pass_apart",
    step="Two passes, one for each kind.",
    step_zh="分两次前向，一种一次。",
)
def kinds_pass_together(generator, discriminator, optimizer, real, z):
    logits = discriminator(torch.cat([real, generator(z).detach()]))
    return _step(_real(logits[: len(real)]) + _fake(logits[len(real) :]), optimizer)


@wrong(
    "discriminator_step",
    "Switches a network to another mode than the one in which it came.",
    zh="改了网络的模式，没有让它保持传进来时的样子。",
    caught_by="modes_are_left_alone",
    step="Leave both networks in the mode in which they are.",
    step_zh="两个网络保持原来的模式。",
    looks_like=lambda seen: [r["modes after"] for r in seen] != [[[g], [d]] for g, d in MODES],
)
def switches_modes(generator, discriminator, optimizer, real, z):
    generator.eval()
    fake = generator(z).detach()
    generator.train()
    return _step(_real(discriminator(real)) + _fake(discriminator(fake)), optimizer)


@wrong(
    "discriminator_step",
    "The discriminator does not move: no step is taken, or its gradients were cleared before.",
    zh="判别器没有动：没走那一步，或者走之前把梯度清掉了。",
    caught_by="discriminator_moves_once",
    step="zero_grad(), backward(), step(), in this order.",
    step_zh="依次调用 zero_grad()、backward()、step()。",
)
def no_step(generator, discriminator, optimizer, real, z):
    return (_real(discriminator(real)) + _fake(discriminator(generator(z).detach()))).item()


@wrong(
    "discriminator_step",
    "Returns the loss after the step, not before it.",
    zh="返回的是走步之后的损失，而不是之前的。",
    caught_by="discriminator_moves_once",
    step="Keep the loss on which you call backward, and return that.",
    step_zh="记下做反向传播的那个损失，返回它。",
)
def loss_after_the_step(generator, discriminator, optimizer, real, z):
    fake = generator(z).detach()
    _step(_real(discriminator(real)) + _fake(discriminator(fake)), optimizer)
    return (_real(discriminator(real)) + _fake(discriminator(fake))).item()


# --- generator_step -----------------------------------------------------------------------


@wrong(
    "generator_step",
    "Detaches here as well, so that the generator learns nothing.",
    zh="这里也 detach 了，生成器什么也学不到。",
    caught_by="generator_moves_once",
    step="Only the discriminator's step detaches.",
    step_zh="只有判别器那一步才 detach。",
)
def detaches_its_own(generator, discriminator, optimizer, z):
    return _real(discriminator(generator(z).detach())).item()


@wrong(
    "generator_step",
    "Steps on the loss of the game, which saturates.",
    zh="走的是博弈原式的损失，会饱和。",
    caught_by="generator_moves_once",
    step="Use the non-saturating loss.",
    step_zh="用非饱和损失。",
)
def steps_on_the_game(generator, discriminator, optimizer, z):
    return _step(-_fake(discriminator(generator(z))), optimizer)


@wrong(
    "generator_step",
    "Helps the discriminator: the same loss is minimised for both.",
    zh="反过来帮判别器：两边最小化的是同一个损失。",
    caught_by="generator_moves_once",
    step="The generator wants label 1 for its pictures.",
    step_zh="生成器希望自己的图标签为 1。",
)
def helps_the_discriminator(generator, discriminator, optimizer, z):
    return _step(_fake(discriminator(generator(z))), optimizer)


@wrong(
    "generator_step",
    "Adds to gradients that are left from earlier, those of the discriminator's step above all.",
    zh="没清梯度，累加到残留的梯度上，首先是判别器那一步留下的。",
    caught_by="generator_moves_once",
    step="Call zero_grad before backward.",
    step_zh="反向传播之前先 zero_grad。",
)
def old_gradients_count_in_g(generator, discriminator, optimizer, z):
    loss = _real(discriminator(generator(z)))
    loss.backward()
    optimizer.step()
    return loss.item()


@wrong(
    "generator_step",
    "Freezes the discriminator for good.",
    zh="把判别器永久冻结了。",
    caught_by="discriminator_stands_still",
    step="What is not in the optimizer does not move; nothing need be frozen.",
    step_zh="不在优化器里的参数不会动，无需冻结。",
)
def freezes_the_discriminator(generator, discriminator, optimizer, z):
    discriminator.requires_grad_(False)
    return _step(_real(discriminator(generator(z))), optimizer)


# --- train_gan ----------------------------------------------------------------------------


def _train(
    generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None,
    *, mode=True, betas=(0.5, 0.999), rate=lambda done, one: min(1, 2 * (1 - done)),
    noise=torch.randn, pick=None, of_generator=lambda logits: _real(logits), first=1, again=False,
    shared=False, clear=True,
):  # fmt: skip
    """Train as asked but for what is given behind the star."""
    nets = {"D": discriminator.train(mode), "G": generator.train(mode)}
    improve = {who: torch.optim.Adam(n.parameters(), lr=lr, betas=betas) for who, n in nets.items()}
    losses = []
    for number in range(rounds):
        pair, z = [], noise(batch_size, generator.latent)
        for who in "DG":
            if again:
                improve[who] = torch.optim.Adam(nets[who].parameters(), lr=lr, betas=betas)
            improve[who].param_groups[0]["lr"] = lr * rate(number / rounds, 1 / rounds)
            fake = generator(z if shared else noise(batch_size, generator.latent))
            if who == "D":
                rows = pick(batch_size) if pick else torch.randint(len(faces), (batch_size,))
                loss = _real(discriminator(faces[rows])) + _fake(discriminator(fake.detach()))
            else:
                loss = of_generator(discriminator(fake))
            pair.append(_step(loss, improve[who], clear))
        losses.append((pair[0], pair[-1]))
        if after_round:
            after_round(number + first)
    return losses


@wrong(
    "train_gan",
    "Never lowers the learning rate.",
    zh="学习率从头到尾不降。",
    caught_by="rate_is_held_then_falls",
    step="In the second half the rate falls linearly; set it in both optimizers.",
    step_zh="后一半学习率线性下降，两个优化器都要设。",
)
def never_slows_down(*given, **how):
    return _train(*given, **how, rate=lambda *_: 1)


@wrong(
    "train_gan",
    "Lowers the rate a round too early: the last round has a rate of 0.",
    zh="学习率早降了一轮：最后一轮的学习率成了 0。",
    caught_by="rate_is_held_then_falls",
    step="Rounds count from 1 in the formula: the first has (r − 1) / R = 0.",
    step_zh="公式里的轮次从 1 数起：第一轮的 (r − 1) / R 是 0。",
)
def slows_down_too_early(*given, **how):
    return _train(*given, **how, rate=lambda done, one: min(1, 2 * (1 - done - one)))


@wrong(
    "train_gan",
    "Lets the rate fall from the first round on.",
    zh="学习率从第一轮就开始降。",
    caught_by="rate_is_held_then_falls",
    step="The rate is held for the first half: mind the 2 and the min.",
    step_zh="前一半保持不变：别漏了 2 和 min。",
)
def falls_from_the_start(*given, **how):
    return _train(*given, **how, rate=lambda done, one: 1 - done)


@wrong(
    "train_gan",
    "Leaves Adam's first beta at 0.9.",
    zh="Adam 的第一个 beta 用了默认的 0.9。",
    caught_by="rate_is_held_then_falls",
    step="Give Adam betas=(0.5, 0.999).",
    step_zh="给 Adam 设 betas=(0.5, 0.999)。",
)
def default_betas(*given, **how):
    return _train(*given, **how, betas=(0.9, 0.999))


@wrong(
    "train_gan",
    "Counts the rounds from 0.",
    zh="轮次从 0 开始数。",
    caught_by="one_step_each_in_turn",
    step="Call after_round(1) after the first round.",
    step_zh="第一轮之后调用 after_round(1)。",
)
def counts_from_zero(*given, **how):
    return _train(*given, **how, first=0)


@wrong(
    "train_gan",
    "Trains in evaluation mode.",
    zh="在评估模式下训练。",
    caught_by="one_step_each_in_turn",
    step="Call train() on both networks first.",
    step_zh="先对两个网络调用 train()。",
)
def trains_in_evaluation_mode(*given, **how):
    return _train(*given, **how, mode=False)


@wrong(
    "train_gan",
    "Steps on gradients that are left from earlier steps as well.",
    zh="走步时用上了之前几步残留的梯度。",
    caught_by="one_step_each_in_turn",
    step="Clear each network's gradients before its own backward pass.",
    step_zh="每个网络反向传播之前，先清自己的梯度。",
    looks_like=lambda seen: not seen["own gradients"],
)
def never_clears_in_rounds(*given, **how):
    return _train(*given, **how, clear=False)


@wrong(
    "train_gan",
    "Shows the same first pictures in every round.",
    zh="每一轮用的都是最前面那几张图。",
    caught_by="all_faces_are_seen",
    step="Draw rows at random from all faces, anew in each round.",
    step_zh="每一轮都从全部图片里重新随机取。",
)
def same_pictures(*given, **how):
    return _train(*given, **how, pick=lambda size: torch.arange(size))


@wrong(
    "train_gan",
    "Draws noise once and uses it in every step.",
    zh="噪声只抽一次，每步都用同一份。",
    caught_by="noise_is_fresh_and_normal",
    step="Draw new noise for every step.",
    step_zh="每一步都抽新的噪声。",
)
def same_noise(generator, *given, batch_size=32, **how):
    z = torch.randn(batch_size, generator.latent)
    return _train(generator, *given, batch_size=batch_size, **how, noise=lambda *_: z)


@wrong(
    "train_gan",
    "Takes a latent of a size of its own, such as 128, whatever the generator has.",
    zh="噪声的维数自作主张（例如定成 128），不管生成器是多少。",
    caught_by="one_step_each_in_turn",
    errata=("E177",),
    step="Ask the generator: generator.latent.",
    step_zh="问生成器：generator.latent。",
)
def latent_of_its_own(*given, **how):
    return _train(*given, **how, noise=lambda count, _: torch.randn(count, 128))


@wrong(
    "train_gan",
    "Draws uniform noise from 0 to 1.",
    zh="用了 0 到 1 的均匀噪声。",
    caught_by="noise_is_fresh_and_normal",
    step="Draw from the standard normal distribution.",
    step_zh="应从标准正态分布里抽。",
)
def uniform_noise(*given, **how):
    return _train(*given, **how, noise=torch.rand)


@wrong(
    "train_gan",
    "Lets the generator ask for label 0: both minimise the same loss, and no face comes out.",
    zh="让生成器也去要标签 0：两边最小化同一个损失，长不出脸来。",
    caught_by="faces_come_out",
    step="The generator steps on the non-saturating loss.",
    step_zh="生成器走的应是非饱和损失。",
    looks_like=lambda seen: seen > 14,
)
def one_loss_for_both(*given, **how):
    return _train(*given, **how, of_generator=_fake)


@wrong(
    "train_gan",
    "Uses the discriminator's noise for the generator's step too.",
    zh="生成器那一步沿用了判别器那一步的噪声。",
    caught_by="noise_is_fresh_and_normal",
    step="Draw new noise for each of the two steps.",
    step_zh="两步各抽各的噪声。",
)
def noise_shared_in_a_round(*given, **how):
    return _train(*given, **how, shared=True)


@wrong(
    "train_gan",
    "Makes new optimizers in every round: Adam forgets its averages each time.",
    zh="每一轮都新建优化器：Adam 每次都忘掉了它的滑动平均。",
    caught_by="rate_is_held_then_falls",
    step="Make both optimizers once, before the loop.",
    step_zh="两个优化器只在循环之前各建一次。",
)
def optimizers_made_anew(*given, **how):
    return _train(*given, **how, again=True)


# --- frechet_distance ---------------------------------------------------------------------


def _moments(real, fake, **how):
    real, fake = (np.asarray(features, dtype=float) for features in (real, fake))
    covariances = [np.cov(features, rowvar=False, **how) for features in (real, fake)]
    return real.mean(axis=0) - fake.mean(axis=0), *covariances


def _roots(first, second):
    return np.sqrt(np.linalg.eigvals(first @ second).real.clip(min=0)).sum()


@wrong(
    "frechet_distance",
    "Takes the root of each entry instead of the matrix root.",
    zh="逐个元素开方，而不是矩阵平方根。",
    caught_by="follows_the_formula",
    step="Take the matrix root, or the roots of the product's eigenvalues.",
    step_zh="求矩阵平方根，或者对乘积的特征值开方。",
)
def root_of_entries(real, fake):
    apart, first, second = _moments(real, fake)
    middle = np.sqrt(np.abs(first @ second))
    return apart @ apart + np.trace(first + second - 2 * middle)


@wrong(
    "frechet_distance",
    "Looks at variances only and forgets what goes together.",
    zh="只看方差，不管特征之间的相关。",
    caught_by="follows_the_formula",
    step="Use whole covariance matrices.",
    step_zh="要用完整的协方差矩阵。",
)
def variances_only(real, fake):
    apart, first, second = _moments(real, fake)
    a, b = np.diag(first), np.diag(second)
    return apart @ apart + np.sum(a + b - 2 * np.sqrt(a * b))


@wrong(
    "frechet_distance",
    "Takes the length of the difference of the means without squaring it.",
    zh="均值之差的长度没有平方。",
    caught_by="follows_the_formula",
    step="Square the length.",
    step_zh="长度要平方。",
)
def length_not_squared(real, fake):
    apart, first, second = _moments(real, fake)
    return np.linalg.norm(apart) + np.trace(first + second) - 2 * _roots(first, second)


@wrong(
    "frechet_distance",
    "Forgets the 2 before the root.",
    zh="平方根前面漏了 2。",
    caught_by="follows_the_formula",
    step="Twice the root is subtracted.",
    step_zh="要减去两倍的平方根。",
)
def root_once(real, fake):
    apart, first, second = _moments(real, fake)
    return apart @ apart + np.trace(first + second) - _roots(first, second)


@wrong(
    "frechet_distance",
    "Divides covariances by N instead of N − 1.",
    zh="协方差除以了 N，而不是 N − 1。",
    caught_by="follows_the_formula",
    step="Divide by one less, as np.cov does by default.",
    step_zh="除以 N − 1，np.cov 默认就是。",
)
def divides_by_n(real, fake):
    apart, first, second = _moments(real, fake, bias=True)
    return apart @ apart + np.trace(first + second) - 2 * _roots(first, second)


@wrong(
    "frechet_distance",
    "Takes pictures for features: the covariances are those between the rows.",
    zh="把图片当成了特征：求的是行与行之间的协方差。",
    caught_by="follows_the_formula",
    step="Each column is a feature: np.cov(x, rowvar=False), a matrix K × K.",
    step_zh="每一列是一个特征：np.cov(x, rowvar=False)，得到 K × K 的矩阵。",
)
def covariances_of_rows(real, fake):
    real, fake = (np.asarray(features, dtype=float) for features in (real, fake))
    apart = real.mean(axis=0) - fake.mean(axis=0)
    first, second = np.cov(real), np.cov(fake)
    return apart @ apart + np.trace(first) + np.trace(second) - 2 * _roots(first, second)


# --- to_bytes -----------------------------------------------------------------------------


def _scaled(images):
    return (images.detach() + 1) * 127.5


def _last(values):
    return values.permute(0, 2, 3, 1).numpy()


@wrong(
    "to_bytes",
    "Does not clip: bytes wrap around.",
    zh="没有截断：字节发生回绕。",
    caught_by="nothing_wraps_around",
    errata=("E180",),
    step="Clip to 0 … 255 before the cast.",
    step_zh="转类型之前先截到 0 … 255。",
)
def wraps_around(images):
    return _last((_scaled(images).round().to(torch.int64) % 256).to(torch.uint8))


@wrong(
    "to_bytes",
    "Cuts off the fraction instead of rounding.",
    zh="直接截掉小数，没有四舍五入。",
    caught_by="nearest_byte",
    step="Round before the cast.",
    step_zh="转类型之前先取整。",
)
def cuts_off(images):
    return _last(_scaled(images).clamp(0, 255).to(torch.uint8))


@wrong(
    "to_bytes",
    "Takes the values to lie in 0 … 1.",
    zh="以为取值是 0 … 1。",
    caught_by="nearest_byte",
    step="Bring −1 … 1 to 0 … 1 first: add 1 and halve.",
    step_zh="先从 −1 … 1 变到 0 … 1：加 1 再除以 2。",
)
def from_zero_to_one(images):
    return _last((images.detach() * 255).round().clamp(0, 255).to(torch.uint8))


@wrong(
    "to_bytes",
    "Leaves the channels in front.",
    zh="通道还在前面。",
    caught_by="channels_come_last",
    step="Move the channels to the last axis.",
    step_zh="把通道移到最后一维。",
)
def channels_first(images):
    return _scaled(images).round().clamp(0, 255).to(torch.uint8).numpy()


@wrong(
    "to_bytes",
    "Swaps rows and columns on the way.",
    zh="顺手把行和列换了位。",
    caught_by="channels_come_last",
    step="The order is (N, H, W, C).",
    step_zh="顺序是 (N, H, W, C)。",
)
def rows_for_columns(images):
    return _scaled(images).round().clamp(0, 255).to(torch.uint8).permute(0, 3, 2, 1).numpy()


@wrong(
    "to_bytes",
    "Cannot take pictures that carry a gradient.",
    zh="带梯度的图片转不了。",
    caught_by="nothing_wraps_around",
    step="Detach first.",
    step_zh="先 detach。",
)
def gradient_in_the_way(images):
    values = ((images + 1) * 127.5).numpy()
    return values.round().clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


@wrong(
    "to_bytes",
    "Multiplies by 128 instead of 127.5: all but black comes out a little too bright.",
    zh="乘的是 128 而不是 127.5：除了黑色都偏亮。",
    caught_by="nearest_byte",
    step="Two units of value make 255 steps: (x + 1) · 127.5.",
    step_zh="取值跨度 2 对应 255 级：(x + 1) · 127.5。",
)
def times_128(images):
    values = ((images.detach() + 1) * 128).round().clamp(0, 255)
    return _last(values.to(torch.uint8))


# --- mended_gan ---------------------------------------------------------------------------


def _mended(generator, discriminator, batches, noise, z, lr=0.05, **left):
    """The program, with the faults that are still `left` in it."""
    place = next(generator.parameters())
    squash = torch.sigmoid if left.get("sigmoid") else lambda logits: logits
    d, g = (torch.optim.SGD(n.parameters(), lr=lr) for n in (discriminator, generator))
    if not left.get("as_they_come"):
        generator.train()
        discriminator.train()
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        if not left.get("float32"):
            real, latent = real.to(place), latent.to(place)
        fake = generator(latent)
        seen = fake if left.get("attached") else fake.detach()
        labels = (
            {} if left.get("born_elsewhere") else {"dtype": place.dtype, "device": place.device}
        )
        loss = binary_cross_entropy_with_logits(
            squash(discriminator(real)), torch.ones(len(real), **labels)
        ) + _fake(squash(discriminator(seen)))
        if not (left.get("never_zeroes") or left.get("zeroes_g_alone")):
            d.zero_grad()
        if not (left.get("never_zeroes") or left.get("attached")):
            g.zero_grad()
        loss.backward(retain_graph=True)
        d.step()
        wanted = _fake if left.get("same_loss") else _real
        second = wanted(squash(discriminator(fake)))
        second.backward()
        g.step()
        losses.append((loss.item(), second.item()))
    generator.train(bool(left.get("draws_in_training")))
    with torch.no_grad():
        pictures = (generator(z if left.get("float32") else z.to(place)) + 1) * 127.5
    pictures = pictures.round().to(torch.int64)
    if not left.get("wraps"):
        pictures = pictures.clamp(0, 255)
    return {"losses": losses, "pictures": _last((pictures % 256).to(torch.uint8))}


@wrong(
    "mended_gan",
    "The sigmoid is still there, before a loss that has its own.",
    zh="损失自带 sigmoid，前面那个还在。",
    caught_by="losses_of_every_round",
    step="Give logits to the loss.",
    step_zh="把 logits 直接交给损失。",
)
def still_sigmoid_twice(*given, **how):
    return _mended(*given, **how, sigmoid=True)


@wrong(
    "mended_gan",
    "The forged pictures are still not detached, and the discriminator's gradient stays in the "
    "generator.",
    zh="假图还是没有 detach，判别器的梯度留在了生成器里。",
    caught_by="losses_of_every_round",
    step="Detach in the discriminator's step, and retain_graph is not needed.",
    step_zh="在判别器那一步 detach，retain_graph 也就用不着了。",
)
def still_attached(*given, **how):
    return _mended(*given, **how, attached=True)


@wrong(
    "mended_gan",
    "Gradients are still never cleared.",
    zh="梯度还是从来不清。",
    caught_by="losses_of_every_round",
    step="Clear each network's gradients before its own backward pass.",
    step_zh="每个网络反向传播之前，先清自己的梯度。",
)
def still_never_zeroes(*given, **how):
    return _mended(*given, **how, never_zeroes=True)


@wrong(
    "mended_gan",
    "The discriminator's gradients are never cleared, those of the generator's step among them.",
    zh="判别器的梯度从不清零，生成器那一步留下的也在里面。",
    caught_by="losses_of_every_round",
    step="Clear the discriminator's gradients before its backward pass, too.",
    step_zh="判别器反向传播之前，也要清它的梯度。",
)
def zeroes_the_generator_alone(*given, **how):
    return _mended(*given, **how, zeroes_g_alone=True)


@wrong(
    "mended_gan",
    "The generator still minimises what the discriminator minimises.",
    zh="生成器最小化的仍是判别器的损失。",
    caught_by="losses_of_every_round",
    step="Label 1 for the generator's step.",
    step_zh="生成器那一步的标签是 1。",
)
def still_one_loss(*given, **how):
    return _mended(*given, **how, same_loss=True)


@wrong(
    "mended_gan",
    "Trains in whatever mode the networks come in.",
    zh="网络传进来是什么模式，就在什么模式下训练。",
    caught_by="both_end_up_right",
    step="Call train() on both before the loop.",
    step_zh="循环之前对两个网络调用 train()。",
)
def trains_as_they_come(*given, **how):
    return _mended(*given, **how, as_they_come=True)


@wrong(
    "mended_gan",
    "Pictures are still drawn in training mode.",
    zh="仍在训练模式下生成图片。",
    caught_by="pictures_do_not_wrap",
    step="Call generator.eval() before drawing.",
    step_zh="生成之前调用 generator.eval()。",
)
def still_draws_in_training(*given, **how):
    return _mended(*given, **how, draws_in_training=True)


@wrong(
    "mended_gan",
    "Bytes still wrap around.",
    zh="字节仍会回绕。",
    caught_by="pictures_do_not_wrap",
    errata=("E180",),
    step="Clip before the cast: use your own to_bytes.",
    step_zh="转类型之前先截断：用你写的 to_bytes。",
)
def still_wraps(*given, **how):
    return _mended(*given, **how, wraps=True)


@wrong(
    "mended_gan",
    "Pictures and noise stay float32, whatever the networks are.",
    zh="不管网络是什么类型，图片和噪声一直是 float32。",
    caught_by="goes_where_the_networks_are",
    errata=("E176",),
    step="Bring every tensor to the parameters' dtype and device.",
    step_zh="把每个张量都转到参数的 dtype 和 device。",
)
def still_float32(*given, **how):
    return _mended(*given, **how, float32=True)


@wrong(
    "mended_gan",
    "Labels are made on torch's default device and not on that of the networks.",
    zh="标签建在 torch 的默认设备上，而不是网络所在的设备上。",
    caught_by="not_on_the_default_device",
    errata=("E176",),
    step="Make labels like the logits, or name the device.",
    step_zh="照着 logits 建标签，或者写明 device。",
)
def labels_born_elsewhere(*given, **how):
    return _mended(*given, **how, born_elsewhere=True)
