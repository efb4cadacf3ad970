"""Probes for `resnet-eval`: real digits, made harder one by one, and a network that reads them."""

import copy

import numpy as np

from autograder.checks import Tolerance, check, fixture, outcome_of
from autograder.probes import in_modes, moved, state_of, watch

from .instruments import (
    PICTURES,
    asked,
    batches,
    begun,
    ever_noisier,
    greys,
    kind_of,
    louder,
    normalised,
    read,
    reader_of_greys,
    reported,
)

# benchmarks/spread/resnet-eval.md: over seeds, threads and instruction sets, right answers differ
# by far less than these, and the nearest misconception by far more.
EXACT = 1e-6  # shares of pictures, some of them summed in float32
CLOSE = Tolerance(absolute=1e-3, relative=1e-4)  # logits and losses of a float32 network
PIXELS = 1e-4  # preprocessed pixels, float32

# Times as far apart as the network's own logits: so far that the probability of the true class is
# below what float32 can hold.
SURE = (40.0, 80.0)
ANIMALS = ("owl", "wildcat", "cat", "zebra", "ant", "dog")


@fixture
def network():
    """The network with its class names and the normalisation that it was trained with."""
    from autograder.models import locate
    from autograder.models.tiny_resnet import load_classifier

    return load_classifier(locate("resnet"))


@fixture
def parts(network):
    """Digits as the network wants them: "train", "validation" and "test"."""
    from autograder.models.tiny_resnet import load_pictures

    return load_pictures(network)


@fixture
def hard_digits(network, parts, rng):
    """75 test pictures (N, C, S, S), uint8, the first ones clean and the last ones very noisy."""
    return ever_noisier(parts["test"], network.pixel_max, rng)


@fixture
def batch(network, hard_digits):
    """The same as the network wants them: x (N, C, S, S) float32, and y (N,) int64."""
    import torch

    images, names = hard_digits
    y = torch.tensor([network.class_names.index(name) for name in names])
    return normalised(images, network), y


@fixture
def hard_parts(network, parts, rng):
    """What the program gets: noisy pictures to test with, clean ones that were trained on."""
    train = parts["train"]
    return {
        "train": (train.images[:PICTURES], train.names[:PICTURES]),
        "test": ever_noisier(parts["test"], network.pixel_max, rng),
    }


@fixture
def reader(network):
    """A network that reads its class off a plain picture: grey k, normalised, is class k."""
    return reader_of_greys(network)


@fixture
def logits(network, batch):
    """What the network says of these pictures (N, K), without gradients."""
    return asked(network.model, batch[0])


# --- preprocess ---------------------------------------------------------------------------


@check(
    "Pixels are scaled to 0 … 1, then each channel's mean is subtracted and divided by its std.",
    zh="像素先缩放到 0 … 1，再逐通道减去均值、除以标准差。",
    close=PIXELS,
)
def scales_then_normalises(preprocess, rng):
    import torch

    # As wide as there are channels, so that statistics along the wrong axis would fit as well.
    images = torch.from_numpy(rng.integers(0, 256, (4, 3, 3, 3)).astype(np.uint8))
    pixels = preprocess(images, 255, (0.41, 0.52, 0.13), (0.21, 0.35, 0.28))
    return {"dtype": str(pixels.dtype), "pixels": pixels}


@check(
    "What is brightest is pixel_max, be it 16, 255 or any other number.",
    zh="最亮的像素就是 pixel_max，无论它是 16、255 还是别的数。",
    close=PIXELS,
)
def brightest_is_pixel_max(preprocess, rng):
    import torch

    results = []
    for pixel_max in (16, int(rng.integers(20, 200)), 255):
        # None is as bright as pixel_max: the brightest at hand is not what to divide by.
        images = torch.tensor([0, *rng.integers(1, pixel_max, 2)], dtype=torch.uint8)
        preset = pixel_max, [rng.uniform(0.2, 0.3)], [rng.uniform(0.4, 0.6)]
        results.append(preprocess(images.reshape(1, 1, 1, 3), *preset))
    return [result.flatten() for result in results]


@check(
    "A picture comes out the same whichever pictures stand beside it.",
    zh="同一张图，无论与哪些图放在一起，处理结果都一样。",
    close=PIXELS,
)
def a_picture_stands_alone(preprocess, network, hard_digits):
    images, _ = hard_digits
    preset = (network.pixel_max, network.mean, network.std)
    return [preprocess(images[:8], *preset)[5], preprocess(images[5:6], *preset)[0]]


