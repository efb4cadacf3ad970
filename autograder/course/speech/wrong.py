"""Known-wrong answers for `speech`, each one misconception; many are the documents' own."""

import itertools
import re
import string
import unicodedata

import numpy as np
from transformers.audio_utils import mel_filter_bank

from autograder.checks import wrong

from . import reference
from .bent import (
    edits,
    features,
    loss,
    normal,
    pairs,
    share,
    standard,
    train,
    triangles,
)

# --- resample -----------------------------------------------------------------------------


@wrong(
    "resample",
    "Returns the samples as they are, whatever their rate.",
    zh="不管采样率，样本原样返回。",
    caught_by="length_follows_the_rates",
    errata=("E190",),
    step="There must be ⌈N · target_rate / rate⌉ samples.",
    step_zh="应有 ⌈N · target_rate / rate⌉ 个样本。",
)
def never_asks_the_rate(samples, rate, target_rate):
    return samples.copy()


@wrong(
    "resample",
    "Filters too little, or not at all: high tones come back as low ones.",
    zh="没有滤波或滤得不够：高音混叠成低音。",
    caught_by="high_tones_are_removed",
    looks_like=lambda seen: max(row["left of the high"] for row in seen) > 0.03,
    step="Low-pass at half the lower rate before samples are dropped; straight lines are none.",
    step_zh="丢样本之前，先在较低采样率的一半处做低通；直线插值不算。",
)
def drops_samples(samples, rate, target_rate):
    return samples[(np.arange(-(-len(samples) * target_rate // rate)) * rate // target_rate)]


def _only_moved(seen):
    """Whether all tones are as high as they were, and some in another place."""
    heard, played = (np.asarray(seen[name])[:, :2] @ [1, 1j] for name in ("heard", "played"))
    found = heard / played
    return bool(np.all(np.abs(np.abs(found) - 1) < 0.06) and np.any(np.abs(found - 1) > 0.06))


@wrong(
    "resample",
    "Tones keep their height, but not their place in time: a filter's delay, or a drift.",
    zh="音的幅度不变，时间位置却变了：滤波器的延迟，或逐渐漂移。",
    caught_by="low_tones_are_kept",
    looks_like=_only_moved,
    step="Use a filter without delay, or take the delay off.",
    step_zh="用零相位的滤波，或把延迟扣掉。",
)
def comes_late(samples, rate, target_rate):
    heard = reference.resample(samples, rate, target_rate)
    return np.concatenate([np.zeros(target_rate // 2000), heard])[: len(heard)]


@wrong(
    "resample",
    "Has one sample too few where the number is no whole one: rounds it down, or to the nearest.",
    zh="样本数不是整数时少了一个：向下取整或四舍五入了。",
    caught_by="length_follows_the_rates",
    step="Round the number of samples up.",
    step_zh="样本数要向上取整。",
)
def rounds_down(samples, rate, target_rate):
    return reference.resample(samples, rate, target_rate)[: len(samples) * target_rate // rate]


# --- log_mel ------------------------------------------------------------------------------


@wrong(
    "log_mel",
    "Returns the Fourier spectrum: no mel bands, and one column too many for the network.",
    zh="只做了傅里叶变换，没有梅尔频带，列数也对不上网络。",
    caught_by="whole_frames_only",
    errata=("E186",),
    step="Sum the power with the triangles of the mel bands.",
    step_zh="用梅尔频带的三角权重对功率求和。",
)
def spectrum_only(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, float), n_fft)[::hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    return standard(np.log(np.maximum(np.abs(np.fft.rfft(frames * window)) ** 2, 1e-10)))


@wrong(
    "log_mel",
    "The features have another mean than 0 or another deviation than 1, as where 0 is "
    "subtracted and 1 divided by.",
    zh="特征的均值不是 0 或标准差不是 1，例如只减 0 除以 1，等于什么都没做。",
    caught_by="features_of_keys",
    looks_like=lambda seen: (
        abs(np.mean(seen["keys"])) > 0.01 or abs(np.std(seen["keys"]) - 1) > 0.01
    ),
    errata=("E187",),
    step="Subtract the mean of this recording and divide by its deviation.",
    step_zh="减去本段录音的均值，除以它的标准差。",
)
def normalises_with_0_and_1(*given, **options):
    return features(*given, **options, after=lambda x: (x - 0.0) / 1.0)


@wrong(
    "log_mel",
    "Sums magnitudes where it should sum their squares.",
    zh="该对模的平方求和，却对模求了和。",
    caught_by="features_of_keys",
    step="Square the magnitudes before the mel bands.",
    step_zh="进梅尔频带之前先平方。",
)
def magnitude_not_power(*given, **options):
    return features(*given, **options, power=1)


def _other_frames(seen):
    """Whether there are as many bands as asked for, and not as many frames."""
    whole = [[(size - 128) // 128] for size in seen["samples"]]
    frames, bands = ([row[name] for row in seen["rows"]] for name in ("frames", "bands"))
    return frames != whole and all(row == [32] for row in bands)


@wrong(
    "log_mel",
    "Takes more frames than are whole, as where the ends are padded, or leaves out the last.",
    zh="帧数不对：两端做了填充，帧就多了；或最后一个完整的帧漏掉了。",
    caught_by="whole_frames_only",
    looks_like=_other_frames,
    step="Nothing is padded (torch.stft: center=False), and the last frame begins at N − n_fft.",
    step_zh="不做填充（torch.stft 要设 center=False）；最后一帧可以从 N − n_fft 开始。",
)
def pads_at_the_ends(*given, **options):
    return features(*given, **options, padded=True)


def _is_each_by_itself(features):
    return any(np.abs(np.mean(features, axis)).max() < 1e-3 for axis in (0, 1))


@wrong(
    "log_mel",
    "Standardises each band, or each frame, by itself.",
    zh="每个频带（或每一帧）各自标准化。",
    caught_by="features_of_keys",
    looks_like=lambda seen: _is_each_by_itself(seen["keys"]),
    step="One mean and one deviation for the whole recording.",
    step_zh="整段录音只用一个均值和一个标准差。",
)
def each_band_by_itself(*given, **options):
    return features(*given, **options, after=lambda x: standard(x, 0))


def _is_line(one, other):
    """Whether some numbers are others, but for a positive factor and an amount added."""
    slope, offset = np.polyfit(other, one, 1)
    return slope > 1e-3 and np.abs(one - slope * other - offset).max() < 1e-3 * np.ptp(one)


def _told_by_clicks(seen):
    """What the features of clicks are of: one for each sample of the window, and for each band."""
    found, at = np.asarray(seen["clicks"]), np.asarray(seen["at"])
    is_sum = np.ptp(found - found[:, :1], axis=0).max() < 1e-3
    by_window = [_is_line(band, np.log(np.sin(np.pi * at / 256))) for band in found.T]
    return found, is_sum and not _is_each_by_itself(seen["keys"]), by_window


def _is_another_window(seen):
    _, is_sum, by_window = _told_by_clicks(seen)
    return is_sum and not any(by_window)


def _are_other_bands(seen):
    """Whether each click follows the window, where anything is heard, and bands do not theirs."""
    found, is_sum, by_window = _told_by_clicks(seen)
    empty = np.ptp(found, axis=0) < 1e-6
    weights = np.log(triangles(8000, 256, 32, 300, 2000).sum(axis=0))
    follows = np.all(by_window | empty) and (is_sum or empty.any())
    return follows and (empty.any() or not _is_line(found.mean(axis=0), weights))


@wrong(
    "log_mel",
    "A click does not count as much as the periodic Hann window says: it is the symmetric one, as "
    "np.hanning's, another, or none.",
    zh="单个脉冲的权重与周期 Hann 窗不符：用了对称窗（np.hanning 就是）、别的窗，或没有加窗。",
    caught_by="features_of_keys",
    step="Multiply each frame by the window of the formula: it divides by n_fft, not by n_fft − 1.",
    step_zh="每帧乘以公式里的窗：分母是 n_fft，不是 n_fft − 1。",
    looks_like=_is_another_window,
)
def symmetric_window(samples, rate, n_fft=256, *given, **options):
    return features(samples, rate, n_fft, *given, **options, period=n_fft - 1)


@wrong(
    "log_mel",
    "The bands weigh a click, which holds all frequencies alike, otherwise than the formulas do: "
    "edges or triangles of another scale (librosa's default is Slaney's), rounded to Fourier bins, "
    "or divided by their width.",
    zh="脉冲含有等量的所有频率，而各频带给它的权重与公式不符：边界或三角形用了别的刻度"
    "（librosa 默认是 Slaney）、对齐到了频点，或除以了带宽。",
    caught_by="features_of_keys",
    step="Edges evenly in HTK's mel, back in hertz; triangles straight in hertz, 1 at the top.",
    step_zh="边界在 HTK 梅尔刻度上等距，换回赫兹；三角形按赫兹线性变化，顶点为 1。",
    looks_like=_are_other_bands,
)
def bands_of_slaney(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    filters = mel_filter_bank(n_fft // 2 + 1, n_mels, low, high, rate, "slaney", "slaney")
    return features(samples, rate, n_fft, hop, bands=filters)


@wrong(
    "log_mel",
    "Takes no logarithm.",
    zh="没有取对数。",
    caught_by="features_of_keys",
    step="The logarithm of max(energy, 1e-10), before it is standardised.",
    step_zh="先取 max(能量, 1e-10) 的对数，再标准化。",
)
def no_logarithm(*given, **options):
    return features(*given, **options, after=lambda x: standard(np.exp(x)))


def _is_unused(seen):
    given, *others = map(np.asarray, seen.values())
    return any(x.shape == given.shape and np.allclose(x, given, atol=1e-3) for x in others)


@wrong(
    "log_mel",
    "One of rate, n_fft, hop, n_mels, low and high changes nothing, or several do not.",
    zh="rate、n_fft、hop、n_mels、low、high 中，有的改了也不起作用。",
    caught_by="features_with_other_settings",
    step="Use the arguments, and no numbers of your own in their place.",
    step_zh="用传入的参数，不要写死数字。",
    looks_like=_is_unused,
)
def limits_of_its_own(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    return features(samples, rate, n_fft, hop, n_mels)


def _is_heard(features):
    return bool(np.ptp(features) > 0.1)


@wrong(
    "log_mel",
    "The floor is not the larger of a band’s energy and 1e-10: it is another, added, or missing; "
    "or the energy itself is scaled otherwise.",
    zh="下限不是取频带能量与 1e-10 中较大的：换了别的值，或是加上去的，或没有设；"
    "也可能是能量本身差了倍数。",
    caught_by="nothing_gives_zeros",
    looks_like=lambda seen: _is_heard(seen["a little above"]) == _is_heard(seen["a little below"]),
    step="max(energy, 1e-10) of the sum over a band, before the logarithm; not their sum.",
    step_zh="频带求和之后、取对数之前，取 max(能量, 1e-10)，不是相加。",
)
def another_floor(*given, **options):
    return features(*given, **options, floor=1e-6)


@wrong(
    "log_mel",
    "A recording of nothing does not give zeros: it is divided by a deviation of 0, or nearly.",
    zh="全静音的录音没有得到零：除以了等于 0（或几乎为 0）的标准差。",
    caught_by="nothing_gives_zeros",
    looks_like=lambda seen: not np.abs(seen["nothing"]).max() < 0.01,
    step="If the deviation is below 1e-5, return zeros.",
    step_zh="标准差小于 1e-5 时直接返回零。",
)
def divides_by_nothing(*given, **options):
    def after(x):
        with np.errstate(invalid="ignore"):
            return (x - x.mean()) / x.std()

    return features(*given, **options, after=after)


# --- ctc_collapse -------------------------------------------------------------------------


@wrong(
    "ctc_collapse",
    "Leaves out a step: repeats stay, blanks stay, or the path as it is, a label for each frame.",
    zh="少了一步：重复没合并，blank 没去掉，或路径原样返回，每帧一个标签。",
    caught_by="a_blank_keeps_them_apart",
    looks_like=lambda seen: len(seen[1]) == 2 or 0 in seen[0],
    errata=("E193",),
    step="Merge repeats, then remove blanks.",
    step_zh="先合并重复，再去掉 blank。",
)
def names_every_frame(path, blank=0):
    return [int(label) for label in path]


@wrong(
    "ctc_collapse",
    "Joins ids as if they were letters: a text comes out where labels are asked for.",
    zh="把编号当成字母直接拼起来：要的是标签列表，给的是文本。",
    caught_by="merges_then_removes",
    looks_like=lambda seen: any(isinstance(label, str) for path in seen for label in path),
    errata=("E191",),
    step="Merge repeats, remove blanks, and return the labels that are left.",
    step_zh="合并重复、去掉 blank，返回剩下的标签。",
)
def joins_the_ids(path, blank=0):
    return "".join(str(int(label)) for label in path)


@wrong(
    "ctc_collapse",
    "Merges equal labels that do not stand side by side: across a blank, as happens where blanks "
    "are removed first, or across other labels as well.",
    zh="不相邻的相同标签也合并了：隔着 blank（先去 blank 再合并就会这样），甚至隔着别的标签。",
    caught_by="a_blank_keeps_them_apart",
    looks_like=lambda seen: len(seen[0]) == len(seen[1]) == 1,
    step="Merge first, remove afterwards.",
    step_zh="先合并，后去 blank。",
)
def blanks_first(path, blank=0):
    return [k for k, _ in itertools.groupby(int(k) for k in path if k != blank)]


@wrong(
    "ctc_collapse",
    "Loses the first label of a path that ends with the same: it is compared with the last.",
    zh="路径首尾标签相同时，第一个标签丢了：它和最后一个比了。",
    caught_by="a_blank_keeps_them_apart",
    looks_like=lambda seen: not seen[1] and seen[2],
    step="Nothing stands before the first entry: path[i − 1] is the last one where i is 0.",
    step_zh="第一个元素前面什么也没有：i 为 0 时 path[i − 1] 是最后一个。",
)
def compares_with_the_last(path, blank=0):
    path = [int(label) for label in path]
    return [k for i, k in enumerate(path) if k not in (path[i - 1], blank)]


# --- ctc_loss -----------------------------------------------------------------------------


@wrong(
    "ctc_loss",
    "Skips the blank between two equal labels, which would merge.",
    zh="两个相同标签之间也跳过了 blank，那样会被合并。",
    caught_by="repeats_need_a_blank",
    step="Two places at once only if the labels there differ.",
    step_zh="前两位的标签不同，才能一次跨两位。",
)
def skips_over_repeats(log_probs, target, blank=0):
    return loss(log_probs, target, blank, skip=True)


@wrong(
    "ctc_loss",
    "Passes through a blank between any two labels.",
    zh="任何两个标签之间都非得经过 blank。",
    caught_by="sums_over_all_paths",
    step="From one label straight to another, different one is allowed.",
    step_zh="可以从一个标签直接到另一个不同的标签。",
)
def never_skips(log_probs, target, blank=0):
    return loss(log_probs, target, blank, skip=False)


@wrong(
    "ctc_loss",
    "Takes the best path where it should sum over all.",
    zh="只取了最好的一条路径，没有对所有路径求和。",
    caught_by="sums_over_all_paths",
    step="Combine by log-sum-exp, not by the maximum.",
    step_zh="合并要用 log-sum-exp，而不是最大值。",
)
def best_path_only(log_probs, target, blank=0):
    return loss(log_probs, target, blank, join=np.maximum)


@wrong(
    "ctc_loss",
    "Writes a frame's row over the one before it, from left to right: places that come later "
    "build on new values where old ones belong.",
    zh="新一帧直接写在上一帧那一行上，从左到右：后面的位置用到了新值，本该用旧值。",
    caught_by="sums_over_all_paths",
    step="Fill a new row from the old one, and only then let it take its place.",
    step_zh="由旧行算出一整行新的，算完再替换。",
)
def row_in_place(log_probs, target, blank=0):
    places = [blank, *(k for label in target for k in (label, blank))]
    row = np.concatenate([[-np.inf] * 2, log_probs[0, places[:2]], [-np.inf] * len(places)])
    for frame in log_probs[1:]:
        for s, label in enumerate(places, 2):
            may = s > 3 and label not in (blank, places[s - 4])
            row[s] = np.logaddexp.reduce([row[s], row[s - 1], row[s - 2] if may else -np.inf])
            row[s] += frame[label]
    return -np.logaddexp.reduce(row[len(places) + 2 - min(2, len(places)) : len(places) + 2])


def _is_made_up(losses):
    return np.ptp(losses) < 1e-6 or min(losses) > 1e4


@wrong(
    "ctc_loss",
    "Returns a number where the target does not fit: 0, as zero_infinity does, or a large one.",
    zh="放不下时返回了一个数：0（zero_infinity 就是这样），或一个很大的数。",
    caught_by="too_few_frames",
    looks_like=lambda seen: np.isfinite(seen).all() and _is_made_up(seen[:3]),
    step="Return infinity: no path gives this target.",
    step_zh="返回无穷大：没有路径能给出这个目标。",
)
def hides_what_is_impossible(log_probs, target, blank=0):
    found = loss(log_probs, target, blank)
    return found if np.isfinite(found) else 0.0


@wrong(
    "ctc_loss",
    "Counts only the paths that begin, or end, with a blank.",
    zh="只算了以 blank 开头（或结尾）的路径。",
    caught_by="sums_over_all_paths",
    looks_like=lambda seen: np.isinf(seen[0]) and np.isfinite(seen[1:]).all(),
    step="A path may begin with the first label, and end with the last: add both.",
    step_zh="路径也可以从第一个标签开始，停在最后一个标签：两种都要加上。",
)
def must_begin_with_a_blank(log_probs, target, blank=0):
    return loss(log_probs, target, blank, begins=slice(1))


# --- normalise_text -----------------------------------------------------------------------


@wrong(
    "normalise_text",
    "Leaves some marks: Chinese ones, or those inside words, such as hyphens.",
    zh="有些标点没去掉：中文标点，或夹在词中间的，例如连字符。",
    caught_by="chinese_marks",
    looks_like=lambda seen: any(unicodedata.category(letter)[0] == "P" for letter in seen),
    step="Ask Unicode: every category that begins with P.",
    step_zh="查 Unicode 类别：凡是 P 开头的都算。",
)
def ascii_marks_only(text):
    return normal(text, marks=string.punctuation)


@wrong(
    "normalise_text",
    "Does not just lower the case: capitals stay, or casefold makes ss of ß.",
    zh="大小写处理不对：大写还在，或 casefold 把 ß 变成了 ss。",
    caught_by="case_and_marks",
    looks_like=lambda seen: seen != seen.lower() or "ß" not in seen,
    step="text.lower(), after NFKC.",
    step_zh="NFKC 之后用 text.lower()。",
)
def folds_the_case(text):
    return normal(text.casefold())


@wrong(
    "normalise_text",
    "Deletes marks, so that words on both sides grow together.",
    zh="标点直接删掉，两边的词粘在一起。",
    caught_by="case_and_marks",
    step="Put a space where the mark was.",
    step_zh="标点处换成空格。",
)
def marks_vanish(text):
    return normal(text, mark="")


@wrong(
    "normalise_text",
    "Full-width letters stay, é is two characters, or ™ becomes a TM in capitals: no form of "
    "Unicode’s, another than NFKC, or that one only after lower case.",
    zh="全角字母还在，é 成了两个字符，或 ™ 成了大写的 TM：没有规范化，用的不是 NFKC，"
    "或转小写之后才做。",
    caught_by="one_form_of_letters",
    looks_like=lambda seen: (
        "ａｂｃ" in seen.lower() or "\u0301" in seen or "abc" in seen != seen.lower()
    ),
    step="NFKC, with K for compatibility, before all else.",
    step_zh="最先做 NFKC，K 表示兼容等价。",
)
def nfc_not_nfkc(text):
    return normal(text, form="NFC")


@wrong(
    "normalise_text",
    "Apostrophes that should stay are gone (“don t”), curly, or those at the edge of a word stay.",
    zh="撇号处理不对：该保留的没了（“don t”），没有换成直的，或词首词尾的也留着。",
    caught_by="apostrophes",
    looks_like=lambda seen: seen.count("'") != 6,
    step="Make them straight; keep those with a letter or digit on both sides, and only those.",
    step_zh="统一换成直撇号；两边都是字母或数字的才保留。",
)
def apostrophes_go(text):
    return normal(text, keep=False)


@wrong(
    "normalise_text",
    "Removes all that is no letter and no digit, signs such as + and $ too.",
    zh="凡不是字母和数字的都去掉，连符号也没了。",
    caught_by="nothing_else_changes",
    looks_like=lambda seen: "+" not in seen and "$" not in seen,
    step="Only what Unicode's category P covers becomes a space: `[^\\w\\s]` also takes + $ °.",
    step_zh="只有 Unicode 类别 P 的字符才换成空格；`[^\\w\\s]` 会把 + $ ° 也去掉。",
)
def signs_go(text):
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    return " ".join(re.sub(r"[^\w\s']|_|(?<!\w)'|'(?!\w)", " ", text).split())


@wrong(
    "normalise_text",
    "Leaves runs of white space, or some at the ends.",
    zh="连续的空白没有合成一个，或首尾还有空白。",
    caught_by="white_space",
    looks_like=lambda seen: seen != " ".join(seen.split()),
    step='" ".join(text.split()) does both.',
    step_zh='" ".join(text.split()) 一步完成。',
)
def blanks_stay(text):
    return normal(text, spaces=False)


# --- wer, cer -----------------------------------------------------------------------------


@wrong(
    "wer",
    "Does not add up edits pair by pair: averages the sentences' rates, so that short ones weigh "
    "as much as long ones, or compares all texts joined into one.",
    zh="没有逐句累加编辑次数：对各句的错误率求平均（短句和长句权重一样了），"
    "或把全部文本连成一条再比。",
    caught_by="wer_of_a_corpus",
    looks_like=lambda seen: seen[3] < 0.01 or abs(seen[3] - 0.75) < 0.01,
    step="Edits of each pair by itself, added up over the corpus, as the words are; divide once.",
    step_zh="逐句求编辑次数，和词数一样在整个语料上累加，只除一次。",
)
def mean_of_the_sentences(references, hypotheses):
    return np.mean([edits(*pair) / max(len(pair[0]), 1) for pair in pairs(references, hypotheses)])


@wrong(
    "wer",
    "Leaves out pairs with an empty reference, or counts that as a word.",
    zh="跳过了参考为空的句子，或把空参考算成一个词。",
    caught_by="silence_counts",
    looks_like=lambda seen: any(x < 0.01 or 0.6 < x < 0.99 for x in seen["as much in silence"]),
    step="What is heard in silence is inserted: count it, and add nothing to the words.",
    step_zh="静音里听出来的是插入错误，要算；空参考的词数就是 0。",
)
def silence_left_out(references, hypotheses):
    return share([pair for pair in pairs(references, hypotheses) if pair[0]])


def _edits_differ(seen):
    """Whether one kind of edit costs a whole number of times what another does."""
    rates = np.array(list(seen.values()))
    counts = rates / rates[rates > 0].min()
    return bool(np.abs(counts - np.round(counts)).max() < 1e-4 and np.ptp(counts) > 0.5)


@wrong(
    "wer",
    "Does not count each insertion, deletion and substitution as one edit.",
    zh="没有把每次插入、删除、替换都算作一次编辑。",
    caught_by="each_is_one_edit",
    looks_like=_edits_differ,
    step="Each costs one; take the least number over all ways to align both sides.",
    step_zh="三种各算一次，在所有对齐方式里取次数最少的。",
)
def a_swap_costs_two(references, hypotheses):
    return share(pairs(references, hypotheses), lambda *pair: edits(*pair, swapped=2))


@wrong(
    "wer",
    "Never exceeds 1: clipped, or divided by the words heard or the longer of both sides.",
    zh="结果不会超过 1：截断了，或除以了听出来的词数、两边中较长的那个。",
    caught_by="can_exceed_one",
    looks_like=lambda seen: min(seen["more heard than said"]) <= 1,
    step="Divide by the words of the references; insertions may outnumber these.",
    step_zh="应除以参考的词数；插入可以比所说的还多。",
)
def divides_by_the_longer(references, hypotheses):
    return share(pairs(references, hypotheses), size=lambda *pair: max(map(len, pair)))


@wrong(
    "wer",
    "Makes both sides alike before it compares them: case, or marks, do not count.",
    zh="比较之前先把两边统一了：大小写或标点不算错。",
    caught_by="compared_as_they_are",
    looks_like=lambda seen: min(map(min, seen.values())) < 1e-6,
    step="Compare the texts as they are; who calls it normalises.",
    step_zh="文本按原样比较；要不要规范化由调用者决定。",
)
def normalises_by_itself(references, hypotheses):
    return share(pairs(map(normal, references), map(normal, hypotheses)))


@wrong(
    "wer",
    "Goes only as far as the shorter list.",
    zh="只比到较短的列表为止。",
    caught_by="unequal_lists_are_refused",
    step="Raise ValueError if the lists differ in length.",
    step_zh="长度不等时抛出 ValueError。",
)
def shorter_list_wins(references, hypotheses):
    return share([(r.split(), h.split()) for r, h in zip(references, hypotheses, strict=False)])


@wrong(
    "cer",
    "Counts white space as characters, all or some of it: “今 天” is not “今天”.",
    zh="把空白（全部或一部分）算作字符：「今 天」不等于「今天」。",
    caught_by="blanks_are_nothing",
    looks_like=lambda seen: abs(seen[1] - seen[0]) > 0.01,  # four blanks each, and one
    step="Take white space out first.",
    step_zh="先去掉空白。",
)
def blanks_are_characters(references, hypotheses):
    return share(pairs(references, hypotheses, str))


@wrong(
    "cer",
    "Splits at blanks: a Chinese sentence is one word, all right or all wrong.",
    zh="按空格切分：一句中文成了一个词，要么全对要么全错。",
    caught_by="cer_of_a_corpus",
    errata=("E193",),
    step="Take the characters, not what stands between blanks.",
    step_zh="按字符，不按空格切分。",
)
def chinese_by_blanks(references, hypotheses):
    return share(pairs(references, hypotheses))


# --- train_recogniser ---------------------------------------------------------------------


@wrong(
    "train_recogniser",
    "Gives the loss raw logits.",
    zh="把原始 logits 交给了损失函数。",
    caught_by="first_loss",
    step="log_softmax first, along the classes.",
    step_zh="先沿类别维做 log_softmax。",
)
def raw_logits(*given, **options):
    return train(*given, **options, score=lambda x: x)


@wrong(
    "train_recogniser",
    "Gives the padded length of all recordings, so that padding is to be read too.",
    zh="对所有录音都用填充后的长度，填充部分也要识别了。",
    caught_by="first_loss",
    step="Give the true number of frames of each.",
    step_zh="传入每段录音真实的帧数。",
)
def padding_counts(*given, **options):
    return train(*given, **options, true=False)


@wrong(
    "train_recogniser",
    "Trains in evaluation mode: batch normalisation learns no statistics.",
    zh="在评估模式下训练：批归一化学不到统计量。",
    caught_by="every_step_learns",
    step="model.train() before the loop.",
    step_zh="循环之前调用 model.train()。",
)
def in_evaluation_mode(*given, **options):
    return train(*given, **options, training=False)


@wrong(
    "train_recogniser",
    "The recordings of a step are not drawn anew from all: they come in turn, or the same in each.",
    zh="每步的录音不是从全部里重新抽的：按次序轮流取，或每步都是同一批。",
    caught_by="every_step_learns",
    looks_like=lambda seen: not seen["drawn anew"],
    step="torch.randperm(len(features))[:batch_size] in each step.",
    step_zh="每步都用 torch.randperm(len(features))[:batch_size] 重新抽。",
)
def never_draws_anew(*given, **options):
    return train(*given, **options, anew=False)


@wrong(
    "train_recogniser",
    "Learns at a hundredth of the rate and stays on the plateau of blanks.",
    zh="学习率只有百分之一，一直停在全是 blank 的平台上。",
    caught_by="reads_unheard_keys",
    step="Let the rate go up to lr.",
    step_zh="让学习率升到 lr。",
)
def hardly_learns(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    return train(model, features, labels, steps, batch_size, lr / 100)


@wrong(
    "train_recogniser",
    "The gradients of a step are not clipped to a norm of 5.",
    zh="更新时的梯度没有按范数裁剪到 5。",
    caught_by="steps_are_clipped_adamws",
    step="Between backward() and step(), clip_grad_norm_ to 5.",
    step_zh="在 backward() 和 step() 之间用 clip_grad_norm_ 裁剪到 5。",
    looks_like=lambda seen: not 4.9 < seen["largest norm"] < 5.1,
)
def never_clips(*given, **options):
    return train(*given, **options, longest=1e9)


@wrong(
    "train_recogniser",
    "The learning rate does not go up to lr and down again.",
    zh="学习率没有先升到 lr 再降下来。",
    caught_by="steps_are_clipped_adamws",
    looks_like=lambda seen: not (seen["up to lr"] and seen["up and down"]),
    step="Let schedule.step() follow each optimizer.step(), over as many steps as there are.",
    step_zh="每次 optimizer.step() 之后调用 schedule.step()，总步数与 steps 一致。",
)
def the_rate_stays(*given, **options):
    return train(*given, **options, follows=False)


@wrong(
    "train_recogniser",
    "Gradients of earlier steps are not cleared, and add up.",
    zh="没有清零，前几步的梯度累加起来了。",
    caught_by="steps_are_clipped_adamws",
    looks_like=lambda seen: seen["gradient of step 3 over step 1, nothing learnt"] > 1.1,
    step="optimizer.zero_grad() in each step, before backward().",
    step_zh="每步 backward() 之前调用 optimizer.zero_grad()。",
)
def never_clears(*given, **options):
    return train(*given, **options, clears=False)


# --- mended_transcribe --------------------------------------------------------------------


_program = reference.mended_transcribe


@wrong(
    "mended_transcribe",
    "Still does not bring a recording to the network's sampling rate.",
    zh="仍然没有把录音换成网络的采样率。",
    caught_by="the_network_gets_features",
    looks_like=lambda seen: seen["frames a second"][1] > 100,
    errata=("E190",),
    step="Bring every recording to 8,000 samples a second first.",
    step_zh="先把每段录音都变成每秒 8000 个样本。",
)
def still_never_asks_the_rate(*given):
    return _program(*given, resample=lambda samples, rate, target_rate: samples)


def _are_no_features(seen):
    """Whether as many numbers come as from recordings of the right rate, and they are others."""
    shapes = [one == [1, one[1], 32] for one in seen["shapes"]]
    return all(shapes) and max(seen["frames a second"]) < 100


@wrong(
    "mended_transcribe",
    "What the network gets are not the features of task 2 of the resampled recording, but for "
    "instance a Fourier spectrum, raw samples, those of samples dropped without a filter, or what "
    "a mean of 0 and a deviation of 1 leave as it is.",
    zh="网络收到的不是重采样之后的任务 2 特征，而是例如傅里叶频谱、原始样本、不滤波就丢样本得到的"
    "特征，或用均值 0、标准差 1「归一化」（等于没做）的结果。",
    caught_by="the_network_gets_features",
    errata=("E186", "E187", "E188"),
    looks_like=_are_no_features,
    step="Give it log_mel of the resampled recording, as float32.",
    step_zh="把重采样之后的录音交给 log_mel，结果转成 float32 再送进网络。",
)
def still_no_features(*given):
    return _program(*given, log_mel=normalises_with_0_and_1)


@wrong(
    "mended_transcribe",
    "Still writes a name for each frame.",
    zh="仍然每帧写一个名字。",
    caught_by="texts_of_a_call",
    errata=("E193",),
    step="Collapse the path before naming.",
    step_zh="先合并路径，再取名字。",
)
def still_a_name_for_each_frame(*given):
    return _program(*given, ctc_collapse=names_every_frame)


@wrong(
    "mended_transcribe",
    "Still joins numbers in place of names.",
    zh="拼起来的仍是数字，不是名字。",
    caught_by="texts_of_a_call",
    errata=("E191",),
    step="Look each label up in the vocabulary.",
    step_zh="每个标签都到词表里查名字。",
)
def still_joins_numbers(model, recordings, vocabulary, language):
    return _program(model, recordings, [str(k) for k in range(len(vocabulary))], language)


@wrong(
    "mended_transcribe",
    "Strips case, or marks, from the text that people read.",
    zh="把给人看的文本也去掉了大小写或标点。",
    caught_by="texts_of_a_call",
    looks_like=lambda seen: "".join(seen).islower() or set("".join(seen)).isdisjoint("!?.,"),
    errata=("E192",),
    step="Normalise for scoring only.",
    step_zh="规范化只用于计分。",
)
def still_strips_what_is_shown(*given):
    shown = _program(*given)
    return {**shown, "texts": [normal(text) for text in shown["texts"]]}


@wrong(
    "mended_transcribe",
    "Scores texts that were not normalised.",
    zh="没有规范化就计分。",
    caught_by="english_by_words",
    errata=("E192",),
    step="Normalise both sides before scoring.",
    step_zh="计分前两边都要规范化。",
)
def still_scores_as_written(*given):
    return _program(*given, normalise_text=str)


@wrong(
    "mended_transcribe",
    "Scores Chinese by what stands between blanks.",
    zh="中文仍按空格切分计分。",
    caught_by="chinese_by_characters",
    errata=("E193",),
    step="Chinese is scored by characters.",
    step_zh="中文按字计分。",
)
def still_chinese_by_blanks(*given):
    return _program(*given, cer=chinese_by_blanks)


@wrong(
    "mended_transcribe",
    "Leaves blanks between Chinese names.",
    zh="中文名字之间留了空格。",
    caught_by="chinese_by_characters",
    looks_like=lambda seen: any(" " in text for text in seen["texts"]),
    step="Join by nothing where the language is zh.",
    step_zh="language 为 zh 时直接相连。",
)
def blanks_in_chinese(model, recordings, vocabulary, language):
    return _program(model, recordings, [f"{name} " for name in vocabulary], language)


@wrong(
    "mended_transcribe",
    "Reads in the mode in which the model came, or keeps gradients.",
    zh="模型传进来是什么模式就用什么模式，或识别时还在记梯度。",
    caught_by="reads_in_evaluation_mode",
    looks_like=lambda seen: seen["training"] == [True] or seen["grad"] == [True],
    step="model.eval() first, and the pass under torch.no_grad().",
    step_zh="先调用 model.eval()，前向放进 torch.no_grad()。",
)
def in_the_mode_it_came(model, *given):
    model.eval = lambda: model
    return _program(model, *given)


@wrong(
    "mended_transcribe",
    "Still averages the recordings' error rates.",
    zh="仍然对各段录音的错误率求平均。",
    caught_by="english_by_words",
    step="One rate for all recordings: give wer, or cer, both whole lists.",
    step_zh="全部录音只有一个错误率：把两个完整的列表交给 wer 或 cer。",
)
def still_averages_the_rates(*given):
    def of_letters(*texts):
        return mean_of_the_sentences(*(map(" ".join, some) for some in texts))

    return _program(*given, wer=mean_of_the_sentences, cer=of_letters)
