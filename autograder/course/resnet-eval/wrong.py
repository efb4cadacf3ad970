"""Known-wrong answers for `resnet-eval`, each one misconception; many are the documents' own."""

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn import metrics
from torch.nn.functional import cross_entropy

from autograder.checks import wrong

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _channels(values):
    return torch.tensor(values).reshape(1, -1, 1, 1)


def _preprocess(images, pixel_max, mean, std):
    return (images / pixel_max - _channels(mean)) / _channels(std)


# --- preprocess ---------------------------------------------------------------------------


@wrong(
    "preprocess",
    "Scales the pixels to 0 … 1 and never normalises them.",
    zh="像素只缩放到 0 … 1，没有做归一化。",
    caught_by="scales_then_normalises",
    errata=("E109",),
    step="The network was trained on normalised pixels: subtract the mean, divide by the std.",
    step_zh="网络是在归一化后的像素上训练的：减均值，除以标准差。",
)
def never_normalises(images, pixel_max, mean, std):
    return images / pixel_max


@wrong(
    "preprocess",
    "Does what ToTensor does, divide by 255, and nothing else.",
    zh="只做了 ToTensor 那一步：除以 255，别的都没做。",
    caught_by="brightest_is_pixel_max",
    errata=("E109",),
    step="Divide by pixel_max, then subtract the mean and divide by the std.",
    step_zh="应除以 pixel_max，然后减均值、除以标准差。",
)
def to_tensor_only(images, pixel_max, mean, std):
    return images / 255


@wrong(
    "preprocess",
    "Divides by 255, as if every picture had 8 bits.",
    zh="一律除以 255，以为所有图片都是 8 位的。",
    caught_by="brightest_is_pixel_max",
    step="Divide by pixel_max: these digits go up to 16.",
    step_zh="除以 pixel_max：这里的数字最大只到 16。",
)
def divides_by_255(images, pixel_max, mean, std):
    return _preprocess(images, 255, mean, std)


@wrong(
    "preprocess",
    "Divides by the brightest pixel at hand, not by the brightest that there can be.",
    zh="除以手头图片里最亮的像素，而不是像素可能的最大值。",
    caught_by="brightest_is_pixel_max",
    step="Divide by pixel_max: these pictures need not contain a pixel so bright.",
    step_zh="除以 pixel_max：这些图片里不一定有这么亮的像素。",
)
def divides_by_the_brightest(images, pixel_max, mean, std):
    return _preprocess(images, images.max(), mean, std)


@wrong(
    "preprocess",
    "Normalises with the statistics of the pictures at hand, not those of the weights.",
    zh="用手头这批图片的统计量做归一化，而不是权重自带的。",
    caught_by="a_picture_stands_alone",
    step="Use the mean and std that are given; they belong to the weights, not to the batch.",
    step_zh="用传入的 mean 和 std；它们属于权重，不属于这一批数据。",
)
def statistics_of_the_batch(images, pixel_max, mean, std):
    x = images / pixel_max
    return (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)


@wrong(
    "preprocess",
    "Lets the channels' statistics run along the width of the picture.",
    zh="各通道的统计量被广播到了图片的宽度方向上。",
    caught_by="scales_then_normalises",
    step="Broadcasting starts at the last axis: give the statistics the shape (1, C, 1, 1).",
    step_zh="广播从最后一维对齐：把统计量的形状改成 (1, C, 1, 1)。",
)
def along_the_width(images, pixel_max, mean, std):
    return (images / pixel_max - torch.tensor(mean)) / torch.tensor(std)


@wrong(
    "preprocess",
    "Uses ImageNet's constants for weights that were trained on something else.",
    zh="权重并非在 ImageNet 上训练，却套用了 ImageNet 的常数。",
    caught_by="scales_then_normalises",
    step="Use the mean and std that are given: each set of weights has its own.",
    step_zh="用传入的 mean 和 std：每套权重有自己的一套。",
)
def constants_of_imagenet(images, pixel_max, mean, std):
    known = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return _preprocess(images, pixel_max, *(values[: images.shape[1]] for values in known))


# --- class_indices ------------------------------------------------------------------------


