"""Probes for `bert-classifier`: real sentences, a small pretrained BERT, and what it does."""

import math
from collections import Counter

import numpy as np

from autograder.checks import check, fixture, that
from autograder.probes import in_modes, without_dropout

from .instruments import Steps, kind_of, watch_rows, watched_gradients

# benchmarks/spread/bert-classifier.md: over seeds, threads and instruction sets right answers
# differ by far less than these, and the nearest misconception by far more.
LOGITS = 1e-3  # logits and losses of a float32 network
PROBABILITY = 1e-4
STEP = 1e-4  # parameters after three steps of gradient descent; they move by about 0.01
EXACT = 1e-9
SHARE = 1e-6  # counts divided by counts, in float32 too
HELD_OUT = 0.55  # accuracy on the 252 test sentences; guessing gives 0.333
FALL = 0.85  # the last epoch's loss over the first one's
AGREE = 0.9  # share of the names returned that the model gives when it is asked afterwards

NAMES = ("negative", "neutral", "positive")
TRAINED = 144  # sentences to learn from in the long probes


# --- data and models ----------------------------------------------------------------------


def _examples(split, count=None):
    """Examples of both languages, by turns."""
    from autograder.data.sentiment import load

    pairs = zip(load("en", split), load("zh", split), strict=True)
    return [example for pair in pairs for example in pair][:count]


@fixture
def tokenizer():
    """The tokenizer that belongs to the model."""
    from transformers import AutoTokenizer

    from autograder.models import locate

    return AutoTokenizer.from_pretrained(locate("bert"))


@fixture
def bert():
    """The pretrained encoder, dropout off in each of its layers."""
    from transformers import BertModel

    from autograder.models import locate

    return without_dropout(BertModel.from_pretrained(locate("bert")).eval())


@fixture
def classifier():
    """A classifier of three classes whose head is random but always the same."""
    import torch
    from transformers import BertForSequenceClassification

    from autograder.models import locate

    options = {"id2label": dict(enumerate(NAMES)), "label2id": {n: i for i, n in enumerate(NAMES)}}
    model = BertForSequenceClassification.from_pretrained(locate("bert"), num_labels=3, **options)
    _set(model.classifier, torch.Generator().manual_seed(1))
    return model.eval()


def _set(linear, generator):
    import torch

    with torch.no_grad():
        width = linear.weight.shape[1]
        linear.weight.normal_(0, 2 / math.sqrt(width), generator=generator)
        linear.bias.normal_(0, 0.5, generator=generator)


@fixture
def chosen(rng):
    """23 examples of many lengths; of any three in a row from the first, one is of each class."""
    examples = _examples("validation")
    pools = [
        iter(rng.permutation([i for i, e in enumerate(examples) if e.label == name]))
        for name in NAMES
    ]
    return [examples[next(pools[k])] for _ in range(8) for k in rng.permutation(3)][:23]


@fixture
def sentences(chosen):
    """The sentences of these examples."""
    return [example.text for example in chosen]


@fixture
def classes(chosen):
    """Their classes as numbers."""
    return [NAMES.index(example.label) for example in chosen]


@fixture
def batches(tokenizer, sentences, classes):
    """A `DataLoader` over them: 8, 8 and 7 sentences, padded batch by batch, in order."""
    return _loader(tokenizer, sentences, classes, 8)


def _loader(tokenizer, texts, classes, batch_size, *, shuffle=False):
    from torch.utils.data import DataLoader
    from transformers import DataCollatorWithPadding

    rows = [dict(tokenizer(text)) for text in texts]
    if classes is not None:
        rows = [{**row, "label": y} for row, y in zip(rows, classes, strict=True)]
    return DataLoader(
        rows, batch_size=batch_size, shuffle=shuffle, collate_fn=DataCollatorWithPadding(tokenizer)
    )


@fixture
def other_batches(tokenizer, sentences, classes, rng):
    """A `DataLoader` over some of them: another number of sentences, in batches of another size."""
    count, size = rng.integers(13, 24), rng.integers(4, 10)
    return _loader(tokenizer, sentences[:count], classes[:count], int(size))


@fixture
def study(rng, classifier):
    """What the long probes learn from and are judged by; a real BERT gets less of both."""
    train, test = _examples("train"), _examples("test")
    large = _is_large(classifier)
    rows = rng.permutation(len(train))[: 12 if large else TRAINED]
    asked = rng.permutation(len(test))[: 16 if large else None].tolist()
    chosen = [train[row] for row in rows]
    return {
        "texts": [example.text for example in chosen],
        "labels": [example.label for example in chosen],
        "test_texts": [test[row].text for row in asked],
        "asked": asked,
        "epochs": 6 if large else 4,
        "learning_rate": 2e-5 if large else 5e-4,
    }


def _is_large(model):
    """Whether it is some real BERT rather than the tiny one: the smallest, BERT-tiny, has 4.4M."""
    return model.num_parameters() > 2_000_000


# --- what was learned ---------------------------------------------------------------------


def _accuracy(predictions, asked):
    """Share of the test sentences named rightly; the labels stay here, outside the worker."""
    examples = _examples("test")
    return _share_alike(predictions, [examples[row].label for row in asked])


def _share_alike(some, others):
    return sum(map(str.__eq__, some, others)) / len(others)


