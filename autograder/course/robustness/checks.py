"""Probes for `robustness`: a network that reads digits, models that are seen through, a tiny BERT.

The network is asked in float64: the sign of a slope is then the same however it was computed.
"""

import numpy as np

from autograder.checks import Tolerance, check, fixture, outcome_of, that
from autograder.probes import in_modes, moved, state_of, watch

PIXELS = 1e-5  # attacked pictures, float64; the nearest mistake moves a pixel by 0.1
SHARE = 1e-6  # shares of pictures, some of them summed in float32
SCORES = 1e-3  # log-probabilities of a float32 network, alone or in a batch
PATH = 0.15  # attributions of a pixel, by another rule of as many points
SQUARES = Tolerance(absolute=0.1, relative=0.02)  # as PATH, where the path is smooth
MAPS = Tolerance(absolute=1e-6, relative=1e-4)
# benchmarks/spread/hardened.md has what right and wrong ways of training come to.
ROBUST, CLEAN = 0.44, 0.9


def _tools():
    """Torch and what needs it are loaded only where a probe runs."""
    from . import instruments

    return instruments


@fixture
def reader():
    """The network in float64."""
    return _tools().Reader().double()


@fixture
def parts():
    """Digits (N, 1, 8, 8) float32 and the indices of their classes, by part."""
    return _tools().digits()


@fixture
def some(parts, rng):
    """20 test digits in float64, and labels of which every third is not theirs."""
    images, labels = parts["test"]
    rows = rng.choice(len(images), 20, replace=False)
    other = rng.integers(1, 10, 20) * (np.arange(20) % 3 == 0)
    return images[rows].double(), (labels[rows] + _tools().torch.from_numpy(other)) % 10


@fixture
def few(some):
    """The first six of them."""
    return [values[:6] for values in some]


@fixture
def empty():
    """A picture (1, 8, 8) of which nothing has been drawn."""
    return _tools().torch.zeros(1, 8, 8).double()


# --- fgsm ---------------------------------------------------------------------------------


@check(
    "Every pixel goes by epsilon up the loss of the labels that are given.",
    zh="每个像素都朝着让给定标签的损失上升的方向移动 epsilon。",
    close=PIXELS,
    weight=2,
)
def one_step_up_the_loss(fgsm, reader, some):
    return fgsm(reader, *some, 0.7)


@check(
    "Pixels stay between low and high, whatever these are.",
    zh="像素不超出 low 和 high，无论这两个值是多少。",
    close=PIXELS,
)
def one_step_stays_in_range(fgsm, reader, few, rng):
    model, unit = _tools().linear(rng.normal(size=(3, 6))), _tools().uniform(rng, -1, 1, 4, 1, 2, 3)
    labels = _tools().classes(rng, 3, 4)
    return [fgsm(reader, *few, 5.0), fgsm(model, unit, labels, 0.6, low=-1.0, high=1.0)]


@check(
    "A pixel that does not matter, where the gradient is 0, stays as it is.",
    zh="不起作用的像素（梯度为 0）保持不动。",
    close=PIXELS,
)
def idle_pixels_stay(fgsm, rng):
    model = _tools().linear(rng.normal(size=(4, 16)) * (rng.permutation(16) < 9))
    images = _tools().uniform(rng, 4, 12, 5, 1, 4, 4)
    return fgsm(model, images, _tools().classes(rng, 4, 5), 1.5)


@check(
    "A picture is attacked the same alone and among others, and keeps its type of number.",
    zh="单独攻击一张图，与放在一批里攻击，结果相同；数据类型保持不变。",
    close=PIXELS,
)
def one_picture_alone(fgsm, reader, some):
    images, labels = (values[4:5] for values in some)
    small = fgsm(_tools().linear(np.eye(3, 64)).float(), images.float(), labels % 3, 1.0)
    single = fgsm(reader, images, labels, 1.0)
    return {"alone": single, "types": [str(single.dtype), str(small.dtype)]}


@check(
    "A model in training mode is attacked in evaluation mode, gets its mode back, and no gradient "
    "stays anywhere.",
    zh="模型处于训练模式时也在评估模式下攻击，用完还原；哪里都不留下梯度。",
    close=PIXELS,
)
def fgsm_leaves_no_trace(fgsm, reader, few):
    return _tools().traces(reader, lambda: fgsm(reader, *few, 1.0), *few)