@check(
    "The network recognises digits prepared in this way.",
    zh="这样处理过的数字，网络认得出来。",
    close=CLOSE,
)
def prepared_digits_are_recognised(preprocess, network, hard_digits):
    images, _ = hard_digits
    return asked(network.model, preprocess(images, network.pixel_max, network.mean, network.std))


# --- class_indices ------------------------------------------------------------------------


@check(
    "The index of a name is its place in the model's own list, whatever the order of that list, "
    "and a whole number.",
    zh="名字的下标就是它在模型类别表里的位置，无论表是什么顺序；下标是整数。",
    close=0,
)
def order_is_the_models(class_indices, rng):
    words, names = rng.permutation(ANIMALS), ["dog", "ant", "ant", "zebra", "wildcat", "cat"]
    # "cat" is a part of "wildcat", which stands before it in one of the two.
    found = [class_indices(names, tuple(order.tolist())) for order in (words, words[::-1])]
    return {"indices": found, "types": [kind_of(indices) for indices in found]}


@check(
    "Digits get the indices of their names: here class 0 is “eight”.",
    zh="数字按名字取下标：这里第 0 类是「eight」。",
    close=0,
)
def digits_take_their_place(class_indices, network, hard_digits):
    return class_indices(hard_digits[1], network.class_names)


@check(
    "Names keep their indices where only some of the classes occur.",
    zh="只出现部分类别时，名字的下标不变。",
    close=0,
)
def some_classes_keep_their_indices(class_indices, network, rng):
    # None is among the first three, as which three that occur would be numbered.
    few = [network.class_names[k] for k in 3 + rng.permutation(len(network.class_names) - 3)[:3]]
    return class_indices(few + few[:2], network.class_names)


@check(
    "A name that the model does not know raises ValueError.",
    zh="遇到模型不认识的名字，抛出 ValueError。",
    close=0,
)
def unknown_names_are_refused(class_indices, rng):
    unknown, *known = rng.permutation(ANIMALS).tolist()
    names = rng.permutation(known).tolist()
    return [outcome_of(class_indices, some, tuple(known)) for some in ([*names, unknown], names)]


# --- predict_logits -----------------------------------------------------------------------


@check(
    "One row of logits for each picture, the last smaller batch included.",
    zh="每张图对应一行 logits，最后那个较小的批次也不例外。",
    close=CLOSE,
)
def one_row_for_each_picture(predict_logits, network, batch):
    return predict_logits(network.model, batch[0], batch_size=32)


@check(
    "Rows come in the order of the pictures.",
    zh="各行的顺序就是图片的顺序。",
    close=CLOSE,
)
def rows_keep_their_order(predict_logits, network, reader, rng):
    images, classes = greys(network, 3, rng)
    logits = predict_logits(reader, normalised(images, network), batch_size=8)
    return {"pictures": classes, "rows": np.asarray(logits.detach()).argmax(axis=1)}


@check(
    "The size of the batches does not change a prediction, though the model came in training mode.",
    zh="哪怕模型传进来时处于训练模式，批次大小也不影响预测。",
    close=CLOSE,
)
def batch_size_changes_nothing(predict_logits, network, batch):
    network.model.train()
    sizes = (2, 30, 1000)
    return [predict_logits(network.model, batch[0], batch_size=size)[:20] for size in sizes]


@check(
    "No more than batch_size pictures go through the model at a time.",
    zh="一次送进模型的图片不超过 batch_size 张。",
    close=CLOSE,
)
def no_batch_is_larger(predict_logits, network, batch):
    found = []
    for most in (32, 4):
        model = copy.deepcopy(network.model)
        calls = watch(model)
        logits = predict_logits(model, batch[0], batch_size=most)
        sizes = [call["rows"] for call in calls]
        found.append({"too many at once": [n for n in sizes if n > most], **begun(logits)})
    return found


