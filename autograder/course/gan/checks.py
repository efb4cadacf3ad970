"""Probes for `gan`: tiny networks of one step, and a small DCGAN that is trained on faces."""

import copy
from functools import partial

import numpy as np

from autograder.checks import Tolerance, at_least, at_most, check, fixture, outcome_of
from autograder.probes import arguments_kept, in_forms, moved, state_of, watch

from .instruments import (
    MODES,
    cloud,
    distance,
    ladder,
    leave_gradients,
    losses_of,
    modes_of,
    near_bytes,
    networks,
    noted,
    put_in_modes,
    randn,
    seen_in,
    sgd,
    small_discriminator,
    small_generator,
    some_faces,
    weights_of,
)

# `python benchmarks/spread gan` measures: right answers lie far within these, mistakes outside.
CLOSE = Tolerance(absolute=1e-4, relative=1e-4)
DISTANCE = Tolerance(absolute=1e-3, relative=1e-3)
EXACT = 1e-9

TRAINED = {"rounds": 200, "batch_size": 32, "lr": 2e-3}
# The Fréchet distance of the trained generator's faces from real ones, at most: six trainings came
# to 0.10 … 0.14; `python benchmarks/spread gan` measures it.
LEARNED = 1.0
BOLD = 0.5  # a learning rate with which one fault in one round shows in the next
SURE = (-40.0, -20.0, 0.0, 30.0)  # how sure a discriminator may be: logits of forged pictures


@fixture
def pair(torch_rng):
    """A generator and a discriminator in training mode, with batch normalisation in both."""
    return small_generator(torch_rng), small_discriminator(torch_rng)


# --- discriminator_loss -------------------------------------------------------------------


@check(
    "It is the mean cross entropy of real pictures plus that of forged ones, however many of each.",
    zh="等于真图的平均交叉熵加上假图的平均交叉熵，两边各有多少张都行。",
    close=CLOSE,
)
def each_kind_has_its_mean(discriminator_loss, torch_rng):
    counts = ((6, 6), (9, 2), (1, 5))
    return [
        float(discriminator_loss(2 * randn(torch_rng, n) + 0.5, 2 * randn(torch_rng, m) - 1))
        for n, m in counts
    ]


@check(
    "It stays right where the discriminator is sure and wrong.",
    zh="判别器十分肯定却判错时，损失依然正确。",
    close=CLOSE,
)
def sure_and_wrong_is_dear(discriminator_loss, torch_rng):
    noise = randn(torch_rng, 8, 3)
    bad = (-200, -90), (90, 200), (90, 90), (-190, -70), (60, 170)
    places = *bad, (200, -200), (-3, 3), (-8, -60)
    return [
        float(discriminator_loss(a + x, b - x)) for (a, b), x in zip(places, noise, strict=True)
    ]


@check(
    "Gradients flow back into every logit.",
    zh="梯度能传回每一个 logit。",
    close=Tolerance(absolute=1e-6, relative=1e-4),
)
def gradients_reach_both_kinds(discriminator_loss, torch_rng):
    real, fake = randn(torch_rng, 5), randn(torch_rng, 3)
    real.requires_grad_()
    fake.requires_grad_()
    loss = discriminator_loss(real, fake)
    loss.backward()
    return {"dimensions": loss.dim(), "real": real.grad, "fake": fake.grad}


# --- generator_loss -----------------------------------------------------------------------


@check(
    "It is the mean of minus the logarithm of D(G(z)), also for logits such as ±200.",
    zh="等于 −log D(G(z)) 的均值，logit 达到 ±200 时也一样。",
    close=CLOSE,
)
def mean_of_minus_log_d(generator_loss, torch_rng):
    places = ((-1, 1), (-1, 4), (0, 9), (-200, 2), (-95, 3), (200, 2), (-150, 1), (-180, 2))
    return [float(generator_loss(2 * randn(torch_rng, n) + place)) for place, n in places]