# --- pgd ----------------------------------------------------------------------------------


@check(
    "Each step follows the gradient at the present place, and is projected into the ball.",
    zh="每一步都沿当前位置的梯度走，再投影回球内。",
    close=PIXELS,
    weight=2,
)
def steps_follow_the_present_gradient(pgd, reader, some, rng):
    start = some[0] + _tools().uniform(rng, -1.5, 1.5, *some[0].shape)
    return pgd(reader, *some, 1.5, 0.6, 5, start=start)


@check(
    "The ball is that of the clean pictures: no pixel gets farther than epsilon from them.",
    zh="球以原图为中心：任何像素离原图都不超过 epsilon。",
    close=PIXELS,
)
def the_ball_is_the_pictures(pgd, rng):
    images = _tools().uniform(rng, 5, 11, 4, 1, 4, 4)
    start, labels = images + _tools().uniform(rng, -1, 1, 4, 1, 4, 4), _tools().classes(rng, 3, 4)
    model = _tools().linear(rng.normal(size=(3, 16)) * (rng.permutation(16) < 12))
    attacked = pgd(model, images, labels, 1.0, 0.4, 9, start=start)
    return {"attacked": attacked, "farthest": (attacked - images).abs().max()}


@check(
    "The beginning is projected too, and pixels stay between low and high.",
    zh="起点也要投影；像素不超出 low 和 high。",
    close=PIXELS,
)
def the_beginning_is_projected(pgd, reader, few, rng):
    model, unit = _tools().linear(rng.normal(size=(3, 6))), _tools().uniform(rng, -1, 1, 4, 1, 2, 3)
    far, labels = few[0] + _tools().uniform(rng, -6, 6, 6, 1, 8, 8), _tools().classes(rng, 3, 4)
    return [
        pgd(reader, *few, 1.5, 0.5, 0, start=far),
        pgd(reader, *few, 6.0, 2.0, 3, start=far),
        pgd(model, unit, labels, 0.6, 0.25, 4, start=unit, low=-1.0, high=1.0),
    ]


@that(
    "uniform noise over the whole ball, another for each picture and each time",
    zh="布满整个球的均匀噪声，每张图、每次都不同",
)
def _uniform(seen, reference):
    clean = np.asarray(reference["clean"])
    one, other = ((np.asarray(values) - clean).ravel() / 3 for values in seen["attacked"])
    shares = np.histogram(one, bins=4, range=(-1, 1))[0] / one.size
    inside, even = abs(one).max() <= 1 + 1e-5, abs(shares - 0.25).max() < 0.06
    new = [np.mean(abs(one - z) > 1e-3) > 0.9 for z in (other, np.roll(one, 64))]
    return bool(one.size == 2560 and inside and even and all(new))


@check(
    "Without a start it begins at a random place of the ball, uniform in each pixel.",
    zh="没有给 start 时，从球内随机一点出发，每个像素均匀分布。",
    expect=_uniform,
    close=0,
)
def it_begins_at_random(pgd, reader, rng):
    grey, labels = _tools().uniform(rng, 6, 10, 40, 1, 8, 8), _tools().classes(rng, 10, 40)
    return {"clean": grey, "attacked": [pgd(reader, grey, labels, 3.0, 1.0, 0) for _ in range(2)]}


@check(
    "A model in training mode is attacked in evaluation mode, gets its mode back, and no gradient "
    "stays anywhere.",
    zh="模型处于训练模式时也在评估模式下攻击，用完还原；哪里都不留下梯度。",
    close=PIXELS,
)
def pgd_leaves_no_trace(pgd, reader, few):
    start = few[0] + 0.25
    return _tools().traces(reader, lambda: pgd(reader, *few, 1.0, 0.5, 2, start=start), *few, start)


# --- robust_accuracy ----------------------------------------------------------------------


@fixture
def greys(rng):
    """A model that calls grey above 8 class 1, grey pictures, and labels with some mistakes."""
    return _tools().greys(rng)