@check(
    "Neither weights nor running statistics move.",
    zh="权重和批归一化的滑动统计量都不变。",
    close=CLOSE,
)
def nothing_in_the_model_moves(predict_logits, network, batch):
    network.model.train()
    before = state_of(network.model)
    logits = predict_logits(network.model, batch[0], batch_size=25)
    frozen = sum(not value.requires_grad for value in network.model.parameters())
    return {"moved": len(moved(network.model, before)), "frozen": frozen, **begun(logits)}


@check(
    "The model goes back in the mode in which it came, training or evaluation.",
    zh="模型传进来是什么模式（训练或评估），用完还是什么模式。",
    close=CLOSE,
    rests_on=("preprocess",),
)
def mode_is_given_back(predict_logits, network, batch):
    return in_modes(
        network.model, lambda: begun(predict_logits(network.model, batch[0][:9], batch_size=4))
    )


@check(
    "No gradient is recorded: the logits need none.",
    zh="不记录梯度：得到的 logits 不带梯度。",
    close=CLOSE,
    rests_on=("class_indices",),
)
def no_gradient_is_recorded(predict_logits, network, batch):
    logits = predict_logits(network.model, batch[0][:9], batch_size=4)
    return {"needs gradient": bool(logits.requires_grad), **begun(logits)}


# --- evaluate -----------------------------------------------------------------------------


@check(
    "Accuracy counts every picture once, however the batches fall.",
    zh="无论怎么分批，每张图在准确率里只计一次。",
    close=EXACT,
)
def every_picture_counts_once(evaluate, network, batch, rng):
    parts = [([part[start:] for part in batch], size)
             for start, size in zip(rng.permutation(6), (32, 20, 75), strict=False)]  # fmt: skip
    return [evaluate(network.model, batches(*part, size))["accuracy"] for part, size in parts]


@check(
    "The loss is the mean cross entropy over all pictures.",
    zh="损失是全部图片的平均交叉熵。",
    close=CLOSE,
)
def loss_is_the_mean_over_pictures(evaluate, network, batch):
    return [evaluate(network.model, batches(*batch, size))["loss"] for size in (32, 20, 75)]


@check(
    "The loss stays right where the model is sure of a wrong class.",
    zh="模型对错误的类别十分肯定时，损失依然正确。",
    close=CLOSE,
)
def sure_and_wrong_has_its_price(evaluate, network, batch):
    return [evaluate(louder(network, times), batches(*batch, 32))["loss"] for times in SURE]


@check(
    "Classes are compared along the class axis, also where a batch has one picture, or as many "
    "as there are classes.",
    zh="比较沿着类别轴进行；一个批次只有一张图，或图片数恰好等于类别数时也一样。",
    close=EXACT,
)
def classes_lie_along_the_last_axis(evaluate, network, batch):
    x, y = (part[:70] for part in batch)
    sizes = (len(network.class_names), 1)
    return [evaluate(network.model, batches(x, y, size))["accuracy"] for size in sizes]


@check(
    "Whatever mode the model came in, it is judged in evaluation mode and stays as it was.",
    zh="模型传进来不论是什么模式，都在评估模式下评测，并且保持原样。",
    close=CLOSE,
)
def judged_in_evaluation_mode(evaluate, network, batch):
    found = []
    for mode in (True, False):
        network.model.train(mode)
        before = state_of(network.model)
        result = evaluate(network.model, batches(*batch, 25))
        modes = sorted({part.training for part in network.model.modules()})
        changed = len(moved(network.model, before))
        found.append({"moved": changed, "modes after": modes, "loss": result["loss"]})
    return found


@check(
    "A data loader, and any other source of batches that can be gone through once, will do.",
    zh="DataLoader 也好，只能遍历一次的迭代器也好，都能用。",
    close=CLOSE,
)
def any_source_of_batches_will_do(evaluate, network, batch):
    from torch.utils.data import DataLoader, Subset, TensorDataset

    some = DataLoader(Subset(TensorDataset(*batch), range(40, 75)), batch_size=8)
    sampled = DataLoader(TensorDataset(*batch), batch_size=8, sampler=range(30, 75))
    once = iter(batches(*batch, 32))
    # All that comes back: of what is gone through a second time, nothing is left.
    return [outcome_of(evaluate, network.model, source) for source in (some, sampled, once)]


# --- top_k_accuracy -----------------------------------------------------------------------