@check(
    "The surer the discriminator is that a picture is forged, the stronger the gradient: it does "
    "not saturate.",
    zh="判别器越肯定图片是假的，梯度越大：不饱和。",
    close=Tolerance(absolute=1e-6, relative=1e-4),
)
def strong_where_it_loses(generator_loss, torch_rng):
    import torch

    logits = (torch.tensor(SURE) + randn(torch_rng, len(SURE))).requires_grad_()
    loss = generator_loss(logits)
    loss.backward()
    return {"dimensions": loss.dim(), "gradients": logits.grad}


# --- discriminator_step -------------------------------------------------------------------


@check(
    "The discriminator takes one step on its own loss, and old gradients do not count.",
    zh="判别器在自己的损失上走一步，残留的梯度不算。",
    close=CLOSE,
    rests_on=("discriminator_loss",),
)
def discriminator_moves_once(discriminator_step, pair, torch_rng):
    generator, discriminator = pair
    leave_gradients(discriminator)
    real, z = randn(torch_rng, 7, 2, 3, 2) + 1, randn(torch_rng, 7, 3)
    loss = discriminator_step(generator, discriminator, sgd(discriminator), real, z)
    return {"loss": float(loss), "weights": weights_of(discriminator)}


@check(
    "Real and forged pictures pass apart from one another, also where there are more of one kind.",
    zh="真图和假图分开送进判别器；两种数量不等时也一样。",
    close=CLOSE,
    rests_on=("discriminator_loss",),
)
def kinds_pass_apart(discriminator_step, pair, torch_rng):
    found = []
    for n, m in ((9, 4), (4, 9)):
        generator, discriminator = copy.deepcopy(pair)
        calls = watch(discriminator)
        real, z = randn(torch_rng, n, 2, 3, 2) + 2, randn(torch_rng, m, 3)
        loss = discriminator_step(generator, discriminator, sgd(discriminator), real, z)
        found.append({"sizes": sorted(call["rows"] for call in calls), "loss": float(loss)})
    return found


@check(
    "The generator learns nothing: its parameters and their .grad stay as they were.",
    zh="生成器什么也不学：参数和参数的 .grad 都保持原样。",
    close=CLOSE,
    weight=2,
    rests_on=("discriminator_loss",),
)
def generator_gets_no_gradient(discriminator_step, pair, torch_rng):
    found = []
    for left_over in (False, True):
        generator, discriminator = copy.deepcopy(pair)
        if left_over:
            leave_gradients(generator)
        real, z = randn(torch_rng, 5, 2, 3, 2), randn(torch_rng, 5, 3)
        before = weights_of(generator)
        loss = discriminator_step(generator, discriminator, sgd(discriminator), real, z)
        grads = [value.grad for value in generator.parameters()]
        kept = [g is not None and bool((g == 1).all()) if left_over else g is None for g in grads]
        found.append(
            {
                "gradients": "as they were" if all(kept) else "changed",
                "moved": not bool((before == weights_of(generator)).all()),
                "can learn": all(value.requires_grad for value in generator.parameters()),
                "loss": float(loss),
            }
        )
    return found


@check(
    "Both networks work in the mode in which they are, and stay in it.",
    zh="两个网络是什么模式就在什么模式下工作，事后不变。",
    close=CLOSE,
    rests_on=("discriminator_loss",),
)
def modes_are_left_alone(discriminator_step, pair, torch_rng):
    found = []
    real, z = randn(torch_rng, 5, 2, 3, 2), randn(torch_rng, 5, 3)
    for modes in MODES:
        both = put_in_modes(pair, modes)
        loss = discriminator_step(*both, sgd(both[1]), real, z)
        found.append({"loss": float(loss), "modes after": modes_of(*both)})
    return found


# --- generator_step -----------------------------------------------------------------------


@check(
    "The generator takes one step on its own loss, and old gradients do not count.",
    zh="生成器在自己的损失上走一步，残留的梯度不算。",
    close=CLOSE,
    rests_on=("generator_loss",),
)
def generator_moves_once(generator_step, pair, torch_rng):
    generator, discriminator = pair
    leave_gradients(generator)
    z = randn(torch_rng, 8, 3)
    loss = generator_step(generator, discriminator, sgd(generator), z)
    return {"loss": float(loss), "weights": weights_of(generator)}