@wrong(
    "class_indices",
    "Takes the digit for the index of its class.",
    zh="把数字本身当成类别下标。",
    caught_by="digits_take_their_place",
    errata=("E111",),
    step="Look the name up in class_names: “eight” stands first there.",
    step_zh="到 class_names 里去查名字：「eight」排在第一个。",
)
def digit_is_index(names, class_names):
    known = DIGITS if set(class_names) <= set(DIGITS) else class_names
    return [list(known).index(name) for name in names]


@wrong(
    "class_indices",
    "Sorts the model's classes by name before counting.",
    zh="先把模型的类别按名字排序，再编号。",
    caught_by="order_is_the_models",
    step="Keep the order of class_names: it is the order of the logits.",
    step_zh="保持 class_names 的顺序：它就是 logits 的顺序。",
)
def sorts_the_classes(names, class_names):
    return [sorted(class_names).index(name) for name in names]


@wrong(
    "class_indices",
    "Numbers the classes that occur in the data, as ImageFolder does with its folders.",
    zh="给数据里出现的类别编号，就像 ImageFolder 给文件夹编号那样。",
    caught_by="some_classes_keep_their_indices",
    errata=("E111",),
    step="Number by the model's list; the data may hold only some classes.",
    step_zh="按模型的类别表编号；数据里可能只有一部分类别。",
)
def numbers_the_folders(names, class_names):
    _refuse_unknown(names, class_names)
    return [sorted(set(names)).index(name) for name in names]


@wrong(
    "class_indices",
    "Numbers names in the order in which they first appear in the data.",
    zh="按名字在数据中首次出现的先后编号。",
    caught_by="digits_take_their_place",
    errata=("E111",),
    step="Number by the model's list, not by the data.",
    step_zh="按模型的类别表编号，而不是按数据。",
)
def first_come_first_numbered(names, class_names):
    _refuse_unknown(names, class_names)
    return [list(dict.fromkeys(names)).index(name) for name in names]


def _refuse_unknown(names, class_names):
    if not set(names) <= set(class_names):
        raise ValueError("unknown name")


@wrong(
    "class_indices",
    "Gives an unknown name the index −1 and says nothing.",
    zh="不认识的名字悄悄记为 −1。",
    caught_by="unknown_names_are_refused",
    step="Raise ValueError: as an index, −1 means the last class.",
    step_zh="抛出 ValueError：作为下标，−1 指的是最后一类。",
)
def unknown_is_minus_one(names, class_names):
    return [list(class_names).index(name) if name in class_names else -1 for name in names]


# --- predict_logits -----------------------------------------------------------------------


def _run(model, parts):
    with torch.no_grad():
        return torch.cat([model(part) for part in parts])


def _in_evaluation_mode(model, parts):
    mode = model.training
    model.eval()
    logits = _run(model, parts)
    model.train(mode)
    return logits


@wrong(
    "predict_logits",
    "Never calls eval(): no_grad() does not stop batch normalisation from using the batch.",
    zh="没有调用 eval()：no_grad() 并不会让批归一化停用当前批次的统计量。",
    caught_by="batch_size_changes_nothing",
    step="Call model.eval() before the first batch.",
    step_zh="在第一个批次之前调用 model.eval()。",
)
def no_grad_for_eval(model, x, batch_size=64):
    return _run(model, x.split(batch_size))