def _learned(seen, reference):
    losses, predictions = seen["losses"], seen["predictions"]
    finite = len(losses) == len(reference["losses"]) and all(math.isfinite(loss) for loss in losses)
    if not finite or len(predictions) != len(reference["predictions"]):
        return False
    # Names that the trained model does not give were not learned but looked up. Where two classes
    # are equally likely, other padding can turn one into the other.
    if _share_alike(predictions, seen.get("model says", predictions)) < AGREE:
        return False
    if len(predictions) < len(_examples("test")):
        # Another model than the tiny one: what a few steps come to depends on the model.
        return seen["encoder moved"] and set(predictions) <= set(NAMES)
    accuracy = _accuracy(predictions, reference["asked"])
    return losses[-1] < FALL * losses[0] and accuracy >= HELD_OUT


# --- encode -------------------------------------------------------------------------------


def _encoded(encoding):
    ids, mask = encoding["input_ids"], encoding["attention_mask"]
    return {
        "ids": ids, "mask": mask, "shapes": [list(ids.shape), list(mask.shape)],
        "dtypes": [str(ids.dtype), str(mask.dtype)],
    }  # fmt: skip


@check(
    "Each row holds the tokens of its sentence between [CLS] and [SEP], as a tensor of int64.",
    zh="每一行是这句话的词元，前有 [CLS]、后有 [SEP]，类型是 int64 张量。",
    close=0,
)
def rows_hold_the_tokens(encode, tokenizer, sentences):
    return _encoded(encode(sentences, tokenizer))


@check(
    "The mask is 1 on tokens and 0 on padding, which stands on the right.",
    zh="词元处 mask 为 1，填充处为 0，填充放在右边。",
    close=0,
)
def mask_tells_padding(encode, tokenizer, sentences):
    texts = [sentences[0], "坏", sentences[1]]
    seen = _encoded(encode(texts, tokenizer))
    return {"mask": seen["mask"], "ids": seen["ids"]}


@check(
    "A batch is as wide as its longest sentence, and no wider.",
    zh="一个批次的宽度等于其中最长的一句，不多也不少。",
    close=0,
)
def as_wide_as_the_longest(encode, tokenizer, sentences):
    parts = [sentences[:1], sentences[:2], sentences[4:9]]
    return [_encoded(encode(part, tokenizer))["shapes"] for part in parts]


@check(
    "What is too long is cut at max_length, and [SEP] still ends it.",
    zh="过长的句子截到 max_length，末尾仍是 [SEP]。",
    close=0,
)
def long_texts_are_cut(encode, tokenizer, sentences):
    long = " ".join(sentences)
    seen = [_encoded(encode([long, "好"], tokenizer, max_length=n)) for n in (6, 10, 128)]
    return [[part["ids"], part["mask"]] for part in seen]


# --- make_loader --------------------------------------------------------------------------


def _plain(batch):
    """The tokens and the label of each row of a batch, without its padding."""
    ids, mask, labels = (batch[name] for name in ("input_ids", "attention_mask", "labels"))
    rows = [row[kept.bool()].tolist() for row, kept in zip(ids, mask, strict=True)]
    return list(zip(rows, labels.tolist(), strict=True))


@check(
    "Every sentence comes once in an epoch with its own label, in order, the last batch included.",
    zh="每一轮中每句话恰好出现一次，带着自己的标签，按顺序排列，最后不满的一批也在内。",
    close=0,
    rests_on=("encode",),
)
def every_sentence_once(make_loader, tokenizer, sentences, classes):
    return [_plain(batch) for batch in make_loader(sentences, classes, tokenizer, 8)]


@check(
    "It knows how many batches an epoch has.",
    zh="知道一轮有多少个批次。",
    close=0,
)
def knows_its_length(make_loader, tokenizer, sentences, classes, rng):
    sizes = (*rng.permutation(range(2, 12))[:2].tolist(), 23)
    return [len(make_loader(sentences, classes, tokenizer, size)) for size in sizes]


@check(
    "What is longer than 128 tokens is cut there.",
    zh="超过 128 个词元的部分被截断。",
    close=0,
    rests_on=("encode",),
)
def cut_at_128(make_loader, tokenizer, sentences, classes, rng):
    size, count = int(rng.integers(2, 6)), int(rng.integers(1, 5))
    texts = [" ".join(sentences), *sentences[1:size]] * count  # one too long in every batch
    loader = make_loader(texts, classes[: len(texts)], tokenizer, size)
    return [list(batch["input_ids"].shape) for batch in loader]


@check(
    "Each batch is padded to its own longest sentence.",
    zh="每个批次只填充到本批最长的一句。",
    close=0,
    rests_on=("encode",),
)
def padded_batch_by_batch(make_loader, tokenizer, sentences, classes):
    loader = make_loader(sorted(sentences, key=len), classes, tokenizer, 5)
    return [[list(batch["input_ids"].shape), list(batch["attention_mask"].shape)]
            for batch in loader]  # fmt: skip


@check(
    "Labels are one int64 number for each sentence.",
    zh="每句话对应一个 int64 标签。",
    close=0,
)
def labels_are_class_numbers(make_loader, tokenizer, sentences, classes):
    loader = make_loader(sentences[:7], classes[:7], tokenizer, 4)
    labels = [batch["labels"] for batch in loader]
    return [[part.tolist(), str(part.dtype)] for part in labels]