@check(
    "The discriminator does not move and can still be trained; modes stay as they are.",
    zh="判别器的参数不动，之后还能照常训练；两个网络的模式都不变。",
    close=CLOSE,
    rests_on=("generator_loss",),
)
def discriminator_stands_still(generator_step, pair, torch_rng):
    found = []
    for modes in MODES:
        generator, discriminator = put_in_modes(pair, modes)
        names = [name for name, _ in discriminator.named_parameters()]
        before, first = state_of(discriminator), weights_of(generator)
        generator_step(generator, discriminator, sgd(generator), randn(torch_rng, 6, 3))
        found.append(
            {
                "moved": [name for name in moved(discriminator, before) if name in names],
                "can learn": all(value.requires_grad for value in discriminator.parameters()),
                "generator moved": bool((first != weights_of(generator)).any()),
                "modes after": modes_of(generator, discriminator),
            }
        )
    return found


@check(
    "Both networks work in the mode in which they are.",
    zh="两个网络是什么模式，就在什么模式下工作。",
    close=CLOSE,
    rests_on=("generator_loss",),
)
def generator_steps_in_any_mode(generator_step, pair, torch_rng):
    found = []
    for modes in MODES:
        both = put_in_modes(pair, modes)
        found.append(float(generator_step(*both, sgd(both[0]), randn(torch_rng, 6, 3))))
    return found


# --- train_gan ----------------------------------------------------------------------------


@check(
    "A round is a step of the discriminator and then one of the generator, each on its own "
    "gradient, on batch_size pictures and in training mode; each round is told of.",
    zh="一轮是判别器一步、生成器一步，各走各的梯度，每次 batch_size 张，在训练模式下；每轮都报告。",
    close=EXACT,
    rests_on=("discriminator_step", "generator_step"),
)
def one_step_each_in_turn(train_gan, pair, rng):
    both, faces = put_in_modes(pair, (False, False)), ladder(22)  # no whole number of batches
    found = noted(train_gan, both, faces, rounds=int(rng.integers(5, 12)), batch_size=5)
    calls = [call for noted in found["modes"] for call in noted]
    losses = np.asarray(found["losses"], dtype=float)
    return {
        "steps": "".join(step["who"] for step in found["steps"]),
        "rounds": [int(number) for number in found["rounds"]],
        "sizes": sorted({call["rows"] for call in calls}),
        "modes": sorted({call["training"] for call in calls}),
        "losses": list(losses.shape),
        "of each round": len(np.unique(losses[:, 0])),
        "own gradients": all(step["alone"] for step in found["steps"]),
    }


@check(
    "The losses are the discriminator's, then the generator's; after_round need not be given.",
    zh="返回的是判别器的损失和生成器的损失，先后不乱；after_round 可以不给。",
    close=1e-3,
    rests_on=("discriminator_step", "generator_step"),
)
def pairs_in_their_order(train_gan, pair, rng):
    import torch

    generator, discriminator = pair
    with torch.no_grad():  # says the same of every picture
        discriminator[-2].weight.zero_()
        discriminator[-2].bias.fill_(float(rng.uniform(0.5, 2)))
    return train_gan(generator, discriminator, ladder(12), rounds=3, batch_size=4, lr=1e-6)


@check(
    "One Adam each for all rounds, with betas 0.5 and 0.999; the rate is held for the first half, "
    "then falls linearly.",
    zh="两边各一个 Adam，从头用到尾，betas 为 0.5 和 0.999；学习率前一半不变，后一半线性下降。",
    close=1e-6,
    rests_on=("discriminator_step", "generator_step"),
)
def rate_is_held_then_falls(train_gan, pair, rng):
    lr = float(rng.uniform(0.001, 0.01))
    rounds = int(rng.integers(7, 14))
    steps = noted(train_gan, pair, ladder(20), rounds=rounds, batch_size=4, lr=lr)["steps"]
    return {
        "all of Adam's": all(step["kind"] == "Adam" for step in steps),
        "betas": [step["betas"] for step in steps[:2]],
        "shares": [step["lr"] / lr for step in steps],
        "steps before": [step["before"] for step in steps],
    }