@check(
    "A picture counts if its class is among the k highest logits.",
    zh="真实类别在最高的 k 个 logits 之中，就算对。",
    close=EXACT,
)
def among_the_k_highest(top_k_accuracy, batch, logits):
    return [top_k_accuracy(logits, batch[1], k) for k in (1, 2, 3, 5)]


@check(
    "Also where the scores are of hundreds of classes, or barely differ.",
    zh="类别有几百个、分数相差很小时也一样。",
    close=EXACT,
)
def many_classes(top_k_accuracy, rng):
    import torch

    y = torch.from_numpy(rng.integers(0, 300, 500))
    logits = torch.from_numpy(rng.permuted(np.tile(np.arange(300.0), (500, 1)), axis=1)) / 1000
    logits[torch.arange(500), y] += torch.from_numpy(rng.uniform(0, 0.3, 500))
    return [top_k_accuracy(logits, y, k) for k in (1, 5, 50)]


@check(
    "Each picture ranks its own classes, also where there are as many pictures as classes.",
    zh="每张图在自己的各个类别之间排序；图片数恰好等于类别数时也一样。",
    close=EXACT,
)
def each_picture_ranks_its_own_classes(top_k_accuracy, rng):
    import torch

    y = torch.from_numpy(rng.permutation(12))
    logits = torch.from_numpy(rng.normal(size=(12, 12)) + 4 * rng.normal(size=12))
    logits[torch.arange(12), y] += 1
    return [top_k_accuracy(logits, y, k) for k in (1, 2, 4, 6)]


@check(
    "With k as large as the number of classes everything counts; one picture is enough.",
    zh="k 等于类别数时全部算对；只有一张图也能算。",
    close=EXACT,
)
def all_classes_and_one_picture(top_k_accuracy, rng):
    import torch

    seen = []
    for count in rng.permutation([3, 4, 5]):
        logits = rng.permutation(count) / 10
        y = np.argsort(logits)[rng.integers(count - 1)]  # any but the highest
        given = torch.from_numpy(logits).float()[None], torch.tensor([y])
        seen.append([top_k_accuracy(*given, k) for k in range(1, count + 1)])
    return seen


# --- confusion_matrix ---------------------------------------------------------------------