@check(
    "A picture counts only if it holds under every attack, and when clean.",
    zh="一张图只有在每种攻击下都守住、原图也认对，才算数。",
    close=SHARE,
    weight=2,
)
def one_failure_is_enough(robust_accuracy, greys):
    def helper(model, images, labels):  # every picture becomes one of its label
        return (4.0 + 8.0 * labels).reshape(-1, 1, 1, 1).expand_as(images).double()

    by = _tools().by
    attacks = [by(1.0), by(-1.0)], (by(-1.0), by(0.5), by(0.0)), [], [helper]
    return [robust_accuracy(*greys, some, 8.5) for some in attacks]


@check(
    "An attack that leaves the ball or the range raises ValueError; one at its edge does not.",
    zh="攻击超出球或取值范围时抛出 ValueError；恰好在边上的不算超出。",
    close=SHARE,
)
def cheating_attacks_are_refused(robust_accuracy, greys, rng):
    row, by = int(rng.integers(1, 59)), _tools().by
    tried = [
        ([by(0.0), by(1.01, row)], 1.0, {}),
        ([by(-1.01, row)], 1.0, {}),
        ([by(1.00005)], 1.0, {}),
        ([by(1.00015)], 1.0, {}),
        ([by(5.0)], 6.0, {"high": 16.99985}),
        ([by(-5.0)], 6.0, {"low": -0.99985}),
        ([by(-5.0)], 6.0, {"low": -2.0}),
        ([by(5.0)], 6.0, {"high": 18.0}),
    ]
    return [outcome_of(robust_accuracy, *greys, *given, **limits) for *given, limits in tried]


@check(
    "Every attack gets the clean pictures; the network is judged in evaluation mode, and its mode "
    "is given back.",
    zh="每种攻击拿到的都是原图；网络在评估模式下接受评测，用完还原模式。",
    close=SHARE,
)
def robust_in_evaluation_mode(robust_accuracy, reader, parts, rng):
    rows, seen = rng.permutation(len(parts["test"][1]))[:60], []
    images, labels = parts["test"][0][rows].double(), parts["test"][1][rows]
    signs = _tools().torch.from_numpy(rng.choice([-4.0, 4.0], images.shape))

    def attack(model, given, given_labels):
        seen.append([given.equal(images), given_labels.equal(labels), len(model(given))])
        return (given + signs).clamp(0, 16)

    found = in_modes(reader, lambda: robust_accuracy(reader, images, labels, [attack, attack], 4.0))
    return {"found": found, "attacks got": seen}


# --- integrated_gradients -----------------------------------------------------------------


@that("sums that are the rises, but for 5 %", zh="份额之和等于升幅，误差不超过 5%")
def _complete(seen, reference):
    sums, rises = np.asarray(seen["sums"]), np.asarray(reference["rises"])
    return bool(abs(sums - rises).mean() <= 0.05 * abs(rises).mean())


@check(
    "The shares of a digit sum to the rise of its target's logit: completeness.",
    zh="一个数字各像素的份额之和，等于目标 logit 的升幅：完备性。",
    expect=_complete,
    close=1e-6,
)
def shares_are_complete(integrated_gradients, reader, some, empty):
    shares = _tools().torch.as_tensor(integrated_gradients(reader, *some, empty, 100))
    return {"sums": shares.sum((1, 2, 3)), "rises": _tools().rises(reader, *some, empty)}


@check(
    "Each pixel of a digit has the share that the path gives it.",
    zh="每个像素得到的份额与路径积分一致。",
    close=PATH,
    weight=2,
)
def pixels_have_their_shares(integrated_gradients, reader, few, empty):
    return integrated_gradients(reader, *few, empty, steps=100)


@check(
    "The path begins at the baseline, be it one picture for all or one for each.",
    zh="路径从基线出发，无论是共用一张还是每张各一个。",
    close=SQUARES,
)
def paths_begin_at_the_baseline(integrated_gradients, rng):
    model = _tools().Squares(rng.normal(size=(3, 4)))
    images, each = _tools().uniform(rng, -2, 2, 2, 5, 1, 2, 2)
    targets = _tools().classes(rng, 3, 5)
    return [integrated_gradients(model, images, targets, x, steps=800) for x in (each[0], each)]


