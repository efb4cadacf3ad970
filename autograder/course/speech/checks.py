"""Probes for `speech`: tones whose fate is known, paths, texts with planted errors."""

import itertools

import numpy as np

from autograder.checks import Tolerance, at_most, check, fixture, outcome_of, relative
from autograder.probes import are_whole, arguments_kept, in_forms, moved, state_of, watch

from . import drawn

# What filters of different make differ by, where the text promises 2 % and 1 %.
KEPT, REMOVED = 0.06, 0.03
FEATURES = 0.01  # standardised log-mel: windows and filters in float32
FAINT = Tolerance(absolute=0.01, relative=5e-3)  # logarithms near −23 in float32, spread by 0.05
CLOSE = relative(1e-4)
EXACT = 1e-5  # error rates, perhaps in float32; one edit more changes them far more
# benchmarks/spread/heard.py measures it: right answers made 0.000 with each seed that was tried,
# the plateau on which all is blank makes 0.99.
LEARNED = 0.02


@fixture
def rig(rng):
    """Levels, networks and recordings; see `rig.py`."""
    from . import rig as module

    return module


@fixture
def reader():
    """A network that reads keys frame by frame."""
    from .rig import reader

    return reader()


# --- resample -----------------------------------------------------------------------------


@check(
    "Tones that both rates can hold keep their height and their place in time; no others appear.",
    zh="两个采样率都能容纳的频率，幅度和时间位置都不变，也不会带出别的频率。",
    close=KEPT,
)
def low_tones_are_kept(resample, rng):
    found = {"played": [], "heard": []}
    for rates, span in itertools.product(drawn.RATES, ((0.05, 0.5), (0.55, 0.8))):
        low = drawn.tone(rng, rates, span, height=(0.5, 0.9))
        found["played"].append(drawn.parts(*low[1:]))
        found["heard"].append(drawn.heard(resample, rates, low))
    return found


@check(
    "Tones that the new rate cannot hold are gone, and do not come back as others; what lies lower "
    "stays.",
    zh="新采样率容纳不了的频率被滤掉，不会混叠成别的频率；较低的音还在。",
    close=REMOVED,
)
def high_tones_are_removed(resample, rng):
    found = []
    for rates in drawn.RATES[:3]:
        low = drawn.tone(rng, rates, (0.2, 0.5), height=(0.1, 0.4))
        high = drawn.tone(rng, rates, (1.22, 1.35), height=(0.5, 0.5))
        *kept, _ = drawn.heard(resample, rates, low, high)
        left = drawn.left_of(resample, rates, high, low)
        found.append({"low": np.hypot(*kept), "left of the high": left})
    return found


@check(
    "There are ⌈N · target / rate⌉ samples, however the rates divide.",
    zh="无论两个采样率能否整除，结果都有 ⌈N · target / rate⌉ 个样本。",
    close=0,
)
def length_follows_the_rates(resample, rng):
    def length(rate, target, samples):
        return len(resample(rng.uniform(-1, 1, samples).astype(np.float32), rate, target))

    rests = [length(*rates, drawn.uneven(rng, *rates)) for rates in drawn.RATES[:3]]
    return {"with a rest": rests, "without": [length(8000, 16000, int(rng.integers(2000, 3000)))]}


@check(
    "At the same rate nothing changes, and the recording that came in is left alone.",
    zh="采样率相同则什么都不变；传入的录音也不被改动。",
    close=1e-5,
)
def same_rate_same_samples(resample, rng):
    samples = rng.uniform(-1, 1, 400).astype(np.float32)
    return [arguments_kept(resample, samples, 8000, 8000),
            arguments_kept(resample, samples.copy(), 16000, 8000)["changed"]]  # fmt: skip


# --- log_mel ------------------------------------------------------------------------------


@check(
    "The features of noisy keys, and of single clicks, are those of the formulas.",
    zh="带噪按键音的特征、单个脉冲的特征都与公式一致。",
    close=FEATURES,
    weight=2,
)
def features_of_keys(log_mel, rng):
    keys = log_mel(drawn.recording(rng).samples, 8000)
    at, clicks = drawn.clicks(rng)
    return {"keys": keys, "at": at, "clicks": log_mel(clicks, 8000, hop=256)}