@fixture
def guesses(rng):
    """200 targets of 6 classes, one of which never occurs, and predictions that lean upwards."""
    import torch

    y = rng.choice([0, 1, 2, 3, 5], 200, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    up = np.where(rng.random(200) < 0.3, (y + 1) % 6, y)
    return torch.from_numpy(y), torch.from_numpy(up)


@check(
    "Row is the actual class, column the predicted one, and repeats add up to whole numbers.",
    zh="行是实际类别，列是预测类别；重复出现要累加，得到整数。",
    close=0,
)
def rows_are_actual(confusion_matrix, guesses):
    counts = confusion_matrix(*guesses, 6)
    return {"counts": counts, "type": kind_of(counts)}


@check(
    "Classes that never occur have their rows and columns too.",
    zh="没有出现的类别也有自己的行和列。",
    close=0,
)
def absent_classes_have_rows(confusion_matrix, rng):
    import torch

    one, two, three = (rng.permutation(3) + 1).tolist()  # neither 0 nor 4
    many = int(rng.integers(257, 400))  # more than a byte holds
    y = torch.tensor([one, one, three] + many * [two])
    return outcome_of(confusion_matrix, y, torch.tensor([one, three, three] + many * [one]), 5)


@check(
    "The network's mistakes on hard digits stand where they belong.",
    zh="网络在难认的数字上犯的错各归各位。",
    close=0,
)
def mistakes_of_the_network(confusion_matrix, batch, logits):
    return confusion_matrix(batch[1], logits.argmax(1), logits.shape[1])


# --- class_recall -------------------------------------------------------------------------


@check(
    "The recall of a class is the share of its own pictures that were recognised.",
    zh="某一类的召回率，是这一类的图片中被认对的比例。",
    close=EXACT,
    rests_on=("confusion_matrix",),
)
def share_of_its_own_pictures(class_recall, batch, logits):
    return class_recall(batch[1], logits.argmax(1), logits.shape[1])


@check(
    "A class without pictures has no recall: nan, and the others keep their places.",
    zh="没有图片的类别谈不上召回率，记为 nan；其余类别的位置不变。",
    close=EXACT,
    rests_on=("confusion_matrix",),
)
def absent_class_has_no_recall(class_recall, guesses):
    return class_recall(*guesses, 6)


@check(
    "A class that is never recognised has recall 0, however rare it is.",
    zh="从未被认对的类别召回率为 0，不管它多罕见。",
    close=EXACT,
    rests_on=("confusion_matrix",),
)
def never_recognised_is_zero(class_recall, rng):
    import torch

    common, rare, other = rng.permutation(3).tolist()
    many, missed = int(rng.integers(9, 30)), int(rng.integers(1, 5))
    y = torch.tensor(many * [common] + [rare, other, other])
    guessed = torch.full_like(y, common)
    guessed[:missed] = rare
    return class_recall(y, guessed, 3)


# --- plot_confusion -----------------------------------------------------------------------


@check(
    "Each cell shows its count, between the right names.",
    zh="每个格子写着自己的计数，对应的行名和列名都正确。",
    close=0,
)
def each_cell_shows_its_count(plot_confusion, rng):
    import torch

    digits = [0, 0, *rng.permutation(9)[:3] + 1]
    longer = [*rng.integers(10, 400, 3), rng.integers(1000, 9000)]
    matrix = rng.permutation(digits + longer).reshape(3, 3)
    names = rng.permutation(ANIMALS)[:3].tolist()
    return [read(plot_confusion(given, names))["cells"]
            for given in (matrix, torch.from_numpy(matrix))]  # fmt: skip


@check(
    "The labels of the axes say which side is actual and which predicted.",
    zh="坐标轴标签说明哪边是实际类别、哪边是预测类别。",
    close=0,
)
def axes_say_which_is_which(plot_confusion, rng):
    found = []
    for count in 2 + rng.permutation(4)[:2]:
        seen = read(plot_confusion(rng.integers(1, 9, (count, count)), [*ANIMALS[:count]]))
        found.append({"actual, predicted": seen["sides"], "cells": len(seen["cells"])})
    return found


# --- mended_report ------------------------------------------------------------------------


# Below it, by the checks above: preprocess and class_indices. Named here side by side, each mistake
# in one would be run with each in another.
_STEPS = ("predict_logits",)


@check(
    "The report is right on hard digits: one accuracy for all, and a name for each.",
    zh="在难认的数字上报告正确：一个总的准确率，每张图一个名字。",
    close=EXACT,
    rests_on=_STEPS,
    weight=2,
)
def report_on_hard_digits(mended_report, network, hard_parts):
    return reported(mended_report, network, hard_parts)


@check(
    "It holds for a model with its classes in another order, and where only some of them occur.",
    zh="换一个类别顺序不同的模型、只出现部分类别，结果照样正确。",
    close=EXACT,
    rests_on=_STEPS,
)
def report_with_other_classes(mended_report, network, hard_parts, rng):
    import torch

    order = rng.permutation(len(network.class_names))
    head = network.model.fc
    with torch.no_grad():
        head.weight.copy_(head.weight[order].clone())
        head.bias.copy_(head.bias[order].clone())
    few = {}
    for part, (images, names) in hard_parts.items():
        rows = [i for i, name in enumerate(names) if name[0] in "fstn"]
        few[part] = (images[rows], [names[i] for i in rows])
    names = tuple(network.class_names[k] for k in order)
    return reported(mended_report, network, few, class_names=names)


@check(
    "Names come in the order of the test pictures.",
    zh="名字的顺序就是测试图片的顺序。",
    close=EXACT,
    rests_on=_STEPS,
)
def names_in_the_order_of_the_pictures(mended_report, network, reader, rng):
    images, classes = greys(network, 7, rng)
    part = images, [network.class_names[k] for k in classes]
    report = reported(mended_report, network, {"train": part, "test": part}, model=reader)
    return {"pictures": part[1], "names": report["names"]}


@check(
    "The model is judged in evaluation mode and nothing in it moves.",
    zh="模型在评估模式下评测，内部没有任何变化。",
    close=EXACT,
    rests_on=_STEPS,
)
def report_leaves_the_model_alone(mended_report, network, hard_parts):
    network.model.train()
    before = state_of(network.model)
    report = reported(mended_report, network, hard_parts)
    modes = sorted({part.training for part in network.model.modules()})
    changed = len(moved(network.model, before))
    return {"moved": changed, "modes after": modes, "names": report["names"]}