@that(
    "all sentences, in three different orders that are not the given one",
    zh="三轮都包含全部句子，顺序各不相同，也不同于原来的顺序",
)
def _three_orders(seen, reference):
    # By the loader's own rows, so that an `encode` with a mistake costs nothing here.
    orders = [[(*row, float(label)) for row, label in order] for order in seen["orders"]]
    given = [(*row, float(label)) for row, label in seen["given"]]
    right = [(*row, float(label)) for row, label in reference["given"]]
    as_many = [row[-1] for row in given] == [row[-1] for row in right]
    as_many = as_many and len({*given}) == len({*right})  # rows that are told apart, as they are
    same_content = as_many and all(sorted(order) == sorted(given) for order in orders)
    return same_content and len({tuple(order) for order in [*orders, given]}) == 4


@check(
    "With shuffle=True every epoch has an order of its own, and labels stay with their sentences.",
    zh="shuffle=True 时每一轮顺序都不同，标签始终跟着自己的句子。",
    expect=_three_orders,
)
def every_epoch_its_own_order(make_loader, tokenizer, sentences, classes):
    loader = make_loader(sentences, classes, tokenizer, 8, shuffle=True)
    orders = [[row for batch in loader for row in _plain(batch)] for _ in range(3)]
    given = [
        row for batch in make_loader(sentences, classes, tokenizer, 8) for row in _plain(batch)
    ]
    return {"orders": orders, "given": given}


# --- BertClassifier -----------------------------------------------------------------------


def _head(classifier, bert, num_labels):
    """Give the parameters that are not BERT's own values known to us."""
    import torch

    with torch.no_grad():  # whoever makes parameters when they are needed makes them now
        one = torch.ones(1, 2, dtype=torch.long)
        classifier(input_ids=one, attention_mask=one)
    generator = torch.Generator().manual_seed(num_labels)
    width = bert.config.hidden_size
    linear = torch.nn.Linear(width, num_labels)
    _set(linear, generator)
    shared = {id(parameter) for parameter in bert.parameters()}
    with torch.no_grad():
        for parameter in classifier.parameters():
            if id(parameter) in shared:
                continue
            if parameter.shape == (num_labels, width):
                parameter.copy_(linear.weight)
            elif parameter.shape == (width, num_labels):
                parameter.copy_(linear.weight.T)
            elif parameter.shape == (num_labels,):
                parameter.copy_(linear.bias)
    return classifier


def _logits(classifier, tokenizer, texts):
    import torch

    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        return classifier(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])


@check(
    "In evaluation mode the logits are a linear layer on BERT's pooled vector, for any classes.",
    zh="评估模式下，logits 就是 BERT 池化向量上的一个线性层，类别数任意。",
    close=LOGITS,
)
def logits_of_the_pooled_vector(BertClassifier, bert, tokenizer, sentences):
    seen = []
    for num_labels in (3, 5):
        classifier = _head(BertClassifier(bert, num_labels), bert, num_labels).eval()
        seen.append(_logits(classifier, tokenizer, sentences))
    return seen


@check(
    "It holds whatever else BERT is asked to return.",
    zh="无论还要求 BERT 返回什么，结果都不变。",
    close=LOGITS,
)
def whatever_else_is_returned(BertClassifier, bert, tokenizer, sentences):
    bert.config.output_hidden_states = True
    classifier = _head(BertClassifier(bert, 3), bert, 3).eval()
    return _logits(classifier, tokenizer, sentences[:5])


@check(
    "A sentence has the same logits alone and beside a longer one.",
    zh="同一句话单独输入、与更长的句子同批输入，logits 相同。",
    close=LOGITS,
)
def padding_leaves_logits_alone(BertClassifier, bert, tokenizer, sentences):
    classifier = _head(BertClassifier(bert, 3), bert, 3).eval()
    long = " ".join(sentences[:3])
    beside = _logits(classifier, tokenizer, [sentences[0], long])[0]
    return [_logits(classifier, tokenizer, sentences[:1])[0], beside]


@that(
    "as random in training as the library's head at the same rate, and steady in evaluation",
    zh="训练时的随机程度与同样比率下库的实现相同，评估时结果固定",
)
def _same_dropout(seen, reference):
    a, b = np.asarray(seen["training"]), np.asarray(reference["training"])
    steady = np.allclose(seen["evaluation"], reference["evaluation"], atol=LOGITS)
    if not steady or a.shape != b.shape or not a.std(axis=0).all():
        return False
    # 300 rows: a ratio of two standard deviations is off by 6 %, so 1.4 is more than five sigma.
    ratio = a.std(axis=0) / b.std(axis=0)
    error = np.abs(a.mean(axis=0) - b.mean(axis=0)) / b.std(axis=0) * math.sqrt(len(a) / 2)
    return bool((ratio < 1.4).all() and (ratio > 1 / 1.4).all() and (error < 5).all())