@check(
    "Rate, window, hop, bands and their limits are the ones given.",
    zh="采样率、窗长、帧移、频带数和频率范围都以传入的为准。",
    close=FEATURES,
)
def features_with_other_settings(log_mel, rng):
    samples = drawn.recording(rng, rate=16000).samples[:6000]

    def features(rate, **others):
        return log_mel(samples, rate, **others)

    given = {"rate": 16000, "n_fft": 512, "hop": 160, "n_mels": 24, "low": 60, "high": 3800}
    usual = {"rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 32, "low": 300, "high": 2000}
    but = {f"but {name}": features(**given | {name: usual[name]}) for name in given}
    return {"given": features(**given), **but}


@check(
    "Only whole frames count: 1 + ⌊(N − n_fft) / hop⌋ of them.",
    zh="只取完整的帧：共 1 + ⌊(N − n_fft) / hop⌋ 帧。",
    close=0,
)
def whole_frames_only(log_mel, rng):
    def shape(length):
        return list(np.shape(log_mel(rng.uniform(-1, 1, length).astype(np.float32), 8000)))

    fits = 256 + 128 * int(rng.integers(2, 20))
    lengths = (fits - 1, fits, fits + int(rng.integers(1, 128)))
    rows = [{"frames": one[:1], "bands": one[1:]} for one in map(shape, lengths)]
    return {"samples": lengths, "rows": rows, "as long as one": outcome_of(shape, 256)}


@check(
    "Digital silence between tones is floored at 1e-10, so that nothing is infinite.",
    zh="音之间的数字静音以 1e-10 为下限，不会出现无穷。",
    close=FEATURES,
)
def silence_between_tones(log_mel, rng):
    recording = drawn.recording(rng, lengths=(3, 3), gaps=(0.09, 0.1))
    time = np.arange(len(recording.samples)) / 8000
    sounding = sum((begin <= time) & (time < end) for begin, end in recording.spans)
    return log_mel((recording.samples * sounding).astype(np.float32), 8000)


@check(
    "A recording that stays below the floor gives zeros; the faintest that rises above does not.",
    zh="整段都低于下限的录音，特征全为零；只要略高于下限，哪怕极轻，也不是零。",
    close=FAINT,
)
def nothing_gives_zeros(log_mel, rng, rig):
    noise = rng.normal(size=2000)
    noise /= np.sqrt(rig.energies(noise).max())
    quiet = {"nothing": 0.0, "a little above": 1.3e-10, "a little below": 0.7e-10}
    return {
        name: log_mel((noise * np.sqrt(energy)).astype(np.float32), 8000)
        for name, energy in quiet.items()
    }


# --- ctc_collapse -------------------------------------------------------------------------


@check(
    "Repeats are merged, then blanks are removed; the labels keep their order.",
    zh="先合并重复，再去掉 blank；标签顺序不变。",
    close=0,
)
def merges_then_removes(ctc_collapse, rng):
    return [list(ctc_collapse(drawn.path(rng, 12, 0, [1, 2, 3, 11]))) for _ in range(4)]


@check(
    "A blank between two equal labels keeps them two; without one they are one.",
    zh="两个相同标签之间有 blank 就算两个，没有就算一个。",
    close=0,
)
def a_blank_keeps_them_apart(ctc_collapse, rng):
    a, b = rng.choice(np.arange(1, 9), 2, replace=False).tolist()
    return [list(ctc_collapse(path)) for path in ([a, 0, a], [a, a], [a, b, a], [a, 0, 0, a, a])]


@check(
    "The blank is the one given, be it 0, the last class or one between.",
    zh="blank 以传入的为准，可以是 0、最后一类或中间某一类。",
    close=0,
)
def the_blank_is_given(ctc_collapse, rng):
    blank = int(rng.integers(1, 4))
    return [
        list(ctc_collapse(drawn.path(rng, 9, blank, [0, 4, 5]), blank=blank)),
        list(ctc_collapse([0, *drawn.path(rng, 9, 5, [1, 2])], blank=5)),
    ]


@check(
    "Lists, arrays and tensors give whole numbers; nothing but blanks gives nothing.",
    zh="列表、数组、张量都能用，返回整数；全是 blank 则返回空列表。",
    close=0,
)
def any_form_of_path(ctc_collapse, rng):
    path = np.array(drawn.path(rng, 8, 0, [1, 2, 3]))
    forms = ("list", "array", "tensor")
    results = in_forms(lambda some: list(ctc_collapse(some)), path, forms=forms)
    empty = list(ctc_collapse([0] * int(rng.integers(1, 5))))
    return {**results, "whole numbers": are_whole(results["array"]), "blanks": empty}


# --- ctc_loss -----------------------------------------------------------------------------


@check(
    "The loss is −log of the sum over all paths that collapse to the target.",
    zh="损失等于所有能合并成目标的路径概率之和，取负对数。",
    close=CLOSE,
    weight=2,
)
def sums_over_all_paths(ctc_loss, rng):
    found = []
    for length, frames in ((1, 1), (1, 4), (2, 5), (3, 7)):
        target = (rng.permutation(4)[:length] + 1).tolist()
        found.append(ctc_loss(drawn.log_probs(rng, frames, 5), target))
    return found


@check(
    "Between two equal labels there must be a blank.",
    zh="两个相同标签之间必须隔一个 blank。",
    close=CLOSE,
)
def repeats_need_a_blank(ctc_loss, rng):
    targets = ([1, 1], [2, 2, 2], [1, 2, 2, 1], [3, 1, 1])
    return [ctc_loss(drawn.log_probs(rng, 7, 4), target) for target in targets]


@check(
    "A target that does not fit into the frames has an infinite loss; one that just fits has not.",
    zh="帧数放不下的目标，损失为无穷大；刚好放得下的则不是。",
    close=CLOSE,
)
def too_few_frames(ctc_loss, rng):
    cases = ((2, [1, 2, 3]), (2, [1, 1]), (3, [2, 2, 1]), (4, [1, 1, 2]))
    losses = [ctc_loss(drawn.log_probs(rng, frames, 4), target) for frames, target in cases]
    return [float(loss) for loss in losses]


@check(
    "Hundreds of frames do not underflow.",
    zh="几百帧也不会下溢。",
    close=CLOSE,
)
def long_recordings(ctc_loss, rng):
    target = rng.integers(1, 12, 60).tolist()
    return ctc_loss(drawn.log_probs(rng, 400, 12), target)


@check(
    "The blank is the one given, and an empty target is made of blanks alone.",
    zh="blank 以传入的为准；空目标全由 blank 组成。",
    close=CLOSE,
)
def blank_and_empty_target(ctc_loss, rng):
    return [
        ctc_loss(drawn.log_probs(rng, 6, 5), [0, 2, 2], blank=4),
        ctc_loss(drawn.log_probs(rng, 6, 5), [0, 4], blank=2),
        ctc_loss(drawn.log_probs(rng, 5, 4), []),
    ]


# --- normalise_text -----------------------------------------------------------------------


@check(
    "Case goes, and each mark of punctuation becomes a space.",
    zh="大小写统一，每个标点换成空格。",
    close=0,
)
def case_and_marks(normalise_text, rng):
    words = ("Press", "TWENTY-one", "e.g.", "Gate_5", "(Zero)", "#4", "well...", "Maß")
    marks = (", ", "! ", " - ", "? ", "; ", "/", ": ", " & ")
    return normalise_text(drawn.between(rng, words, marks))


@check(
    "Chinese and full-width punctuation becomes a space as well.",
    zh="中文标点和全角标点同样换成空格。",
    close=0,
)
def chinese_marks(normalise_text, rng):
    words = ("请按", "一－二", "二＿零", "井号键", "谢谢．再见", "再见", "你好", "喂")
    marks = ("，", "。", "、", "！", "」", "……", "——", "：")
    return normalise_text("“" + drawn.between(rng, words, marks))


@check(
    "First, NFKC makes one of full-width and half-width, composed and decomposed letters.",
    zh="首先用 NFKC 统一全角与半角、组合与分解的字符。",
    close=0,
)
def one_form_of_letters(normalise_text, rng):
    words = ("ＡＢＣ", "１２３", "ｱ", "cafe\u0301", "ﬁve", "㈱", "x²", "tea™")
    return normalise_text(" ".join(drawn.mixed(rng, *words)))


@check(
    "Runs of any white space become one space, with none at the ends.",
    zh="任意空白连成一个空格，首尾不留。",
    close=0,
)
def white_space(normalise_text, rng):
    blanks = ("  ", "\t", "\n", "\u3000", "\u00a0 ", " \r\n")
    return normalise_text("\u3000" + drawn.between(rng, "abCdEf", blanks))


@check(
    "An apostrophe between two letters or digits stays, and is straight; others go.",
    zh="夹在两个字母或数字之间的撇号保留，统一成直撇号；其他撇号去掉。",
    close=0,
)
def apostrophes(normalise_text, rng):
    words = ("don't", "o’clock", "'quoted'", "‘so’", "dogs'", "rock'n'roll", "’90s", "I’m", "5'6",
             "so''called", "m‘coy", "e'_f")  # fmt: skip
    return normalise_text(" ".join(drawn.mixed(rng, *words)))


@check(
    "Nothing else changes: numbers are not spelt out, signs and accents stay.",
    zh="其余一概不动：数字不展开，符号和重音保留。",
    close=0,
)
def nothing_else_changes(normalise_text, rng):
    words = ("21", "3.5", "naïve", "$5", "a+b", "第3号", "5°", "x=y", "Ümit", "Maß")
    return normalise_text(" ".join(drawn.mixed(rng, *words)))


# --- wer, cer -----------------------------------------------------------------------------


@check(
    "The word error rate is all edits over all words of the references.",
    zh="词错误率 = 全部编辑次数 / 全部参考词数。",
    close=EXACT,
    weight=2,
)
def wer_of_a_corpus(wer, rng):
    a, b, c = drawn.mixed(rng, *drawn.WORDS)[:3]
    # A word at the end of one text and at the beginning of the next: two edits, not none.
    return [wer(*drawn.corpus(rng, drawn.WORDS, " ")) for _ in range(3)] + [
        wer([f"{a} {b}", c], [a, f"{b} {c}"])
    ]


@check(
    "A word dropped, put in or exchanged is one edit each, wherever it stands.",
    zh="漏一个词、多一个词、换一个词，无论在哪里都只算一次编辑。",
    close=EXACT,
)
def each_is_one_edit(wer, rng):
    said = [str(word) for word in rng.permutation(int(rng.integers(6, 15)))]
    place = int(rng.integers(1, 5))
    before, after = said[:place], said[place:]
    heard = {
        "dropped": before + after[1:],
        "put in": [*before, "x", *after],
        "exchanged": [*before, "x", *after[1:]],
    }
    return {edit: wer([" ".join(said)], [" ".join(words)]) for edit, words in heard.items()}


@check(
    "The character error rate counts characters, Chinese ones too.",
    zh="字错误率按字符计，中文也一样。",
    close=EXACT,
    weight=2,
)
def cer_of_a_corpus(cer, rng):
    mixed = tuple("一二三四aB5")
    return [cer(*drawn.corpus(rng, mixed, "")), cer(*drawn.corpus(rng, drawn.WORDS, " "))]


@check(
    "White space is no character and, however much there is, no word.",
    zh="空白不算字符；再多空白也不算词。",
    close=EXACT,
)
def blanks_are_nothing(cer, wer, rng):
    said, heard = drawn.corpus(rng, tuple("一二三四五"), "")
    a, b = drawn.corpus(rng, drawn.WORDS, " ")
    return [
        cer(said, [" ".join(text) for text in heard]),
        cer(said, ["\u3000\n\t\u3000".join(text) for text in heard]),
        wer(a, [f"  {text.replace(' ', '   ')} " for text in b]),
        wer(a, [text.replace(" ", "\t") for text in b]),
    ]


@check(
    "More may be wrong than was said: the rate can exceed 1.",
    zh="错的可以比说的还多：错误率可以大于 1。",
    close=EXACT,
)
def can_exceed_one(wer, cer, rng):
    words = " ".join(rng.choice(drawn.WORDS, int(rng.integers(6, 10))))
    more = [wer(["hello"], [words]), cer(["好"], ["一二三四"[: int(rng.integers(3, 5))]])]
    return {"more heard than said": more, "less": wer([words], ["hello"])}


@check(
    "Words heard in silence count, and so does silence where words were said.",
    zh="静音里听出来的词要计错，说了却没听到的也要计错。",
    close=EXACT,
)
def silence_counts(wer, cer, rng):
    count, others = (int(number) for number in rng.integers(3, 9, 2))
    found = {"as much in silence": [], "not heard": []}
    for rate, words, joiner in ((wer, drawn.WORDS, " "), (cer, tuple("一二三四五"), "")):
        said, heard, missed = (
            joiner.join(rng.choice(words, size)) for size in (count, count, others)
        )
        found["as much in silence"].append(rate(["", said], [heard, said]))
        found["not heard"].append(rate([said, missed], [said, ""]))
    return found


@check(
    "Texts are compared as they are: case and marks count.",
    zh="文本按原样比较：大小写和标点都算。",
    close=EXACT,
)
def compared_as_they_are(wer, cer, rng):
    said = rng.choice(drawn.WORDS, int(rng.integers(5, 9))).tolist()
    many = int(rng.integers(1, 5))
    changes = {"case": str.title, "marks": lambda word: word + rng.choice(list(".,!。"))}
    return {
        kind: [rate([" ".join(said)], [" ".join([*map(change, said[:many]), *said[many:]])])
               for rate in (wer, cer)]
        for kind, change in changes.items()
    }  # fmt: skip


@check(
    "Lists of unequal length raise ValueError.",
    zh="两个列表长度不等，抛出 ValueError。",
    close=EXACT,
)
def unequal_lists_are_refused(wer, cer):
    lists = ["one", "two"], ["one"]
    return [outcome_of(rate, *pair) for rate in (wer, cer) for pair in (lists, lists[::-1])]


# --- train_recogniser ---------------------------------------------------------------------


@check(
    "The first loss is CTC's: logarithms, true lengths, padding not counted.",
    zh="第一步的损失就是 CTC 损失：用对数概率和真实长度，填充不算。",
    close=relative(2e-3),
)
def first_loss(train_recogniser, rng, rig):
    features, labels = rig.examples(3, "train", rng, lengths=(3, 4))
    longer = rig.examples(3, "train", rng, lengths=(7, 8))
    model = rig.recogniser(rng).eval()
    losses = train_recogniser(model, features + longer[0], labels + longer[1], 2, 6)
    return float(losses[0])


@check(
    "There is a loss for each step of batch_size recordings, drawn at random, and every weight "
    "learns, in training mode.",
    zh="每步随机抽 batch_size 段录音，返回一个损失；所有权重都在训练模式下更新。",
    close=0,
)
def every_step_learns(train_recogniser, rng, rig):
    size, steps = int(rng.integers(4, 7)), int(rng.integers(6, 10))
    features, labels = rig.examples(2 * size, "train", rng)
    model = rig.recogniser(rng).eval()
    before, passes = state_of(model), watch(model, lambda x: [len(x), float(x.abs().sum())])
    losses = train_recogniser(model, features, labels, steps=steps, batch_size=size, lr=1e-2)
    finite = [bool(np.isfinite(float(loss)) and float(loss) > 0) for loss in losses]
    rows, sums = zip(*(note["rows"] for note in passes), strict=True)
    return {
        "losses": finite,
        "moved": sorted(moved(model, before)),
        "recordings a step": sorted(set(rows)),
        # One after another, they make two groups, and these again and again.
        "drawn anew": len(np.unique(np.log(sums).round(3))) > 2,
    }


@check(
    "The steps are AdamW's, gradients clipped to 5, at a rate that goes up to lr and down again.",
    zh="优化器是 AdamW，梯度裁剪到 5，学习率升到 lr 再降下来。",
    close=0.01,
)
def steps_are_clipped_adamws(train_recogniser, rng, rig):
    steps = int(rng.integers(16, 25))
    features, labels = rig.examples(4, "train", rng, lengths=(2, 3))
    model = rig.recogniser(rng)
    model.out.weight.data *= 100  # for gradients that want clipping
    with rig.steps_of(model) as seen:
        train_recogniser(model, features, labels, steps=steps, batch_size=4, lr=0.01)
    kinds, norms, rates = (list(values) for values in zip(*seen, strict=True))
    peak = max(rates)
    raw = rig.slopes(model, train_recogniser, features[:1] * 4, labels[:1] * 4)
    return {
        "AdamW": set(kinds) == {"AdamW"},
        "steps": len(kinds),
        "first norm": norms[0],
        "largest norm": max(norms),
        "up to lr": 0.007 < peak < 0.01001,
        "up and down": rates[0] < 0.9 * peak and rates[-1] < 0.5 * peak,
        "gradient of step 3 over step 1, nothing learnt": raw[-1] / raw[0],
    }


@check(
    "It reads keys that it has not heard before: the word error rate on the test part.",
    zh="没听过的按键也能认：看测试集上的词错误率。",
    expect=at_most(LEARNED),
    weight=2,
    costly=True,
)
def reads_unheard_keys(train_recogniser, rng, rig):
    model = rig.recogniser(rng)
    train_recogniser(model, *rig.examples(800, "train", rng))
    return rig.error_rate(model, *rig.examples(100, "test", rng))


# --- mended_transcribe --------------------------------------------------------------------


@fixture
def call(reader, rng, rig):
    """Recordings at two rates, a network whose classes are in an order of its own, and names."""
    return rig.call(reader, rng)


_READING = ("resample", "log_mel", "ctc_collapse")


def _transcribe(mended_transcribe, call, language):
    model, recordings, vocabulary = call
    return mended_transcribe(model, recordings(language), vocabulary(language), language)


@check(
    "Recordings of any rate become the text that was keyed, just as the vocabulary writes it.",
    zh="任何采样率的录音都转成所按的内容，写法与词表完全一致。",
    close=0,
    rests_on=_READING,
    weight=2,
)
def texts_of_a_call(mended_transcribe, call):
    return list(_transcribe(mended_transcribe, call, "en")["texts"])


@check(
    "English scores by words, over the whole corpus and after normalising both sides.",
    zh="英文按词计分：两边都先规范化，再在整个语料上统计。",
    close=EXACT,
    rests_on=(*_READING, "normalise_text", "wer"),
)
def english_by_words(mended_transcribe, call):
    return _transcribe(mended_transcribe, call, "en")["error_rate"]


@check(
    "Chinese has no blanks in its texts and scores by characters.",
    zh="中文文本里没有空格，按字计分。",
    close=EXACT,
    rests_on=(*_READING, "normalise_text", "cer"),
)
def chinese_by_characters(mended_transcribe, call):
    return _transcribe(mended_transcribe, call, "zh")


@check(
    "The network reads one recording at a time, in evaluation mode and without gradients, and "
    "nothing in it moves.",
    zh="网络每次只读一段录音，用评估模式，不记梯度，内部没有任何变化。",
    close=0,
    rests_on=_READING,
)
def reads_in_evaluation_mode(mended_transcribe, call):
    call[0].train()
    before, passes = state_of(call[0]), watch(call[0])
    texts = list(_transcribe(mended_transcribe, call, "en")["texts"])
    kinds = {name: sorted({note[name] for note in passes}) for name in ("rows", "training", "grad")}
    return {"texts": texts, "moved": moved(call[0], before), **kinds}


@check(
    "What the network gets are the features of task 2, in float32, at 8,000 samples a second.",
    zh="网络收到的是任务 2 的特征，float32，每秒 8000 个样本。",
    close=0.1,
    rests_on=("resample", "log_mel"),
)
def the_network_gets_features(mended_transcribe, call):
    model, recordings, vocabulary = call
    some = recordings("en")[2:4]  # the first at 8,000, the second at twice that
    calls = watch(model, lambda x: x.detach().clone())
    mended_transcribe(model, some, vocabulary("en"), "en")
    got = [call["rows"] for call in calls]
    seconds = [len(recording["samples"]) / recording["rate"] for recording in some]
    return {
        "shapes": [list(x.shape) for x in got],
        "types": [str(x.dtype) for x in got],
        "frames": [x[0, 3:6] for x in got],
        "frames a second": [len(x[0]) / time for x, time in zip(got, seconds, strict=True)],
    }