@check(
    "Where the gradient is the same all along the path, its mean is exact, however few the steps.",
    zh="梯度沿途处处相同时，无论步数多少，平均值都是精确的。",
    close=1e-6,
)
def means_of_one_gradient_are_exact(integrated_gradients, rng):
    model = _tools().linear(rng.normal(size=(3, 4)))
    images, each = _tools().uniform(rng, -2, 2, 2, 5, 1, 2, 2)
    targets = _tools().classes(rng, 3, 5)
    return [integrated_gradients(model, images, targets, each, steps=n) for n in (1, 4, 9)]


@that("steps points, or one or two more", zh="steps 个点，或多一两个")
def _as_many(seen, reference):
    asked = [steps for steps, _ in reference]
    return all(0 <= found - steps <= 2 for steps, (_, found) in zip(asked, seen, strict=True))


@check(
    "The gradient is taken at as many points of each path as steps says.",
    zh="每条路径上求梯度的点数由 steps 决定。",
    expect=_as_many,
    close=0,
)
def points_are_as_many_as_steps(integrated_gradients, empty, rng):
    model, found = _tools().Squares(rng.normal(size=(3, 64))), []
    images, targets = _tools().uniform(rng, 1, 3, 4, 1, 8, 8), _tools().classes(rng, 3, 4)
    calls = watch(model)
    for steps in (int(rng.integers(5, 10)), int(rng.integers(20, 40))):
        before = sum(call["rows"] for call in calls)
        integrated_gradients(model, images, targets, empty, steps=steps)
        found.append([steps, (sum(call["rows"] for call in calls) - before) / 4])
    return found


@check(
    "A model in training mode is asked in evaluation mode, gets its mode back, and no gradient "
    "stays anywhere.",
    zh="模型处于训练模式时也在评估模式下询问，用完还原；哪里都不留下梯度。",
    close=PATH,
)
def shares_leave_no_trace(integrated_gradients, reader, few, empty):
    given = *few, empty
    return _tools().traces(reader, lambda: integrated_gradients(reader, *given, steps=60), *given)


# --- grad_cam -----------------------------------------------------------------------------


@check(
    "Maps weighted by their mean gradient, summed, and what is negative cut off.",
    zh="特征图按平均梯度加权求和，截去负数。",
    close=MAPS,
    weight=2,
)
def weighted_maps_positive_part(grad_cam, reader, some):
    return grad_cam(reader, reader.network.layer2, *some)


@check(
    "Where the logit is a weighted mean of the maps, the answer is the weighted sum of the maps.",
    zh="logit 恰为特征图的加权平均时，结果就是特征图的加权和。",
    close=MAPS,
)
def closed_form_of_a_simple_model(grad_cam, rng):
    torch = _tools().torch
    layer, head = torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Linear(4, 3)
    model = torch.nn.Sequential(layer, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head)
    for parameter in model.double().parameters():
        parameter.data = torch.from_numpy(rng.normal(size=parameter.shape))
    images = torch.from_numpy(rng.normal(size=(5, 1, 4, 6)))
    return grad_cam(model, layer, images, _tools().classes(rng, 3, 5))


@check(
    "Any layer will do: a map for each picture, of the layer's own size, alone or among others.",
    zh="任何一层都可以：每张图一个热力图，大小与该层一致，单独一张也行。",
    close=MAPS,
)
def maps_have_the_layers_size(grad_cam, reader, few):
    layers = (reader.network.layer1, reader.network.layer3, reader.network.conv1)
    alone = [values[1:2] for values in few]
    maps = [grad_cam(reader, layer, *few) for layer in layers]
    return [*maps, grad_cam(reader, reader.network.layer2, *alone)]


@check(
    "A model in training mode is asked in evaluation mode, gets its mode back, and neither hook "
    "nor gradient stays anywhere.",
    zh="模型处于训练模式时也在评估模式下询问，用完还原；不留下钩子，也不留下梯度。",
    close=MAPS,
)
def maps_leave_no_trace(grad_cam, reader, few):
    return _tools().traces(reader, lambda: grad_cam(reader, reader.network.layer2, *few), *few)


# --- occlusion ----------------------------------------------------------------------------


@fixture
def bert():
    """The tiny masked language model, its attention there to be looked at."""
    return _tools().bert()


@check(
    "The worth of a token is by how much hiding it lowers the log-probability of the target.",
    zh="一个 token 的价值，是遮住它之后目标词对数概率下降了多少。",
    close=SCORES,
    weight=2,
)
def worth_is_the_fall(occlusion, bert, rng):
    return occlusion(bert, *_tools().cloze(rng))