@wrong(
    "predict_logits",
    "Drops the last batch because it is smaller.",
    zh="最后一个批次不满，就被丢掉了。",
    caught_by="one_row_for_each_picture",
    step="Every picture gets a row: go on to the end, without drop_last.",
    step_zh="每张图都要有一行：一直取到末尾，不要用 drop_last。",
)
def drops_the_rest(model, x, batch_size=64):
    size = min(batch_size, len(x))
    return _in_evaluation_mode(model, x[: len(x) // size * size].split(size))


@wrong(
    "predict_logits",
    "Leaves the model in evaluation mode, so that training would go on without dropout and "
    "with frozen statistics.",
    zh="用完不还原，模型停在评估模式；接着训练就没有 dropout，统计量也不再更新。",
    caught_by="mode_is_given_back",
    step="Remember model.training first and give it back at the end.",
    step_zh="先记下 model.training，最后还回去。",
)
def stays_in_evaluation_mode(model, x, batch_size=64):
    model.eval()
    return _run(model, x.split(batch_size))


def _is_reordered(seen):
    """All classes as often as they should be, and not in the order of the pictures."""
    rows = np.asarray(seen["rows"]).tolist()
    return rows != seen["pictures"] and sorted(rows) == sorted(seen["pictures"])


@wrong(
    "predict_logits",
    "Shuffles the pictures, so that no row belongs to its picture any more.",
    zh="打乱了图片，行和图片对不上了。",
    caught_by="rows_keep_their_order",
    errata=("E110",),
    looks_like=_is_reordered,
    step="Shuffling is for training; to evaluate, keep the order.",
    step_zh="打乱顺序是训练用的；评测要保持原来的顺序。",
)
def shuffles_the_pictures(model, x, batch_size=64):
    return _in_evaluation_mode(model, x[torch.randperm(len(x))].split(batch_size))


@wrong(
    "predict_logits",
    "Records gradients, which fills the memory for nothing.",
    zh="记录了梯度，白白占用内存。",
    caught_by="no_gradient_is_recorded",
    step="Wrap the loop in torch.no_grad() or torch.inference_mode().",
    step_zh="用 torch.no_grad() 或 torch.inference_mode() 包住循环。",
)
def records_gradients(model, x, batch_size=64):
    mode = model.training
    model.eval()
    logits = torch.cat([model(part) for part in x.split(batch_size)])
    model.train(mode)
    return logits


@wrong(
    "predict_logits",
    "Puts all the pictures through the model at once, whatever batch_size says.",
    zh="不管 batch_size 是多少，一次就把全部图片送进了模型。",
    caught_by="no_batch_is_larger",
    step="Go through x in pieces of batch_size: a real set of pictures does not fit into memory.",
    step_zh="按 batch_size 分段处理：真实的数据集一次放不进内存。",
)
def all_at_once(model, x, batch_size=64):
    return _in_evaluation_mode(model, [x])


@wrong(
    "predict_logits",
    "Returns probabilities where logits were asked for.",
    zh="要的是 logits，返回的却是概率。",
    caught_by="one_row_for_each_picture",
    step="Return what the model gives, without softmax.",
    step_zh="直接返回模型的输出，不要做 softmax。",
)
def returns_probabilities(model, x, batch_size=64):
    return _in_evaluation_mode(model, x.split(batch_size)).softmax(1)


# --- evaluate -----------------------------------------------------------------------------


def _pairs(model, batches, training=False):
    """Logits and targets of each batch, in evaluation mode unless `training`."""
    mode = model.training
    if not training:
        model.eval()
    with torch.no_grad():
        pairs = [(model(x), y) for x, y in batches]
    if not training:
        model.train(mode)
    return pairs


def _accuracy(logits, y):
    return (logits.argmax(1) == y).double().mean().item()


def _chances(pairs):
    """The probability of each picture's true class (N,)."""
    return torch.cat([logits.softmax(1)[torch.arange(len(y)), y] for logits, y in pairs])


def _scores(pairs):
    logits, y = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    return {"accuracy": _accuracy(logits, y), "loss": cross_entropy(logits, y).item()}


@wrong(
    "evaluate",
    "Starts anew with every batch and returns the accuracy of the last one.",
    zh="每个批次都重新计数，返回的是最后一批的准确率。",
    caught_by="every_picture_counts_once",
    errata=("E112",),
    step="Set the counters to 0 before the loop and add to them in it.",
    step_zh="循环前把计数器清零，循环里累加。",
)
def accuracy_of_the_last_batch(model, batches):
    return _scores(_pairs(model, batches)[-1:])


@wrong(
    "evaluate",
    "Returns one number for each batch and never aggregates them.",
    zh="每个批次一个数，始终没有汇总。",
    caught_by="every_picture_counts_once",
    errata=("E112",),
    step="Add up correct answers and pictures over all batches; divide once, at the end.",
    step_zh="在全部批次上累加答对数和图片数；最后只除一次。",
)
def never_aggregates(model, batches):
    scores = [_scores([pair]) for pair in _pairs(model, batches)]
    return {name: [score[name] for score in scores] for name in ("accuracy", "loss")}


@wrong(
    "evaluate",
    "Averages the batches, so that a picture in the small last batch counts for more.",
    zh="对各批次直接求平均，最后一个小批次里的图片权重就偏大了。",
    caught_by="every_picture_counts_once",
    errata=("E112",),
    step="Weigh each batch by its size, or add up counts instead of averages.",
    step_zh="按批次大小加权，或者累加计数而不是平均值。",
)
def averages_the_batches(model, batches):
    scores = [_scores([pair]) for pair in _pairs(model, batches)]
    return {name: np.mean([score[name] for score in scores]) for name in ("accuracy", "loss")}


@wrong(
    "evaluate",
    "Averages the mean losses of the batches, though the last batch is smaller.",
    zh="最后一批更小，却对各批次的平均损失直接求平均。",
    caught_by="loss_is_the_mean_over_pictures",
    step="Cross entropy gives a mean: multiply by the size of the batch before adding.",
    step_zh="交叉熵给出的是均值：累加前先乘以批次大小。",
)
def averages_the_losses(model, batches):
    pairs = _pairs(model, batches)
    return _scores(pairs) | {"loss": np.mean([cross_entropy(*pair).item() for pair in pairs])}


@wrong(
    "evaluate",
    "Applies softmax before the cross entropy, which does it again.",
    zh="交叉熵之前先做了 softmax，而交叉熵内部还会再做一次。",
    caught_by="loss_is_the_mean_over_pictures",
    step="Give the logits themselves to the cross entropy.",
    step_zh="把 logits 原样交给交叉熵。",
)
def softmax_twice(model, batches):
    pairs = [(logits.softmax(1), y) for logits, y in _pairs(model, batches)]
    return _scores(pairs)


@wrong(
    "evaluate",
    "Forms the probability and then its logarithm: where the model is sure, float32 makes it 0.",
    zh="先算概率再取对数：模型十分肯定时，float32 下概率变成 0。",
    caught_by="sure_and_wrong_has_its_price",
    step="Take log_softmax or cross_entropy of the logits; neither forms the probability.",
    step_zh="直接对 logits 用 log_softmax 或 cross_entropy，它们不会先算出概率。",
)
def logarithm_of_a_probability(model, batches):
    pairs = _pairs(model, batches)
    return _scores(pairs) | {"loss": -_chances(pairs).log().mean().item()}


def _is_capped(losses):
    """Twice as sure costs the right loss twice as much; a cap, whatever the number, hardly more."""
    sure, surer = losses
    return 0 < surer < 1.5 * sure < float("inf")


@wrong(
    "evaluate",
    "Keeps the probability above a small number before the logarithm, which caps the loss.",
    zh="取对数前用一个小数给概率兜底，损失因此有了上限。",
    caught_by="sure_and_wrong_has_its_price",
    looks_like=_is_capped,
    step="Take log_softmax or cross_entropy of the logits, and no small number is needed.",
    step_zh="直接对 logits 用 log_softmax 或 cross_entropy，就用不着这个小数。",
)
def logarithm_with_an_epsilon(model, batches):
    pairs = _pairs(model, batches)
    return _scores(pairs) | {"loss": -(_chances(pairs) + 1e-8).log().mean().item()}


@wrong(
    "evaluate",
    "Looks for the highest score along the batch instead of along the classes.",
    zh="沿批次方向取最大值，而不是沿类别方向。",
    caught_by="classes_lie_along_the_last_axis",
    step="The logits are (B, K): take the argmax along dimension 1.",
    step_zh="logits 的形状是 (B, K)：沿第 1 维取 argmax。",
)
def argmax_along_the_batch(model, batches):
    pairs = _pairs(model, batches)
    correct = sum((logits.argmax(0) == y).sum().item() for logits, y in pairs)
    return _scores(pairs) | {"accuracy": correct / sum(len(y) for _, y in pairs)}


@wrong(
    "evaluate",
    "Evaluates in the mode in which the model came, so training mode uses the batch's statistics.",
    zh="不切换模式：模型若处于训练模式，用的就是当前批次的统计量。",
    caught_by="judged_in_evaluation_mode",
    step="Call model.eval() first and give the mode back at the end.",
    step_zh="先调用 model.eval()，最后还原模式。",
)
def evaluates_in_training_mode(model, batches):
    return _scores(_pairs(model, batches, training=True))


@wrong(
    "evaluate",
    "Divides by the size of the data set, though the loader may show only part of it.",
    zh="除以数据集的大小，而加载器可能只取其中一部分。",
    caught_by="any_source_of_batches_will_do",
    step="Count the pictures that you have seen.",
    step_zh="数一数实际见到的图片。",
)
def divides_by_the_data_set(model, batches):
    pairs = _pairs(model, batches)
    scores, seen = _scores(pairs), sum(len(y) for _, y in pairs)
    size = seen if isinstance(batches, list) else len(batches.dataset)
    return {name: value * seen / size for name, value in scores.items()}


# --- top_k_accuracy -----------------------------------------------------------------------


@wrong(
    "top_k_accuracy",
    "Looks at the highest logit only, whatever k is.",
    zh="不管 k 是几，只看最高的一个。",
    caught_by="among_the_k_highest",
    errata=("E112",),
    step="Take the k highest and ask whether the class is among them.",
    step_zh="取最高的 k 个，看真实类别在不在其中。",
)
def first_place_only(logits, targets, k):
    return _accuracy(logits, targets)


@wrong(
    "top_k_accuracy",
    "Takes the k lowest logits.",
    zh="取了最低的 k 个。",
    caught_by="among_the_k_highest",
    step="argsort runs upwards: take its last k, or sort downwards.",
    step_zh="argsort 是升序：取最后 k 个，或者改成降序。",
)
def k_lowest(logits, targets, k):
    return _share_among(logits.argsort(1)[:, :k], targets)


def _share_among(chosen, targets):
    return (chosen == targets[:, None]).any(1).double().mean().item()


@wrong(
    "top_k_accuracy",
    "Divides the hits by k as well, which is precision at k.",
    zh="命中数还除以了 k，那是 precision@k。",
    caught_by="among_the_k_highest",
    step="A picture counts once, however many guesses it was given.",
    step_zh="一张图只计一次，与允许猜几次无关。",
)
def precision_at_k(logits, targets, k):
    return _share_among(logits.topk(k, dim=1).indices, targets) / k


@wrong(
    "top_k_accuracy",
    "Allows one place too many.",
    zh="多放宽了一个名次。",
    caught_by="among_the_k_highest",
    step="With k = 1 it must equal accuracy: compare the rank with < k.",
    step_zh="k = 1 时必须等于准确率：名次要用 < k 比较。",
)
def one_place_too_many(logits, targets, k):
    return _share_among(logits.topk(min(k + 1, logits.shape[1]), dim=1).indices, targets)


@wrong(
    "top_k_accuracy",
    "Looks for the class among the k highest of all the pictures, not of its own.",
    zh="在所有图片的前 k 名里找真实类别，而不是在自己那张图的前 k 名里。",
    caught_by="many_classes",
    step="Compare row by row: (top == targets[:, None]).any(dim=1), and not torch.isin.",
    step_zh="逐行比较：用 (top == targets[:, None]).any(dim=1)，不要用 torch.isin。",
)
def among_those_of_any_picture(logits, targets, k):
    return torch.isin(targets, logits.topk(k, dim=1).indices).double().mean().item()


@wrong(
    "top_k_accuracy",
    "Ranks the pictures within each class instead of the classes of each picture.",
    zh="在每个类别内给图片排名，而不是给每张图的类别排名。",
    caught_by="each_picture_ranks_its_own_classes",
    step="The logits are (N, K): rank along dimension 1.",
    step_zh="logits 的形状是 (N, K)：沿第 1 维排名。",
)
def ranks_the_pictures(logits, targets, k):
    places = logits.argsort(0, descending=True).argsort(0)  # (N, K)
    return (places.gather(1, targets[:, None]) < k).double().mean().item()


# --- confusion_matrix ---------------------------------------------------------------------


def _confusion(targets, predictions, num_classes):
    return metrics.confusion_matrix(targets, predictions, labels=range(num_classes))


@wrong(
    "confusion_matrix",
    "Puts the predicted classes in the rows and the actual ones in the columns.",
    zh="行列放反了：行成了预测类别，列成了实际类别。",
    caught_by="rows_are_actual",
    step="Row first: the actual class; column second: the predicted one.",
    step_zh="先行后列：行是实际类别，列是预测类别。",
)
def predictions_in_rows(targets, predictions, num_classes):
    return _confusion(predictions, targets, num_classes)


@wrong(
    "confusion_matrix",
    "Adds with an index that repeats, so that each pair counts once at most.",
    zh="用带重复的下标做 += 1，同一对最多只计一次。",
    caught_by="rows_are_actual",
    step="Indexed += 1 does not accumulate: use bincount, index_put_ or a loop.",
    step_zh="下标重复时 += 1 不会累加：改用 bincount、index_put_ 或循环。",
)
def repeats_are_lost(targets, predictions, num_classes):
    return np.minimum(_confusion(targets, predictions, num_classes), 1)


@wrong(
    "confusion_matrix",
    "Has rows and columns only for the classes that occur.",
    zh="只给出现过的类别留了行和列。",
    caught_by="absent_classes_have_rows",
    step="The matrix is num_classes by num_classes, always.",
    step_zh="矩阵始终是 num_classes × num_classes。",
)
def only_classes_that_occur(targets, predictions, num_classes):
    return metrics.confusion_matrix(targets, predictions)


# --- class_recall -------------------------------------------------------------------------


def _divided(matrix, whole, missing=np.nan):
    right = matrix.diagonal().astype(float)
    return np.divide(right, whole, out=np.full(len(right), missing), where=whole > 0)


@wrong(
    "class_recall",
    "Divides by how often a class was predicted, which is precision.",
    zh="除以了被预测成该类的次数，那是精确率。",
    caught_by="share_of_its_own_pictures",
    step="Divide by the pictures that belong to the class: the sum of its row.",
    step_zh="除以属于该类的图片数，也就是该行之和。",
)
def precision_of_classes(targets, predictions, num_classes):
    matrix = _confusion(targets, predictions, num_classes)
    return _divided(matrix, matrix.sum(axis=0))


@wrong(
    "class_recall",
    "Gives a class without pictures the recall 0.",
    zh="没有图片的类别，召回率被记成了 0。",
    caught_by="absent_class_has_no_recall",
    step="Nothing was missed there: return nan.",
    step_zh="那里什么也没漏：应返回 nan。",
)
def absent_class_is_zero(targets, predictions, num_classes):
    matrix = _confusion(targets, predictions, num_classes)
    return _divided(matrix, matrix.sum(axis=1), missing=0.0)


@wrong(
    "class_recall",
    "Counts a picture of another class as right if it was not taken for this one.",
    zh="别类的图片没被认成这一类，也算作判对。",
    caught_by="share_of_its_own_pictures",
    step="That is accuracy of one against the rest: look at the class's own pictures only.",
    step_zh="那是「一对其余」的准确率：只看本类的图片。",
)
def one_against_the_rest(targets, predictions, num_classes):
    y, p = np.asarray(targets), np.asarray(predictions)
    return [np.mean((y == k) == (p == k)) for k in range(num_classes)]


@wrong(
    "class_recall",
    "Gives every class the same number, the accuracy.",
    zh="每一类都给同一个数：总准确率。",
    caught_by="never_recognised_is_zero",
    errata=("E200",),
    step="Look at the pictures of one class at a time.",
    step_zh="一次只看一个类别的图片。",
)
def accuracy_for_every_class(targets, predictions, num_classes):
    return [(targets == predictions).double().mean().item()] * num_classes


# --- plot_confusion -----------------------------------------------------------------------


def _plot(matrix, rows, columns, sides=("actual", "predicted")):
    _, axes = plt.subplots(figsize=(3, 3))
    axes.imshow(np.asarray(matrix, dtype=float), cmap="Blues")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    for (i, j), value in np.ndenumerate(np.asarray(matrix)):
        axes.text(j, i, f"{value:g}")
    axes.set(ylabel=sides[0], xlabel=sides[1])
    return axes


@wrong(
    "plot_confusion",
    "Draws the matrix turned over: what was predicted stands where the actual class should.",
    zh="把矩阵转置着画了：该放实际类别的地方放了预测类别。",
    caught_by="each_cell_shows_its_count",
    step="Row i of the matrix goes to the y axis, column j to the x axis: text(j, i, …).",
    step_zh="矩阵第 i 行对应 y 轴，第 j 列对应 x 轴：写成 text(j, i, …)。",
)
def turned_over(matrix, class_names):
    return _plot(np.asarray(matrix).T, class_names, class_names)


@wrong(
    "plot_confusion",
    "Labels the ticks with indices instead of names.",
    zh="刻度上写的是下标，而不是类别名。",
    caught_by="each_cell_shows_its_count",
    step="Set the tick labels to class_names.",
    step_zh="把刻度标签设成 class_names。",
)
def ticks_without_names(matrix, class_names):
    indices = [str(k) for k in range(len(class_names))]
    return _plot(matrix, indices, indices)


@wrong(
    "plot_confusion",
    "Calls the rows predicted and the columns actual.",
    zh="坐标轴标签写反了：行写成预测，列写成实际。",
    caught_by="axes_say_which_is_which",
    step="The y axis carries the rows, and rows are actual classes.",
    step_zh="y 轴是行，行是实际类别。",
)
def sides_exchanged(matrix, class_names):
    return _plot(matrix, class_names, class_names, sides=("predicted", "actual"))


# --- mended_report ------------------------------------------------------------------------


def _program(
    model, class_names, pixel_max, mean, std, parts, batch_size=32, *,
    part="test", normalised=True, indices=None, named=None, evaluation=True, shuffled=False,
    axis=1, aggregate="all",
):  # fmt: skip
    """The program mended; each keyword leaves one of its faults in."""
    images, names = parts[part]
    order = indices or class_names
    order = sorted(set(names)) if order == "folders" else list(order)
    y = torch.tensor([order.index(name) if name in order else -1 for name in names])
    x = _preprocess(images, pixel_max, mean, std) if normalised else images / pixel_max
    rows = torch.randperm(len(y)) if shuffled else torch.arange(len(y))
    mode = model.training
    model.train(mode and not evaluation)
    hits, said = [], []
    with torch.no_grad():
        for some in rows.split(batch_size):
            predicted = model(x[some]).softmax(axis).argmax(1)
            hits.append((predicted == y[some]).double())
            said += [(named or class_names)[k] for k in predicted]
    model.train(mode)
    accuracies = {
        "all": torch.cat(hits).mean(),
        "last": hits[-1].mean(),
        "each": [hit.mean() for hit in hits],
        "mean": np.mean([hit.mean() for hit in hits]),
    }
    return {"accuracy": accuracies[aggregate], "names": said}


@wrong(
    "mended_report",
    "Still lacks the normalisation.",
    zh="还是没有归一化。",
    caught_by="report_on_hard_digits",
    errata=("E109",),
    step="After dividing by pixel_max, subtract the mean and divide by the std.",
    step_zh="除以 pixel_max 之后，还要减均值、除以标准差。",
)
def still_not_normalised(*given, **options):
    return _program(*given, **options, normalised=False)


@wrong(
    "mended_report",
    "Still returns the accuracy of the last batch.",
    zh="返回的仍是最后一个批次的准确率。",
    caught_by="report_on_hard_digits",
    errata=("E112",),
    step="Count correct answers over all batches and divide once, after the loop.",
    step_zh="在所有批次上累计判对的数目，循环之后只除一次。",
)
def still_the_last_batch(*given, **options):
    return _program(*given, **options, aggregate="last")


@wrong(
    "mended_report",
    "Averages the accuracies of the batches, though the last one is smaller.",
    zh="最后一批更小，却对各批准确率直接求平均。",
    caught_by="report_on_hard_digits",
    errata=("E112",),
    step="Add up counts, not averages.",
    step_zh="累加计数，而不是平均值。",
)
def still_a_mean_of_batches(*given, **options):
    return _program(*given, **options, aggregate="mean")


@wrong(
    "mended_report",
    "Returns a list of accuracies, one for each batch.",
    zh="返回了一串准确率，每批一个。",
    caught_by="report_on_hard_digits",
    errata=("E112",),
    step="One number for the whole part: count over all batches and divide once.",
    step_zh="整个测试集只要一个数：跨批次累计，最后只除一次。",
)
def still_one_for_each_batch(*given, **options):
    return _program(*given, **options, aggregate="each")


@wrong(
    "mended_report",
    "Still evaluates on pictures that the network was trained on.",
    zh="仍在训练过的图片上评测。",
    caught_by="report_on_hard_digits",
    errata=("E110",),
    step='Take parts["test"].',
    step_zh='改用 parts["test"]。',
)
def still_on_the_training_part(*given, **options):
    return _program(*given, **options, part="train")


@wrong(
    "mended_report",
    "Still takes the digit for the index of its class, so the accuracy means nothing.",
    zh="仍把数字当作类别下标，准确率毫无意义。",
    caught_by="report_on_hard_digits",
    errata=("E111",),
    step="Make the targets with class_names, whose order is that of the logits.",
    step_zh="用 class_names 生成目标下标，它的顺序就是 logits 的顺序。",
)
def still_digits_as_indices(*given, **options):
    return _program(*given, **options, indices=DIGITS)


@wrong(
    "mended_report",
    "Numbers the folders that occur, which agrees with the model only if all classes occur.",
    zh="按出现的文件夹编号，只有各类齐全时才碰巧与模型一致。",
    caught_by="report_with_other_classes",
    errata=("E111",),
    step="Number by class_names, not by the names in the data.",
    step_zh="按 class_names 编号，而不是按数据里的名字。",
)
def numbers_what_occurs(*given, **options):
    return _program(*given, **options, indices="folders")


@wrong(
    "mended_report",
    "Gives the predictions the wrong names: index k is not the digit k.",
    zh="预测配错了名字：下标 k 并不是数字 k。",
    caught_by="report_on_hard_digits",
    step="Name index k with class_names[k].",
    step_zh="下标 k 的名字是 class_names[k]。",
)
def still_wrong_names(*given, **options):
    return _program(*given, **options, named=DIGITS)


@wrong(
    "mended_report",
    "Still lacks eval(): the batch decides about each prediction, and the statistics move.",
    zh="仍然没有 eval()：每个预测受所在批次左右，统计量也被改动。",
    caught_by="report_leaves_the_model_alone",
    step="Call model.eval() before the loop, also if the model may come in evaluation mode.",
    step_zh="循环前调用 model.eval()，即使模型可能本来就处于评估模式。",
)
def still_no_eval(*given, **options):
    return _program(*given, **options, evaluation=False)


def _is_shuffled(seen):
    """Every class as often as it should be, and not in the order of the pictures."""
    names, shown = seen["names"], seen["pictures"]
    return names != shown and Counter(names) == Counter(shown)


@wrong(
    "mended_report",
    "Still shuffles the test pictures: the names belong to other pictures.",
    zh="测试图片仍被打乱：名字对不上图片。",
    caught_by="names_in_the_order_of_the_pictures",
    errata=("E110",),
    looks_like=_is_shuffled,
    step="shuffle=True is for training; leave it out.",
    step_zh="shuffle=True 是训练用的，去掉它。",
)
def still_shuffled(*given, **options):
    return _program(*given, **options, shuffled=True)


@wrong(
    "mended_report",
    "Still applies softmax along the batch.",
    zh="softmax 仍然沿着批次方向。",
    caught_by="report_on_hard_digits",
    step="Use dim=1, or leave softmax out: the highest logit is the highest probability.",
    step_zh="改成 dim=1，或者干脆去掉：logit 最大的概率也最大。",
)
def still_softmax_along_the_batch(*given, **options):
    return _program(*given, **options, axis=0)