@check(
    "In training dropout of the given rate falls on the pooled vector; in evaluation on nothing.",
    zh="训练时按给定比率对池化向量做 dropout，评估时不做。",
    expect=_same_dropout,
)
def dropout_on_the_pooled_vector(BertClassifier, bert, tokenizer, sentences):
    classifier = _head(BertClassifier(bert, 3, dropout=0.8), bert, 3)
    text = sentences[0]
    evaluation = _logits(classifier.eval(), tokenizer, [text] * 2)
    return {
        "evaluation": evaluation,
        "training": _logits(classifier.train(), tokenizer, [text] * 300),
    }


@check(
    "The BERT that was passed in is inside, trains along, and only one linear layer is new.",
    zh="内部用的就是传入的 BERT，它跟着一起训练，新增的只有一个线性层。",
    close=0,
)
def the_given_bert_trains_along(BertClassifier, bert, tokenizer, rng):
    import torch

    num_labels = int(rng.integers(2, 20))
    classifier = _head(BertClassifier(bert, num_labels), bert, num_labels).train()
    batch = tokenizer(["好", "Not good."], padding=True, return_tensors="pt")
    logits = classifier(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    inside = {id(parameter) for parameter in classifier.parameters()}
    of_bert = {id(parameter): parameter for parameter in bert.parameters()}
    return {
        "given BERT inside": all(key in inside for key in of_bert),
        "new numbers": sum(p.numel() for p in classifier.parameters() if id(p) not in of_bert),
        "gradient reaches all of it": all(p.grad is not None for p in of_bert.values()),
    }


# --- train_epoch --------------------------------------------------------------------------


def _sgd(model, rate):
    import torch

    return torch.optim.SGD(model.parameters(), lr=rate)


@check(
    "Each batch moves the parameters once, by its own gradient.",
    zh="每个批次更新一次参数，用的是本批自己的梯度。",
    close=STEP,
)
def each_batch_moves_once(train_epoch, classifier, batches):
    model = without_dropout(classifier)
    head, pooler = model.classifier.weight, model.base_model.pooler.dense.bias
    before = [head.detach().clone(), pooler.detach().clone()]
    train_epoch(model, batches, _sgd(model, 0.1))
    return [head - before[0], pooler - before[1]]


@check(
    "The loss returned is the mean over examples, not over batches of unequal size.",
    zh="返回的损失是对样本求平均，而不是对大小不一的批次求平均。",
    close=PROBABILITY,
)
def loss_is_a_mean_over_examples(train_epoch, classifier, tokenizer, sentences, classes):
    model = without_dropout(classifier)
    loader = _loader(tokenizer, sentences[:13], classes[:13], 6)
    return train_epoch(model, loader, _sgd(model, 0.0))


@check(
    "The model learns in training mode, though it came in evaluation mode.",
    zh="即使传入时是评估模式，训练也要在训练模式下进行。",
    close=0,
)
def learns_in_training_mode(train_epoch, classifier, other_batches):
    calls = watch_rows(classifier)
    train_epoch(classifier.eval(), other_batches, _sgd(classifier, 0.0))
    return [[len(call["rows"]), call["training"], call["grad"]] for call in calls]


@check(
    "No gradient of an earlier batch is left when the next one arrives.",
    zh="下一批的梯度到来时，上一批的梯度已经清零。",
    close=0,
)
def gradients_start_afresh(train_epoch, classifier, other_batches):
    with watched_gradients(classifier, most=other_batches.batch_size) as notes:
        train_epoch(classifier, other_batches, _sgd(classifier, 0.01))
    return notes


@check(
    "Gradients are clipped to a norm of 1 before the step.",
    zh="更新之前先把梯度裁剪到范数 1。",
    close=LOGITS,
)
def gradients_are_clipped(train_epoch, classifier, tokenizer, sentences, classes, rng):
    import torch

    model, rate = without_dropout(classifier), rng.uniform(0.005, 0.02)
    with torch.no_grad():  # wrong and sure of it: gradients of norm 20 and more
        model.classifier.weight.mul_(20)
    before = [p.detach().clone() for p in model.parameters()]
    train_epoch(model, _loader(tokenizer, sentences[:8], classes[:8], 8), _sgd(model, rate))
    pairs = zip(model.parameters(), before, strict=True)
    return 100 * math.sqrt(sum(float((p.detach() - q).square().sum()) for p, q in pairs))


@check(
    "A gradient shorter than 1 is taken as it is: that of the mean cross entropy.",
    zh="范数不到 1 的梯度原样使用，即平均交叉熵的梯度。",
    close=STEP,
)
def short_gradients_stay(train_epoch, classifier, batches):
    import torch

    model = without_dropout(classifier)
    with torch.no_grad():  # little depends on the sentence, so gradients have norms below 0.7
        model.base_model.pooler.dense.weight.mul_(0.01)
        model.base_model.pooler.dense.bias.zero_()
        model.classifier.weight.mul_(0.02)
    before = model.classifier.bias.detach().clone()
    train_epoch(model, batches, _sgd(model, 0.1))
    return model.classifier.bias - before


@check(
    "The scheduler moves on after every batch, if there is one.",
    zh="如果传入了调度器，每个批次之后它都前进一步。",
    close=EXACT,
)
def scheduler_moves_with_batches(train_epoch, classifier, batches, rng):
    from torch.optim.lr_scheduler import LambdaLR

    rate, factor = rng.uniform(0.005, 0.02), rng.uniform(0.3, 0.7)
    optimizer = _sgd(classifier, rate)
    scheduler = LambdaLR(optimizer, lambda step: factor**step)
    with Steps() as steps:
        train_epoch(classifier, batches, optimizer, scheduler)
    return [*steps.rates, optimizer.param_groups[0]["lr"]]


@that("the loss falls to less than 85 % of the first epoch's", zh="损失降到第一轮的 85% 以下")
def _falls(seen, reference):
    # Of another model than the tiny one no more is asked than the reference reaches with it.
    enough = FALL if reference[-1] < FALL * reference[0] else 1.0
    return len(seen) == 5 and seen[-1] < enough * seen[0]


@check(
    "The loss falls from epoch to epoch.",
    zh="损失逐轮下降。",
    expect=_falls,
)
def loss_falls(train_epoch, classifier, batches):
    import torch

    rate = 2e-5 if _is_large(classifier) else 5e-4
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=rate)
    return [train_epoch(classifier, batches, optimizer) for _ in range(5)]