@check(
    "Every place counts, hidden by the given mask, one at a time: the first, the last, position.",
    zh="每个位置都算：第一个、最后一个、position 自己；用给定的掩码，一次只遮一个。",
    close=SCORES,
)
def every_place_counts(occlusion, rng):
    model, ids = _tools().Bag(12, rng), _tools().torch.from_numpy(rng.permutation(9)[:7])
    return [occlusion(model.eval(), ids, place, 5, mask) for place, mask in ((0, 10), (6, 11))]


@check(
    "The model is asked in evaluation mode, without gradients; its mode is given back.",
    zh="在评估模式下询问，不记梯度，用完还原模式。",
    close=SCORES,
)
def occlusion_leaves_no_trace(occlusion, rng):
    model, ids = _tools().Bag(12, rng), _tools().torch.from_numpy(rng.permutation(9)[:7])
    return _tools().traces(model.eval(), lambda: occlusion(model, ids, 2, 5, 11), ids)


# --- deletion_curve -----------------------------------------------------------------------


@check(
    "From the whole on, one token more is hidden each time, the most important first.",
    zh="从完整的句子开始，每次多遮一个，最重要的先遮。",
    close=SCORES,
    weight=2,
)
def most_important_first(deletion_curve, rng):
    return deletion_curve(*_tools().curve_of(rng), 39)


@check(
    "Places in keep are never hidden; importance may be a list or a tensor; the sentence stays.",
    zh="keep 里的位置永远不遮；重要性可以是列表或张量；句子保持原样。",
    close=SCORES,
)
def kept_places_stay(deletion_curve, rng):
    score, ids, importance = _tools().curve_of(rng)
    keep = [int(place) for place in rng.permutation(9)[:3]]
    forms = (importance.tolist(), keep), (_tools().torch.from_numpy(importance), tuple(range(9)))
    copies = [ids.clone() for _ in forms]
    found = [
        deletion_curve(score, copy, form, 38, keep=kept)
        for copy, (form, kept) in zip(copies, forms, strict=True)
    ]
    return {"curves": found, "changed": [i for i, x in enumerate(copies) if not x.equal(ids)]}


# --- adversarial_training -----------------------------------------------------------------


@fixture
def lesson(rng):
    """Pictures that say which they are, a small model, and an attack that notes what it saw."""
    return _tools().Lesson(rng)


@check(
    "Every picture is attacked once in each epoch, with its label, in batches of batch_size and an "
    "order drawn anew.",
    zh="每轮里每张图恰好被攻击一次，标签对得上，每批 batch_size 张，顺序重新抽取。",
    close=0,
)
def every_picture_once_an_epoch(adversarial_training, lesson):
    lesson.train(adversarial_training)
    orders, whole = lesson.orders(), list(range(lesson.count))
    return {
        "sizes": lesson.sizes,
        "each once": [sorted(order) == whole for order in orders],
        "orders": len({tuple(order) for order in [whole, *orders]}) - 1,
        "labels": lesson.paired,
    }


@check(
    "Each attack meets the weights of the moment: those after the step before.",
    zh="每次攻击面对的都是此刻的权重，即上一步更新之后的权重。",
    close=0,
)
def attacks_meet_the_weights_of_the_moment(adversarial_training, lesson, rng):
    lesson.train(adversarial_training, epochs=int(rng.integers(2, 5)))
    return [a != b for a, b in zip(lesson.weights, lesson.weights[1:], strict=False)]


@check(
    "It learns from the attacked pictures and no others, in training mode, and ends in evaluation.",
    zh="只从攻击后的图片学习，处于训练模式；结束时处于评估模式。",
    close=0,
)
def learns_from_attacked_pictures_only(adversarial_training, lesson):
    lesson.train(adversarial_training, epochs=2)
    return {"learned": lesson.learned, "modes after": lesson.model.training}


@check(
    "Returned is the mean loss over the pictures of each epoch, the small last batch in its share.",
    zh="返回每轮对各图片损失的平均值，最后的小批次按图片数计。",
    close=1e-5,
)
def losses_are_means_over_pictures(adversarial_training, lesson):
    size = lesson.count - 1
    return list(lesson.train(adversarial_training, epochs=2, rate=1e-9, size=size))