@check(
    "Real pictures come from the whole set, as they are.",
    zh="真图取自整个数据集，原样送入。",
    expect=at_least(0.7),
)
def all_faces_are_seen(train_gan, pair):
    faces = ladder(40)
    seen = noted(train_gan, pair, faces, rounds=40, batch_size=5)["real"].numpy()
    levels = faces[:, 0, 0, 0].numpy()
    near = np.abs(seen[:, None] - levels).min(axis=1, initial=9) < 1e-6
    return len(np.unique(seen[near])) / len(levels) * bool(near.all())


@check(
    "Noise is standard normal and new in every step.",
    zh="噪声是标准正态，每一步都是新的。",
    close=0.1,
)
def noise_is_fresh_and_normal(train_gan, pair):
    noise = noted(train_gan, pair, ladder(20), rounds=60, batch_size=20)["noise"]
    values = np.stack([part.numpy() for part in noise])  # (steps, B, Z)
    different = np.unique(np.round(values[..., 0].astype(float), 6))
    return {
        "width": values.shape[2],
        "different, of all": len(different) / values[..., 0].size,
        "mean": float(values.mean()),
        "deviation": float(values.std()),
        "beyond two deviations, in tens": 10 * float((np.abs(values) > 2).mean()),
    }


@check(
    "After 200 rounds the faces are near real ones: a Fréchet distance of at most 1, where an "
    "untrained generator has more than 10.",
    zh="200 轮之后，生成的脸接近真脸：弗雷歇距离不超过 1，而未训练的生成器超过 10。",
    expect=at_most(LEARNED),
    costly=True,
    weight=2,
)
def faces_come_out(train_gan, rng):
    import torch

    seed = int(rng.integers(2**31))
    torch.manual_seed(seed)
    generator, discriminator = networks()
    train_gan(generator, discriminator, some_faces(4000, "train", seed), **TRAINED)
    generator.eval()
    with torch.no_grad():
        made = generator(torch.randn(2000, 16))
    return distance(made, some_faces(2000, "test", seed))


# --- frechet_distance ---------------------------------------------------------------------


@check(
    "It is the formula's distance, from means and whole covariances.",
    zh="按公式由均值和完整的协方差算出。",
    close=DISTANCE,
)
def follows_the_formula(frechet_distance, rng):
    return [frechet_distance(cloud(rng, 13, 4), cloud(rng, 13, 4, 0.7)) for _ in range(3)]


@check(
    "It is a real number where covariances are singular, and 0 for a set and itself.",
    zh="协方差奇异时也是实数；一组数据与自己的距离为 0。",
    close=Tolerance(absolute=1e-2, relative=2e-3),
)
def singular_is_no_excuse(frechet_distance, rng):
    few, others = cloud(rng, 6, 10), cloud(rng, 5, 10, 1)
    constant = np.hstack([cloud(rng, 20, 3), np.full((20, 2), 0.5)])
    return [
        frechet_distance(few, others),
        frechet_distance(constant, cloud(rng, 20, 5)),
        frechet_distance(constant, constant),
    ]


@check(
    "Lists, arrays of either precision and tensors give the same.",
    zh="列表、两种精度的数组、张量，结果都一样。",
    close=DISTANCE,
)
def any_form_of_features(frechet_distance, rng):
    return in_forms(partial(outcome_of, frechet_distance), cloud(rng, 12, 3), cloud(rng, 9, 3, 1))


# --- to_bytes -----------------------------------------------------------------------------


@check(
    "From −1 … 1 to the nearest of 0 … 255.",
    zh="从 −1 … 1 变到 0 … 255 中最近的整数。",
    close=0,
)
def nearest_byte(to_bytes, rng):
    images = near_bytes(rng, (3, 1, 4, 4))
    images[0, 0, 0, :2] = images.new_tensor([-1, 1])
    return [seen_in(to_bytes(images.float())), seen_in(to_bytes(images))["pixels"]]