# --- fine_tune ----------------------------------------------------------------------------


_RUNS = ("rates", "rates of 20 steps")


@that(
    "rises within the first eighth to the rate given, then falls in a straight line to nearly 0",
    zh="在前八分之一内升到给定的学习率，随后直线下降，最后接近 0",
)
def _rises_and_falls(seen, reference):
    rates, rates_of_20 = (np.asarray(seen[name]) / reference["given"] for name in _RUNS)
    top = int(rates.argmax())
    line = np.diff(rates[top + 1 :])
    return bool(
        len(rates) == 40
        and 3 <= top <= 5
        and 0.9 <= rates[top] <= 1 + 1e-6
        and (np.diff(rates[: top + 1]) > 0).all()
        and np.allclose(line, -1 / 36, atol=0.004)
        and rates[-1] < 0.06
        and 1 <= int(rates_of_20.argmax()) <= 2
    )


@check(
    "The rate warms up over a tenth of all steps and then falls in a line to zero.",
    zh="学习率在前十分之一的步数里升高，随后线性降到零。",
    expect=_rises_and_falls,
    costly=True,
)
def rate_rises_and_falls(fine_tune, classifier, tokenizer, sentences, classes, rng):
    seen = {"given": 10.0 ** rng.uniform(-5, -3)}
    for name, count in zip(_RUNS, (20, 10), strict=True):
        texts = [text[:8] for text in sentences[:count]]
        with Steps() as steps:
            loader = _loader(tokenizer, texts, classes[:count], 1)
            fine_tune(classifier, loader, epochs=2, learning_rate=seen["given"])
        seen[name] = steps.rates
    return seen


@check(
    "The optimizer is AdamW, the same one from the first epoch to the last.",
    zh="优化器是 AdamW，从第一轮到最后一轮是同一个。",
    close=0,
)
def optimizer_is_adamw(fine_tune, classifier, tokenizer, sentences, classes, rng):
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    seen, counts = [], []

    def note(optimizer, _arguments, _keywords):
        seen.append(kind_of(optimizer))
        states = [state["step"] for state in optimizer.state.values() if "step" in state]
        counts.append(max(map(int, states), default=0))

    handle = register_optimizer_step_pre_hook(note)
    try:
        # Fewer than ten steps, as the text has it; not 9, whose tenth is none for OneCycleLR.
        batches, epochs = rng.choice([(1, 5), (1, 7), (2, 2), (2, 3), (2, 4), (3, 2), (4, 2)])
        count = 3 * int(batches)
        loader = _loader(tokenizer, [text[:8] for text in sentences[:count]], classes[:count], 3)
        fine_tune(classifier, loader, epochs=int(epochs), learning_rate=1e-4)
    finally:
        handle.remove()
    return {"kinds": sorted(set(seen)), "steps taken before each": counts}


@check(
    "Returned is one mean loss for each epoch, in order.",
    zh="返回各轮的平均损失，每轮一个，按顺序。",
    close=PROBABILITY,
    costly=True,
)
def one_loss_for_each_epoch(fine_tune, classifier, batches):
    return list(fine_tune(without_dropout(classifier), batches, epochs=4, learning_rate=1e-9))


@that(
    f"losses that fall and at least {HELD_OUT:.0%} of the unseen sentences right",
    zh=f"损失下降，且没见过的句子至少判对 {HELD_OUT:.0%}",
)
def _has_learned(seen, reference):
    return _learned(seen, reference)


@check(
    "It learns what holds for sentences that it has not seen: losses fall, predictions are right.",
    zh="学到的东西对没见过的句子也成立：损失下降，预测正确。",
    expect=_has_learned,
    weight=2,
    costly=True,
)
def learns_what_holds(fine_tune, classifier, tokenizer, study):
    numbers = [NAMES.index(label) for label in study["labels"]]
    loader = _loader(tokenizer, study["texts"], numbers, 12, shuffle=True)
    options = {name: study[name] for name in ("epochs", "learning_rate")}
    before = _encoder(classifier)
    losses = fine_tune(classifier, loader, **options)
    logits = _of_all(classifier.eval(), tokenizer, study["test_texts"])
    return {
        "losses": list(losses),
        "predictions": [NAMES[k] for k in logits.argmax(1)],
        "asked": study["asked"],
        "encoder moved": not before.equal(_encoder(classifier)),
    }