@check(
    "AdamW takes the steps, the same one throughout, at the given rate, on this batch's gradient.",
    zh="优化器是 AdamW，从头到尾是同一个；学习率是给定的值，梯度只来自当前这一批。",
    close=1e-9,
)
def steps_are_adamws(adversarial_training, lesson, rng):
    with _tools().optimizer_steps(lesson) as seen:
        lesson.train(adversarial_training, epochs=2, rate=rng.uniform(0.01, 0.03))
    return seen


@that(
    f"at least {ROBUST:.0%} right under attack and {CLEAN:.0%} without",
    zh=f"受攻击时至少认对 {ROBUST:.0%}，不受攻击时至少 {CLEAN:.0%}",
)
def _withstands(seen):
    return seen["under attack"] >= ROBUST and seen["clean"] >= CLEAN


@check(
    "The network that comes out withstands twenty steps of an attack on unseen digits.",
    zh="训练出来的网络，在没见过的数字上顶得住二十步攻击。",
    expect=_withstands,
    close=0,
    weight=2,
    costly=True,
)
def withstands_an_attack(adversarial_training, parts, torch_rng):
    tools = _tools()
    model = tools.Reader()

    def attack(model, images, labels):
        return tools.push(model, images, labels, steps=1, step=2.5)

    adversarial_training(model, *parts["train"], attack, 6, 3e-3, batch_size=64)
    images, labels = parts["test"]
    attacked = tools.push(model.eval(), images, labels, steps=20, step=0.4)
    with tools.torch.no_grad():
        right = [(model(x).argmax(1) == labels).double().mean() for x in (images, attacked)]
    return dict(zip(("clean", "under attack"), right, strict=True))


# --- calibration_under_shift --------------------------------------------------------------


@fixture
def spoken(rng):
    """A model whose pictures are its logits, two sets of them, and labels."""
    return _tools().spoken(rng)


@check(
    "Each shift has its accuracy, its mean confidence and its calibration error.",
    zh="每种偏移都有自己的准确率、平均置信度和校准误差。",
    close=SHARE,
    weight=2,
)
def each_shift_has_three_numbers(calibration_under_shift, spoken):
    return calibration_under_shift(*spoken)


@check(
    "The temperature divides the logits, and changes no accuracy.",
    zh="温度是用来除 logits 的，不改变准确率。",
    close=SHARE,
)
def temperature_divides_logits(calibration_under_shift, spoken):
    return [calibration_under_shift(*spoken, temperature=t) for t in (0.6, 2.5)]


@check(
    "There are as many bins as asked for, of equal width, closed on the right.",
    zh="箱数以传入的为准，箱宽相等，右端闭合。",
    close=SHARE,
)
def bins_are_as_many_as_asked(calibration_under_shift, spoken):
    model, shifts, labels = spoken
    # Highest probabilities of exactly 1/2 and 1, and between.
    rows = [[0.0, 0, -900, -900]] * 3 + [[900.0, 0, 0, 0]] * 2 + [[0.0, -0.6, -900, -900]] * 4
    edges = {"edges": _tools().torch.tensor(rows).double().reshape(-1, 4, 1, 1)}
    at_edges = _tools().torch.tensor([0, 0, 0, 0, 1, 0, 2, 2, 2])
    found = [calibration_under_shift(model, shifts, labels, bins=count) for count in (3, 50)]
    return [*found, calibration_under_shift(model, edges, at_edges, bins=2)]


@check(
    "The network on shifted digits, in evaluation mode; its mode is given back and nothing moves.",
    zh="网络在偏移后的数字上的表现：评估模式，用完还原，什么也不变。",
    close=1e-5,
)
def shifted_digits(calibration_under_shift, reader, parts, rng):
    images, labels = parts["test"]
    rows = rng.choice(len(images), 90, replace=False)
    images, labels = images[rows].double(), labels[rows]
    shifts = {"faint": images / 2, "inverted": 16 - images, "moved": images.roll(2, dims=3)}
    before = state_of(reader)
    found = in_modes(reader, lambda: calibration_under_shift(reader, shifts, labels))
    return {"found": found, "moved": len(moved(reader, before))}