@check(
    "What lies outside becomes 0 or 255, also in pictures straight from a generator, gradient and "
    "all; they stay as they are.",
    zh="越界的值变成 0 或 255；刚从生成器出来、带着梯度的图片也一样，而且不会被改动。",
    close=0,
)
def nothing_wraps_around(to_bytes, rng):
    images = near_bytes(rng, (2, 1, 3, 4)).float()
    images[:, 0, 0] = images.new_tensor([-1.04, 1.04, -3, 3])
    images[:, 0, 1] = images.new_tensor([-1 - 0.7 / 127.5, 1 + 0.7 / 127.5, -40, 60])
    kept = arguments_kept(to_bytes, images.clone())["changed"]
    return {"changed": kept, **seen_in(to_bytes(images.requires_grad_() * 1))}


@check(
    "Channels come last, rows before columns, and every picture keeps its place.",
    zh="通道在最后，先行后列，每张图还在自己的位置。",
    close=0,
)
def channels_come_last(to_bytes, rng):
    shapes = ((2, 3, 4, 5), (1, 3, 3, 3), (3, 1, 2, 6))
    return [seen_in(to_bytes(near_bytes(rng, shape).float())) for shape in shapes]


# --- mended_gan ---------------------------------------------------------------------------


@fixture
def job(torch_rng):
    """Two networks whose running statistics stand still, and what the program gets besides."""
    both = small_generator(torch_rng, momentum=0.0), small_discriminator(torch_rng, momentum=0.0)
    batches = [randn(torch_rng, n, 2, 3, 2) + 1 for n in (6, 6, 4, 5)]
    noise = [randn(torch_rng, len(batch), 3) for batch in batches]
    return *both, batches, noise, randn(torch_rng, 5, 3)


@check(
    "Each network steps on its own loss: the losses of every round are right.",
    zh="两个网络各走各的损失：每一轮的损失都正确。",
    close=CLOSE,
    weight=2,
    rests_on=("discriminator_step", "generator_step"),
)
def losses_of_every_round(mended_gan, job):
    return losses_of(mended_gan(*job, lr=BOLD))


@check(
    "Networks that come in evaluation mode are trained in training mode; both end up where they "
    "should.",
    zh="传进来是评估模式的网络，也在训练模式下训练；两边最后的参数都正确。",
    close=CLOSE,
    rests_on=("discriminator_step", "generator_step"),
)
def both_end_up_right(mended_gan, job):
    for network in job[:2]:
        network.eval()
    mended_gan(*job, lr=BOLD)
    return [weights_of(network) for network in job[:2]]


@check(
    "Pictures are drawn in evaluation mode, and bytes do not wrap around.",
    zh="图片在评估模式下生成，转成字节不会回绕。",
    close=0,
    rests_on=("to_bytes",),
)
def pictures_do_not_wrap(mended_gan, job):
    pictures = mended_gan(*job, lr=0.01)["pictures"]
    return {**seen_in(pictures), "pixels": np.asarray(pictures).astype(int) // 16}


@check(
    "Networks in float64 get everything in float64, and stay in it.",
    zh="float64 的网络，所有数据都转成 float64，网络本身不变。",
    close=CLOSE,
    rests_on=("discriminator_step", "generator_step"),
)
def goes_where_the_networks_are(mended_gan, job):
    for network in job[:2]:
        network.double()
    losses = losses_of(mended_gan(*job, lr=BOLD))
    return {"losses": losses, "types": [str(weights_of(network).dtype) for network in job[:2]]}


@check(
    "Everything is on the networks' device, also where new tensors are born on another one.",
    zh="哪怕新张量默认生在别的设备上，一切也都在网络所在的设备上。",
    close=CLOSE,
    rests_on=("discriminator_step", "generator_step"),
)
def not_on_the_default_device(mended_gan, job):
    import torch

    # "meta" is a device that every machine has: a tensor left there meets none of the networks'.
    with torch.device("meta"):
        return losses_of(mended_gan(*job, lr=BOLD))