def _encoder(model):
    """A copy of all the numbers that BERT's layers have, so that one can see whether they move."""
    import torch

    return torch.cat([p.detach().flatten() for p in model.base_model.encoder.parameters()])


def _of_all(model, tokenizer, texts):
    import torch

    with torch.no_grad():
        batches = (texts[i : i + 64] for i in range(0, len(texts), 64))
        return torch.cat([
            model(**tokenizer(batch, padding=True, return_tensors="pt")).logits for batch in batches
        ])  # fmt: skip


# --- predict ------------------------------------------------------------------------------


@check(
    "The logits of all sentences come in their order, with no dropout in them.",
    zh="按顺序给出全部句子的 logits，其中没有 dropout。",
    close=LOGITS,
)
def logits_in_order(predict, classifier, batches):
    return predict(classifier.train(), batches)


@check(
    "A batch without labels is predicted just as well.",
    zh="批次里没有标签，照样能预测。",
    close=LOGITS,
)
def labels_are_not_needed(predict, classifier, tokenizer, sentences):
    return predict(classifier, _loader(tokenizer, sentences, None, 8))


@check(
    "Whatever sentences share its batch, a sentence gets the same logits.",
    zh="无论和哪些句子同批，同一句话的 logits 不变。",
    close=LOGITS,
)
def company_does_not_matter(predict, classifier, tokenizer, sentences):
    sizes = (1, 4, len(sentences))
    return [predict(classifier, _loader(tokenizer, sentences, None, size)) for size in sizes]


@check(
    "It goes batch by batch, and no gradients are kept.",
    zh="逐批进行，不记录梯度。",
    close=LOGITS,
)
def no_gradients_batch_by_batch(predict, classifier, other_batches):
    calls = watch_rows(classifier)
    logits = predict(classifier, other_batches)
    seen = [[len(call["rows"]), call["grad"]] for call in calls]
    return {"calls": seen, "in the graph": bool(getattr(logits, "requires_grad", False))}


@check(
    "Afterwards the model is in the mode in which it came.",
    zh="预测之后，模型的模式与传入时一样。",
    close=0,
)
def mode_is_given_back(predict, classifier, other_batches):
    calls = watch_rows(classifier)
    modes = in_modes(classifier, lambda: len(predict(classifier, other_batches)))
    return {"modes": modes, "was asked": len(calls) > 0}


# --- evaluate -----------------------------------------------------------------------------


@fixture
def varied(classifier):
    """A classifier that takes sentences of every class for every other one."""
    import torch

    _set(classifier.classifier, torch.Generator().manual_seed(5))
    return classifier


@fixture
def told(varied, tokenizer, rng):
    """Of 72 sentences the text, its class and what it is taken for, where that is clear."""
    examples = _examples("test")
    drawn = [examples[i] for i in rng.permutation(len(examples))[:72]]
    label_of = {e.text: NAMES.index(e.label) for e in drawn}
    texts = _clear(varied, tokenizer, list(label_of))
    said = _of_all(varied, tokenizer, texts).argmax(1).tolist()
    return [(text, label_of[text], k) for text, k in zip(texts, said, strict=True)]


def _of_told(rows, tokenizer):
    texts, classes, _ = zip(*rows, strict=True)
    return _loader(tokenizer, texts, classes, 8)


@fixture
def lopsided(told, tokenizer):
    """34 sentences in batches of 8, and one class much rarer than the others."""
    rare = [row for row in told if row[1] == 1][:3]
    rows = rare + [row for row in told if row[1] != 1][:31]
    # Two that are named rightly stand last: a mean of the batches' shares weighs them too much.
    last = [row for row in rows if row[1] == row[2]][:2]
    return _of_told([row for row in rows if row not in last] + last, tokenizer)


@fixture
def no_positives(told, tokenizer):
    """Sentences of the other classes, and those of them that are taken for others too.

    The row of positive is empty, and in the second its column. Some model may have no such column.
    """
    others = [row for row in told if row[1] != 2]
    absent = [row for row in others if row[2] != 2][:12]
    taken = [row for row in others if row[2] == 2][:4]
    return [_of_told(rows, tokenizer) for rows in (taken + absent, absent) if rows]


@check(
    "Accuracy is the share of all sentences, not the mean of the batches' shares.",
    zh="准确率按全部句子计算，不是各批准确率的平均。",
    close=SHARE,
    rests_on=("predict",),
)
def accuracy_over_all(evaluate, varied, lopsided):
    return evaluate(varied, lopsided)["accuracy"]


@check(
    "Macro F1 gives each class the same weight.",
    zh="宏平均 F1 对每个类别一视同仁。",
    close=SHARE,
    rests_on=("predict",),
)
def macro_f1_over_classes(evaluate, varied, lopsided, no_positives):
    return [evaluate(varied, loader)["macro_f1"] for loader in (lopsided, *no_positives)]


@check(
    "Rows of the confusion matrix are actual classes, columns predicted ones, three of each.",
    zh="混淆矩阵的行是实际类别，列是预测类别，各三个。",
    close=0,
    rests_on=("predict",),
)
def confusion_counts_sentences(evaluate, varied, no_positives):
    return [np.asarray(evaluate(varied, loader)["confusion"]).tolist() for loader in no_positives]


# --- load_model and name_predictions ------------------------------------------------------

ODD_NAMES = ("praise", "blame", "fact", "question", "doubt", "thanks", "news", "advice")


@fixture
def odd_names(rng):
    """Four to eight other names."""
    return rng.permutation(ODD_NAMES)[: rng.integers(4, 9)].tolist()


@fixture
def folder():
    """Where the model lies: looked up before anything of a submission's runs."""
    from autograder.models import locate

    return str(locate("bert"))


@check(
    "There are as many logits as names, and all the pretrained weights are in it.",
    zh="有多少个名字就有多少个 logits，全部预训练权重也已载入。",
    close=0,
)
def as_many_logits_as_names(load_model, folder, odd_names):
    from transformers import BertModel

    pretrained = BertModel.from_pretrained(folder)
    seen = []
    for names in (NAMES, odd_names):
        model = load_model(folder, list(names))
        sizes = {"labels": model.config.num_labels, "logits": model.classifier.out_features}
        seen.append({**sizes, "as pretrained": _parts_alike(model.base_model, pretrained)})
    return seen


def _parts_alike(model, other):
    """Whether the embeddings, the layers and the pooler of two BERTs have the same numbers."""
    import torch

    alike = {}
    for name, part in other.named_children():
        own = dict(model.get_submodule(name).named_parameters())
        pairs = [(own[key].float(), value) for key, value in part.named_parameters()]
        alike[name] = all(torch.equal(a, b) for a, b in pairs)
    return alike


@check(
    "The configuration knows the name of each number, and the number of each name.",
    zh="配置里既能由编号查到名字，也能由名字查到编号。",
    close=0,
)
def names_both_ways(load_model, folder, odd_names):
    seen = []
    for names in (NAMES, odd_names):
        config = load_model(folder, list(names)).config
        seen.append([dict(config.id2label), dict(config.label2id)])
    return seen


@check(
    "Names and head are still there after saving and loading from where it was saved.",
    zh="保存后从保存处重新加载，名字和分类头都还在。",
    close=0,
)
def names_survive_saving(load_model, folder, odd_names):
    import tempfile

    from transformers import AutoModelForSequenceClassification

    with tempfile.TemporaryDirectory() as saved:
        model = load_model(folder, list(odd_names))
        model.save_pretrained(saved)
        config = AutoModelForSequenceClassification.from_pretrained(saved).config
        again = load_model(saved, list(odd_names))
        same_head = again.classifier.weight.equal(model.classifier.weight)
        return [config.num_labels, dict(config.id2label), dict(config.label2id), same_head]


def _named(pairs):
    return [[name, probability] for name, probability in pairs]


@check(
    "Each sentence gets the name of its most probable class and that probability.",
    zh="每句话得到概率最大的类别名，以及这个概率。",
    close=PROBABILITY,
    rests_on=("encode",),
)
def name_and_probability(name_predictions, classifier, tokenizer, sentences):
    classifier.config.id2label = {0: "positive", 1: "negative", 2: "neutral"}
    classifier.config.label2id = {"positive": 0, "negative": 1, "neutral": 2}
    return _named(name_predictions(classifier, tokenizer, _clear(classifier, tokenizer, sentences)))


def _clear(classifier, tokenizer, texts):
    """The texts whose two best logits are not so near that rounding could change the order."""
    best = _of_all(classifier, tokenizer, texts).topk(2, dim=1).values
    return [text for text, (a, b) in zip(texts, best, strict=True) if a - b > 0.02]


@check(
    "A model that comes in training mode names as surely, and its sentence needs no company.",
    zh="模型以训练模式传入，命名同样确定；单独一句与成批的结果一样。",
    close=PROBABILITY,
    rests_on=("encode",),
)
def names_without_dropout(name_predictions, classifier, tokenizer, sentences):
    texts = _clear(classifier, tokenizer, sentences)[:6]
    classifier.train()
    alone = [_named(name_predictions(classifier, tokenizer, [text])) for text in texts[:3]]
    return [_named(name_predictions(classifier, tokenizer, texts)), alone]


# --- mended_program -----------------------------------------------------------------------


@fixture
def lesson(rng):
    """37 to 39 training sentences with their labels as names, and 6 to 12 test sentences.

    So many fill no batches of 8, 12, 16 or 32.
    """
    train, test = _examples("train"), _examples("test")
    rows = rng.permutation(len(train))[: rng.integers(37, 40)]
    return {
        "texts": [train[row].text for row in rows],
        "labels": [train[row].label for row in rows],
        "test_texts": [test[row].text for row in rng.permutation(len(test))[: rng.integers(6, 13)]],
    }


@check(
    "Every training sentence is learned from once in every epoch.",
    zh="每一轮中，每个训练句子恰好学一次。",
    close=0,
    costly=True,
)
def learns_from_every_sentence(mended_program, classifier, tokenizer, lesson, rng):
    calls = watch_rows(classifier)
    mended_program(classifier, tokenizer, **lesson, epochs=int(rng.integers(2, 4)))
    times = Counter(row for call in calls if call["grad"] for row in call["rows"])
    return [times[tuple(tokenizer(text)["input_ids"])] for text in lesson["texts"]]


@that("not the same order in all of three epochs", zh="三轮的顺序不全相同")
def _orders_differ(seen, reference):
    wanted = sorted(map(str, reference[0]))
    first, *others = [list(map(str, order)) for order in seen]
    same_content = all(sorted(order) == wanted for order in (first, *others))
    return same_content and any(order != first for order in others)


@check(
    "The sentences are shuffled for every epoch.",
    zh="每一轮都重新打乱句子。",
    expect=_orders_differ,
    costly=True,
)
def every_epoch_is_shuffled(mended_program, classifier, tokenizer, lesson):
    calls = watch_rows(classifier)
    mended_program(classifier, tokenizer, **lesson, epochs=3)
    rows = [row for call in calls if call["grad"] for row in call["rows"]]
    count = len(lesson["texts"])
    return [rows[i : i + count] for i in range(0, 3 * count, count)]


@check(
    "It learns in training mode and predicts in evaluation mode, without gradients.",
    zh="学习时是训练模式，预测时是评估模式，且不记录梯度。",
    close=0,
    rests_on=("predict",),
    costly=True,
)
def modes_of_learning_and_predicting(mended_program, classifier, tokenizer, lesson):
    calls = watch_rows(classifier.eval())
    mended_program(classifier, tokenizer, **lesson, epochs=2)
    tests = {tuple(tokenizer(text)["input_ids"]) for text in lesson["test_texts"]}
    last = [call for call in calls if set(call["rows"]) & tests]
    # Whoever looks at the loss between two epochs learns nothing while looking.
    first = [call for call in calls if call["grad"] and not set(call["rows"]) & tests]
    return {
        "learning": sorted({call["training"] for call in first}),
        "predicting": sorted({call["training"] for call in last}),
        "gradients when predicting": sorted({call["grad"] for call in last}),
        "sentences": len(tests & {row for call in last for row in call["rows"]}),
    }


@check(
    "Each step learns from at most 32 sentences, and no gradient is left over from one before.",
    zh="每一步最多学 32 句，上一步的梯度不会残留。",
    close=0,
    costly=True,
)
def program_clears_gradients(mended_program, classifier, tokenizer, lesson):
    with watched_gradients(classifier, most=32) as notes:
        mended_program(classifier, tokenizer, **lesson, epochs=3)
    return {"gradients": sorted({kind for kind, _ in notes}), "steps": len(notes) >= 3}


@check(
    "The losses are cross entropies of the logits: known before anything is learned.",
    zh="损失是 logits 的交叉熵：还没开始学习时，它的值是可以算出来的。",
    close=LOGITS,
    costly=True,
)
def losses_are_cross_entropies(mended_program, classifier, tokenizer, lesson):
    model = without_dropout(classifier)
    model.config.id2label = {0: "positive", 1: "negative", 2: "neutral"}
    model.config.label2id = {"positive": 0, "negative": 1, "neutral": 2}
    seen = mended_program(model, tokenizer, **lesson, epochs=2, learning_rate=0.0)
    return {"at the learning rate": 0.0, "losses": list(seen["losses"])}


@check(
    "With no epoch at all it names what the model thinks of the test sentences.",
    zh="一轮也不训练时，它给出模型对测试句子的判断，用类别名表示。",
    close=0,
    rests_on=("predict",),
)
def names_of_the_test_sentences(mended_program, classifier, tokenizer, lesson, sentences):
    texts = _clear(classifier, tokenizer, lesson["test_texts"] + sentences)
    classifier.config.id2label = {0: "positive", 1: "negative", 2: "neutral"}
    classifier.config.label2id = {"positive": 0, "negative": 1, "neutral": 2}
    lesson = {**lesson, "test_texts": texts}
    return list(mended_program(classifier, tokenizer, **lesson, epochs=0)["predictions"])


@that("AdamW with a rate between 0.00001 and 0.003", zh="AdamW，学习率在 0.00001 与 0.003 之间")
def _sensible(seen):
    return seen["kinds"] == ["AdamW"] and 1e-5 <= seen["highest rate"] <= 3e-3


@check(
    "The learning rate that it chooses is one at which BERT can learn.",
    zh="它自己选的学习率，是 BERT 学得动的学习率。",
    expect=_sensible,
    costly=True,
)
def rate_is_sensible(mended_program, classifier, tokenizer, lesson):
    with Steps() as steps:
        mended_program(classifier, tokenizer, **lesson, epochs=4)
    return {"kinds": sorted(steps.kinds), "highest rate": max(steps.rates)}


@check(
    "Mended, it learns: losses fall, and sentences that it has not seen are named rightly.",
    zh="改好之后真的能学会：损失下降，没见过的句子也判得对。",
    expect=_has_learned,
    weight=2,
    costly=True,
)
def mended_program_learns(mended_program, classifier, tokenizer, study):
    asked = study.pop("asked")
    if not _is_large(classifier):
        study.pop("learning_rate")
    before = _encoder(classifier)
    with Steps() as steps:
        seen = mended_program(classifier, tokenizer, **study)
    logits = _of_all(classifier.eval(), tokenizer, study["test_texts"])
    return {
        "losses": list(seen["losses"]),
        "predictions": list(seen["predictions"]),
        "model says": [NAMES[k] for k in logits.argmax(1)],
        "asked": asked,
        "encoder moved": not before.equal(_encoder(classifier)),
        "highest rate": max(steps.rates, default=0.0),
    }
