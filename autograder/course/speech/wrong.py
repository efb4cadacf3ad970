"""Known-wrong answers for `speech`, each one misconception; many are the documents' own."""

import copy
import itertools
import re
import string
import unicodedata
from math import gcd

import numpy as np
import torch
from scipy import signal
from torch import nn

from autograder.checks import wrong

# --- resample -----------------------------------------------------------------------------


def _poly(samples, rate, target_rate):
    shared = gcd(rate, target_rate)
    return signal.resample_poly(samples, target_rate // shared, rate // shared)


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
    looks_like=lambda seen: max(seen) > 0.1,
    step="Low-pass at half the lower rate before samples are dropped; straight lines are none.",
    step_zh="丢样本之前，先在较低采样率的一半处做低通；直线插值不算。",
)
def drops_samples(samples, rate, target_rate):
    return samples[(np.arange(-(-len(samples) * target_rate // rate)) * rate // target_rate)]


def _only_moved(seen):
    """Whether all tones are as high as they were, and some in another place."""
    found = np.asarray(seen) @ [1, 1j]
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
    delay = target_rate // 2000 if rate != target_rate else 0
    heard = _poly(samples, rate, target_rate)
    return np.concatenate([np.zeros(delay), heard])[: len(heard)]


def _other_height(seen):
    """Whether all tones are in their place in time, and some not as high as they were."""
    found = np.asarray(seen) @ [1, 1j]
    height = np.abs(found)
    return bool(np.all(np.abs(np.angle(found)) < 0.1) and np.any(np.abs(height - 1) > 0.06))


@wrong(
    "resample",
    "Tones come out at another height.",
    zh="音的幅度变了。",
    caught_by="low_tones_are_kept",
    looks_like=_other_height,
    step="Do not scale; where zeros are put between samples, multiply by as many.",
    step_zh="不要缩放；样本间插零的，要乘回相应的倍数。",
)
def changes_height(samples, rate, target_rate):
    return _poly(samples, rate, target_rate) * 32767


@wrong(
    "resample",
    "Has one sample too few where the number is no whole one: rounds it down, or to the nearest.",
    zh="样本数不是整数时少了一个：向下取整或四舍五入了。",
    caught_by="length_follows_the_rates",
    step="Round the number of samples up.",
    step_zh="样本数要向上取整。",
)
def rounds_down(samples, rate, target_rate):
    return _poly(samples, rate, target_rate)[: len(samples) * target_rate // rate]


# --- log_mel ------------------------------------------------------------------------------


def _triangles(rate, n_fft, n_mels, low, high, scale, area=False):
    if scale == "htk":
        mels = np.linspace(*(2595 * np.log10(1 + np.array([low, high]) / 700)), n_mels + 2)
        edges = 700 * (10 ** (mels / 2595) - 1)
    else:
        edges = np.linspace(low, high, n_mels + 2)
    hertz = np.arange(n_fft // 2 + 1) * rate / n_fft
    rows = [np.interp(hertz, edges[i : i + 3], [0, 1, 0]) for i in range(n_mels)]
    return np.stack(rows, 1) * (2 / (edges[2:] - edges[:-2]) if area else 1)


def _standard(x, axis=None):
    spread = x.std(axis, keepdims=True)
    return (x - x.mean(axis, keepdims=True)) / np.where(spread < 1e-5, np.inf, spread)


def _features(
    samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000, *,
    power=2, period=None, window=True, padded=False, floor=1e-10, after=_standard,
    scale="htk", area=False,
):  # fmt: skip
    """The features; each keyword does one thing in another way."""
    samples = np.asarray(samples, float)
    if padded:
        samples = np.pad(samples, n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
    if window:
        frames = frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / (period or n_fft)))
    bands = _triangles(rate, n_fft, n_mels, low, high, scale, area)
    energy = np.abs(np.fft.rfft(frames)) ** power @ bands
    return after(np.log(np.maximum(energy, floor)))


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
    return _standard(np.log(np.maximum(np.abs(np.fft.rfft(frames * window)) ** 2, 1e-10)))


@wrong(
    "log_mel",
    "The features have another mean than 0 or another deviation than 1, as where 0 is "
    "subtracted and 1 divided by.",
    zh="特征的均值不是 0 或标准差不是 1，例如只减 0 除以 1，等于什么都没做。",
    caught_by="features_of_keys",
    looks_like=lambda seen: abs(np.mean(seen)) > 0.01 or abs(np.std(seen) - 1) > 0.01,
    errata=("E187",),
    step="Subtract the mean of this recording and divide by its deviation.",
    step_zh="减去本段录音的均值，除以它的标准差。",
)
def normalises_with_0_and_1(*given, **options):
    return _features(*given, **options, after=lambda x: (x - 0.0) / 1.0)


@wrong(
    "log_mel",
    "Sums magnitudes where it should sum their squares.",
    zh="该对模的平方求和，却对模求了和。",
    caught_by="features_of_keys",
    step="Square the magnitudes before the mel bands.",
    step_zh="进梅尔频带之前先平方。",
)
def magnitude_not_power(*given, **options):
    return _features(*given, **options, power=1)


@wrong(
    "log_mel",
    "Spaces the bands evenly in hertz, not in mel.",
    zh="频带按赫兹等距，而不是按梅尔等距。",
    caught_by="features_of_keys",
    step="Space the edges in mel and turn them back to hertz.",
    step_zh="在梅尔刻度上等距，再换回赫兹。",
)
def bands_evenly_in_hertz(*given, **options):
    return _features(*given, **options, scale="hertz")


@wrong(
    "log_mel",
    "Pads the recording, and gets more frames than are whole.",
    zh="对录音做了填充，帧数比完整的帧多。",
    caught_by="whole_frames_only",
    looks_like=lambda seen: 1 < seen["some"][0][0] < 5 and seen["some"][0][1] == 32,
    step="Take whole frames only; with torch.stft, center=False.",
    step_zh="只取完整的帧；用 torch.stft 时设 center=False。",
)
def pads_at_the_ends(*given, **options):
    return _features(*given, **options, padded=True)


@wrong(
    "log_mel",
    "Standardises each band, or each frame, by itself.",
    zh="每个频带（或每一帧）各自标准化。",
    caught_by="features_of_keys",
    looks_like=lambda seen: any(np.abs(np.mean(seen, axis)).max() < 1e-3 for axis in (0, 1)),
    step="One mean and one deviation for the whole recording.",
    step_zh="整段录音只用一个均值和一个标准差。",
)
def each_band_by_itself(*given, **options):
    return _features(*given, **options, after=lambda x: _standard(x, 0))


@wrong(
    "log_mel",
    "Takes the symmetric Hann window, as np.hanning does.",
    zh="用了对称的 Hann 窗（np.hanning 就是这样）。",
    caught_by="features_of_keys",
    step="The periodic window divides by n_fft, not by n_fft − 1.",
    step_zh="周期窗的分母是 n_fft，不是 n_fft − 1。",
)
def symmetric_window(samples, rate, n_fft=256, *given, **options):
    return _features(samples, rate, n_fft, *given, **options, period=n_fft - 1)


@wrong(
    "log_mel",
    "Does not multiply the frames by the window.",
    zh="各帧没有乘窗函数。",
    caught_by="features_of_keys",
    step="Each frame times the periodic Hann window.",
    step_zh="每帧先乘周期 Hann 窗。",
)
def no_window(*given, **options):
    return _features(*given, **options, window=False)


@wrong(
    "log_mel",
    "Scales the triangles by their widths, as norm=“slaney” does.",
    zh="按宽度缩放了三角形（norm=“slaney” 就是这样）。",
    caught_by="features_of_keys",
    step="Each triangle is 1 at its middle edge.",
    step_zh="每个三角形在中间的边界处为 1。",
)
def triangles_of_one_area(*given, **options):
    return _features(*given, **options, area=True)


@wrong(
    "log_mel",
    "The floor is not the larger of a band’s energy and 1e-10: it is another, added, or missing.",
    zh="下限不是取频带能量与 1e-10 中较大的：换了别的值，或是加上去的，或没有设。",
    caught_by="nothing_gives_zeros",
    looks_like=lambda seen: seen["faint is heard"] == seen["fainter is heard"],
    step="max(energy, 1e-10) of the sum over a band, before the logarithm; not their sum.",
    step_zh="频带求和之后、取对数之前，取 max(能量, 1e-10)，不是相加。",
)
def another_floor(*given, **options):
    return _features(*given, **options, floor=1e-6)


@wrong(
    "log_mel",
    "Does not give zeros for silence: divides by a deviation of nearly 0, or by none.",
    zh="静音没有返回零：除以了几乎为 0 的标准差，或根本没除。",
    caught_by="nothing_gives_zeros",
    looks_like=lambda seen: not np.abs(seen["nothing"]).max() < 1e-6,
    step="Return zeros where the deviation is below 1e-5.",
    step_zh="标准差小于 1e-5 时返回零。",
)
def silence_divided(*given, **options):
    return _features(*given, **options, after=lambda x: (x - x.mean()) / x.std())


@wrong(
    "log_mel",
    "Leaves out a last frame that ends with the recording.",
    zh="恰好在录音结尾结束的最后一帧漏掉了。",
    caught_by="whole_frames_only",
    looks_like=lambda seen: [n for n, _ in seen["some"][:3]] == [1, 1, 3],
    step="The last start is N − n_fft, which a range must include.",
    step_zh="最后一帧从 N − n_fft 开始，range 要包含它。",
)
def leaves_out_the_last(samples, *given, **options):
    return _features(samples[:-1], *given, **options)


# --- ctc_collapse -------------------------------------------------------------------------


@wrong(
    "ctc_collapse",
    "Returns the path as it is, a label for each frame.",
    zh="路径原样返回，每帧一个标签。",
    caught_by="merges_then_removes",
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
    "Merges equal labels across a blank, as happens where blanks are removed first.",
    zh="隔着 blank 也合并了：先去 blank 再合并就会这样。",
    caught_by="a_blank_keeps_them_apart",
    looks_like=lambda seen: len(seen[0]) == len(seen[1]) == 1,
    step="Merge first, remove afterwards.",
    step_zh="先合并，后去 blank。",
)
def blanks_first(path, blank=0):
    return [k for k, _ in itertools.groupby(int(k) for k in path if k != blank)]


@wrong(
    "ctc_collapse",
    "Removes blanks and does not merge repeats.",
    zh="只去掉 blank，没有合并重复。",
    caught_by="merges_then_removes",
    step="What is repeated without a break is one label.",
    step_zh="连续重复的只算一个标签。",
)
def never_merges(path, blank=0):
    return [int(k) for k in path if k != blank]


@wrong(
    "ctc_collapse",
    "Merges repeats and does not remove blanks.",
    zh="只合并重复，没有去掉 blank。",
    caught_by="merges_then_removes",
    step="Remove the blanks afterwards.",
    step_zh="合并之后再去掉 blank。",
)
def leaves_blanks(path, blank=0):
    return [k for k, _ in itertools.groupby(map(int, path))]


@wrong(
    "ctc_collapse",
    "Loses the first or the last run of a path.",
    zh="路径开头或结尾的那一段丢了。",
    caught_by="a_blank_keeps_them_apart",
    looks_like=lambda seen: seen[1] == [] and len(seen[0]) < 2,
    step="The first entry has none before it, and the last none after it: both count.",
    step_zh="第一个前面没有、最后一个后面没有，也都要算。",
)
def loses_a_run(path, blank=0):
    pairs = itertools.pairwise(map(int, path))
    return [k for before, k in pairs if k not in (before, blank)]


# --- ctc_loss -----------------------------------------------------------------------------


def _loss(
    log_probs, target, blank=0, *,
    skip="right", begins=slice(2), ends=slice(-2, None), join=np.logaddexp, frames=slice(1, None),
):  # fmt: skip
    """The recursion; each keyword does one thing in another way."""
    places = [blank]
    for label in target:
        places += [label, blank]
    places = np.array(places)
    may = np.zeros(len(places), bool)
    labels = places[2:] != blank
    may[2:] = {
        "right": labels & (places[2:] != places[:-2]), "always": labels, "never": False
    }[skip]  # fmt: skip
    reached = np.full(len(places), -np.inf)
    reached[begins] = log_probs[0, places[begins]]
    for row in log_probs[frames]:
        one = np.concatenate([[-np.inf], reached[:-1]])
        two = np.concatenate([[-np.inf] * 2, reached])[: len(places)]
        reached = join(join(reached, one), np.where(may, two, -np.inf)) + row[places]
    return -join.reduce(reached[ends])


@wrong(
    "ctc_loss",
    "Skips the blank between two equal labels, which would merge.",
    zh="两个相同标签之间也跳过了 blank，那样会被合并。",
    caught_by="repeats_need_a_blank",
    step="Two places at once only if the labels there differ.",
    step_zh="前两位的标签不同，才能一次跨两位。",
)
def skips_over_repeats(log_probs, target, blank=0):
    return _loss(log_probs, target, blank, skip="always")


@wrong(
    "ctc_loss",
    "Passes through a blank between any two labels.",
    zh="任何两个标签之间都非得经过 blank。",
    caught_by="sums_over_all_paths",
    step="From one label straight to another, different one is allowed.",
    step_zh="可以从一个标签直接到另一个不同的标签。",
)
def never_skips(log_probs, target, blank=0):
    return _loss(log_probs, target, blank, skip="never")


@wrong(
    "ctc_loss",
    "Counts only the paths that end with a blank.",
    zh="只算了以 blank 结尾的路径。",
    caught_by="sums_over_all_paths",
    step="A path may end with the last label too: add both.",
    step_zh="路径也可以停在最后一个标签：两者相加。",
)
def must_end_with_a_blank(log_probs, target, blank=0):
    return _loss(log_probs, target, blank, ends=slice(-1, None))


@wrong(
    "ctc_loss",
    "Takes the best path where it should sum over all.",
    zh="只取了最好的一条路径，没有对所有路径求和。",
    caught_by="sums_over_all_paths",
    step="Combine by log-sum-exp, not by the maximum.",
    step_zh="合并要用 log-sum-exp，而不是最大值。",
)
def best_path_only(log_probs, target, blank=0):
    return _loss(log_probs, target, blank, join=np.maximum)


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
    loss = _loss(log_probs, target, blank)
    return loss if np.isfinite(loss) else 0.0


@wrong(
    "ctc_loss",
    "Counts only the paths that begin with a blank.",
    zh="只算以 blank 开头的路径。",
    caught_by="sums_over_all_paths",
    step="In the first frame, both the blank and the first label may stand.",
    step_zh="第一帧既可以是 blank，也可以是第一个标签。",
)
def must_begin_with_a_blank(log_probs, target, blank=0):
    return _loss(log_probs, target, blank, begins=slice(1))


@wrong(
    "ctc_loss",
    "Counts only the paths that end with the last label.",
    zh="只算停在最后一个标签上的路径。",
    caught_by="sums_over_all_paths",
    step="A path may end with the last blank too: add both.",
    step_zh="路径也可以停在最后的 blank：两者相加。",
)
def must_end_with_a_label(log_probs, target, blank=0):
    return _loss(log_probs, target, blank, ends=slice(-2, -1))


@wrong(
    "ctc_loss",
    "Counts the first frame twice.",
    zh="第一帧算了两遍。",
    caught_by="sums_over_all_paths",
    step="Begin the loop at the second frame.",
    step_zh="循环从第二帧开始。",
)
def first_frame_twice(log_probs, target, blank=0):
    return _loss(log_probs, target, blank, frames=slice(None))


@wrong(
    "ctc_loss",
    "Writes over the row that it still reads from: a path moves on several places in one frame.",
    zh="边读边改同一行：一帧之内路径走了好几步。",
    caught_by="sums_over_all_paths",
    step="Make a new row for each frame, or go through the places backwards.",
    step_zh="每帧新建一行，或从后往前更新。",
)
def writes_over_what_it_reads(log_probs, target, blank=0):
    places = [blank, *(place for label in target for place in (label, blank))]
    reached = np.full(len(places), -np.inf)
    reached[:2] = log_probs[0, places[:2]]
    for row, (s, place) in itertools.product(log_probs[1:], enumerate(places)):
        jump = s > 1 and place not in (blank, places[s - 2])
        come = reached[[s, max(s - 1, 0), max(s - 2, 0)]][: 1 + (s > 0) + jump]
        reached[s] = np.logaddexp.reduce(come) + row[place]
    return -np.logaddexp.reduce(reached[-2:])


# --- normalise_text -----------------------------------------------------------------------


def _normal(text, *, form="NFKC", lower=True, mark=" ", marks=None, keep=True, spaces=True):
    """The five rules; each keyword bends one of them."""
    text = unicodedata.normalize(form, text) if form else text
    text = (text.lower() if lower else text).replace("’", "'")
    found = []
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        inside = keep and letter == "'" and before.isalnum() and after.isalnum()
        is_mark = unicodedata.category(letter)[0] == "P" if marks is None else letter in marks
        found.append(mark if is_mark and not inside else letter)
    text = "".join(found)
    return " ".join(text.split()) if spaces else text.strip()


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
    return _normal(text, marks=string.punctuation)


@wrong(
    "normalise_text",
    "Deletes marks, so that words on both sides grow together.",
    zh="标点直接删掉，两边的词粘在一起。",
    caught_by="case_and_marks",
    step="Put a space where the mark was.",
    step_zh="标点处换成空格。",
)
def marks_vanish(text):
    return _normal(text, mark="")


@wrong(
    "normalise_text",
    "Leaves capitals as they are.",
    zh="大写没有转成小写。",
    caught_by="case_and_marks",
    step="Lower case for both sides.",
    step_zh="两边都转小写。",
)
def keeps_case(text):
    return _normal(text, lower=False)


@wrong(
    "normalise_text",
    "Full-width letters stay, or é is two characters: no form of Unicode’s, or another than NFKC.",
    zh="全角字母还在，或 é 成了两个字符：没有规范化，或用的不是 NFKC。",
    caught_by="one_form_of_letters",
    looks_like=lambda seen: "ａｂｃ" in seen.lower() or "\u0301" in seen,
    step="NFKC, with K for compatibility.",
    step_zh="要用 NFKC，K 表示兼容等价。",
)
def nfc_not_nfkc(text):
    return _normal(text, form="NFC")


@wrong(
    "normalise_text",
    "Apostrophes that should stay are gone: all (“don t”), the curly ones, or those of digits.",
    zh="该保留的撇号没了：全部（“don t”），或弯的，或数字之间的。",
    caught_by="apostrophes",
    looks_like=lambda seen: seen.count("'") < 6,
    step="Keep those between two letters or digits.",
    step_zh="夹在两个字母或数字之间的要保留。",
)
def apostrophes_go(text):
    return _normal(text, keep=False)


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
    "Makes ss of ß, as casefold() does.",
    zh="把 ß 变成了 ss，casefold() 就会这样。",
    caught_by="nothing_else_changes",
    step="Lower case: str.lower.",
    step_zh="只转小写：str.lower。",
)
def folds_case(text):
    return _normal(unicodedata.normalize("NFKC", text).casefold())


@wrong(
    "normalise_text",
    "Keeps apostrophes at the beginning or the end of a word.",
    zh="词首或词尾的撇号也保留了。",
    caught_by="apostrophes",
    looks_like=lambda seen: seen.count("'") > 6,
    step="A letter or digit on both sides, not on one.",
    step_zh="两边都要是字母或数字，不是一边。",
)
def apostrophes_at_edges_stay(text):
    return _normal(text, marks="“‘,.!?-")


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
    return _normal(text, spaces=False)


# --- wer, cer -----------------------------------------------------------------------------


def _edits(said, heard, swapped=1):
    row = list(range(len(heard) + 1))
    for i, one in enumerate(said, 1):
        previous, row = row, [i]
        for j, other in enumerate(heard, 1):
            changed = previous[j - 1] + swapped * (one != other)
            row.append(min(previous[j] + 1, row[-1] + 1, changed))
    return row[-1]


def _pairs(references, hypotheses, units=str.split):
    return [(units(r), units(h)) for r, h in zip(references, hypotheses, strict=True)]


def _letters(text):
    return "".join(text.split())


def _share(pairs, edits=_edits, size=lambda said, heard: len(said)):
    return sum(edits(*pair) for pair in pairs) / sum(size(*pair) for pair in pairs)


@wrong(
    "wer",
    "Averages the sentences' rates, so that short ones weigh as much as long ones.",
    zh="对各句的错误率求平均，短句和长句权重一样了。",
    caught_by="wer_of_a_corpus",
    step="Add up edits and words over the corpus; divide once.",
    step_zh="在整个语料上累加编辑次数和词数，只除一次。",
)
def mean_of_the_sentences(references, hypotheses):
    return np.mean(
        [_edits(*pair) / max(len(pair[0]), 1) for pair in _pairs(references, hypotheses)]
    )


@wrong(
    "wer",
    "Divides by the words that were heard.",
    zh="除以了听出来的词数。",
    caught_by="wer_of_a_corpus",
    step="Divide by the words of the references.",
    step_zh="应除以参考的词数。",
)
def sides_swapped(references, hypotheses):
    return _share(_pairs(hypotheses, references))


@wrong(
    "wer",
    "Changes case or marks before it compares, which was not asked for here.",
    zh="比较之前擅自改了大小写或标点。",
    caught_by="compared_as_they_are",
    looks_like=lambda seen: seen[0] < 0.99 or seen[1] < 0.49,
    step="Compare texts as they are.",
    step_zh="文本按原样比较。",
)
def normalises_by_itself(references, hypotheses):
    return _share(_pairs(map(_normal, references), map(_normal, hypotheses)))


@wrong(
    "wer",
    "Leaves out pairs with an empty reference, and with them what was invented in silence.",
    zh="跳过参考为空的句子，静音里编出来的词就不算了。",
    caught_by="silence_counts",
    looks_like=lambda seen: bool(np.any(np.isclose(seen, 2 / 6))),
    step="What is heard in silence is inserted: count it.",
    step_zh="静音里听出来的是插入错误，要算。",
)
def silence_left_out(references, hypotheses):
    return _share([pair for pair in _pairs(references, hypotheses) if pair[0]])


@wrong(
    "wer",
    "Never exceeds 1.",
    zh="结果不会超过 1。",
    caught_by="can_exceed_one",
    looks_like=lambda seen: seen[0] <= 1,
    step="Insertions may outnumber what was said: do not clip.",
    step_zh="插入可以比所说的还多：不要截断。",
)
def clipped_at_one(references, hypotheses):
    return min(1.0, _share(_pairs(references, hypotheses)))


def _edits_differ(seen):
    """Whether, of ten words, the three kinds of edit count as whole numbers, and not all alike."""
    counts = 10 * np.array(list(seen.values()))
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
    return _share(_pairs(references, hypotheses), lambda *pair: _edits(*pair, swapped=2))


@wrong(
    "wer",
    "Divides by the longer of both sides.",
    zh="除以了两边中较长的那个。",
    caught_by="wer_of_a_corpus",
    step="Divide by the words of the references, and let the rate exceed 1.",
    step_zh="除以参考的词数，结果可以大于 1。",
)
def divides_by_the_longer(references, hypotheses):
    return _share(_pairs(references, hypotheses), size=lambda *pair: max(map(len, pair)))


@wrong(
    "wer",
    "Counts an empty reference as one word.",
    zh="空的参考算成了一个词。",
    caught_by="silence_counts",
    looks_like=lambda seen: bool(np.any(np.isclose(seen, 4 / 7))),
    step="An empty reference adds nothing to the words: only the sum must not be 0.",
    step_zh="空参考的词数就是 0：只要总数不为 0 即可。",
)
def an_empty_one_counts_as_a_word(references, hypotheses):
    return _share(_pairs(references, hypotheses), size=lambda said, heard: max(len(said), 1))


@wrong(
    "wer",
    "Goes only as far as the shorter list.",
    zh="只比到较短的列表为止。",
    caught_by="unequal_lists_are_refused",
    step="Raise ValueError if the lists differ in length.",
    step_zh="长度不等时抛出 ValueError。",
)
def shorter_list_wins(references, hypotheses):
    return _share([(r.split(), h.split()) for r, h in zip(references, hypotheses, strict=False)])


@wrong(
    "cer",
    "Counts white space as characters, all or some of it: “今 天” is not “今天”.",
    zh="把空白（全部或一部分）算作字符：「今 天」不等于「今天」。",
    caught_by="blanks_are_nothing",
    looks_like=lambda seen: 1.5 < seen[1] < 20,
    step="Take white space out first.",
    step_zh="先去掉空白。",
)
def blanks_are_characters(references, hypotheses):
    return _share(_pairs(references, hypotheses, str))


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
    return _share(_pairs(references, hypotheses))


# --- train_recogniser ---------------------------------------------------------------------


def _train(
    model, features, labels, steps=200, batch_size=16, lr=1e-2, *,
    score=lambda logits: logits.log_softmax(-1), true=True, training=True, longest=5.0,
    optimizer=torch.optim.AdamW, follows=True, clears=True, reduction="mean",
):  # fmt: skip
    """The loop; each keyword does one thing in another way."""
    optimizer = optimizer(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, max(steps, 2), pct_start=0.15)
    losses, loss_of = [], nn.CTCLoss(reduction=reduction)
    model.train(training)
    for _ in range(steps):
        rows = torch.randperm(len(features))[:batch_size].tolist()
        x = nn.utils.rnn.pad_sequence([features[row] for row in rows], batch_first=True)
        lengths = torch.tensor([len(features[row]) if true else x.shape[1] for row in rows])
        sizes = torch.tensor([len(labels[row]) for row in rows])
        targets = torch.cat([labels[row] for row in rows])
        loss = loss_of(score(model(x)).transpose(0, 1), targets, model.frames(lengths), sizes)
        if clears:
            optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), longest)
        optimizer.step()
        if follows:
            schedule.step()
        losses.append(loss.item())
    return losses


@wrong(
    "train_recogniser",
    "Gives the loss raw logits.",
    zh="把原始 logits 交给了损失函数。",
    caught_by="first_loss",
    step="log_softmax first, along the classes.",
    step_zh="先沿类别维做 log_softmax。",
)
def raw_logits(*given, **options):
    return _train(*given, **options, score=lambda x: x)


@wrong(
    "train_recogniser",
    "Gives the loss probabilities: it even turns negative.",
    zh="把概率交给了损失函数，损失甚至会变成负数。",
    caught_by="first_loss",
    step="The loss wants logarithms: log_softmax, not softmax.",
    step_zh="损失要的是对数：用 log_softmax，不是 softmax。",
)
def probabilities(*given, **options):
    return _train(*given, **options, score=lambda x: x.softmax(-1))


@wrong(
    "train_recogniser",
    "Gives the padded length of all recordings, so that padding is to be read too.",
    zh="对所有录音都用填充后的长度，填充部分也要识别了。",
    caught_by="first_loss",
    step="Give the true number of frames of each.",
    step_zh="传入每段录音真实的帧数。",
)
def padding_counts(*given, **options):
    return _train(*given, **options, true=False)


@wrong(
    "train_recogniser",
    "Trains in evaluation mode: batch normalisation learns no statistics.",
    zh="在评估模式下训练：批归一化学不到统计量。",
    caught_by="every_step_learns",
    step="model.train() before the loop.",
    step_zh="循环之前调用 model.train()。",
)
def in_evaluation_mode(*given, **options):
    return _train(*given, **options, training=False)


@wrong(
    "train_recogniser",
    "Learns at a hundredth of the rate and stays on the plateau of blanks.",
    zh="学习率只有百分之一，一直停在全是 blank 的平台上。",
    caught_by="reads_unheard_keys",
    step="Let the rate go up to lr.",
    step_zh="让学习率升到 lr。",
)
def hardly_learns(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    return _train(model, features, labels, steps, batch_size, lr / 100)


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
    return _train(*given, **options, longest=1e9)


@wrong(
    "train_recogniser",
    "Steps with another optimizer than AdamW.",
    zh="优化器用的不是 AdamW。",
    caught_by="steps_are_clipped_adamws",
    looks_like=lambda seen: seen["optimizers"] != ["AdamW"],
    step="torch.optim.AdamW; Adam decays weights in another way.",
    step_zh="用 torch.optim.AdamW；Adam 的权重衰减方式不同。",
)
def another_optimizer(*given, **options):
    return _train(*given, **options, optimizer=torch.optim.Adam)


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
    return _train(*given, **options, follows=False)


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
    return _train(*given, **options, clears=False)


@wrong(
    "train_recogniser",
    "Takes the same recordings in every step.",
    zh="每一步用的都是同一批录音。",
    caught_by="every_step_learns",
    looks_like=lambda seen: not seen["drawn anew"] and seen["recordings a step"] == [4],
    step="Draw anew from all recordings in each step.",
    step_zh="每一步都从全部录音里重新抽。",
)
def always_the_same(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    return _train(model, features[:batch_size], labels[:batch_size], steps, batch_size, lr)


@wrong(
    "train_recogniser",
    "Sums the losses of a batch, not divided by numbers of labels.",
    zh="把一批的损失直接求和，没有除以标签个数。",
    caught_by="first_loss",
    step="nn.CTCLoss() with its defaults takes means.",
    step_zh="默认参数的 nn.CTCLoss() 会取平均。",
)
def sums_the_losses(*given, **options):
    return _train(*given, **options, reduction="sum")


# --- mended_transcribe --------------------------------------------------------------------


def _joined(path, vocabulary, language, labels=None):
    labels = [k for k, _ in itertools.groupby(path) if k] if labels is None else labels
    return ("" if language == "zh" else " ").join(vocabulary[k] for k in labels)


def _program(
    model, recordings, vocabulary, language, *, heard=None, features=_features, text=_joined,
    shown=str, scored=_normal, units=None, evaluation=True, share=_share,
    gradients=False,
):  # fmt: skip
    """The program mended; each keyword leaves one of its faults in."""
    model = model if evaluation is None else copy.deepcopy(model).train(not evaluation)
    texts = []
    for recording in recordings:
        samples, rate = recording["samples"], recording["rate"]
        samples = _poly(samples, rate, 8000) if heard is None else heard(samples, rate)
        x = torch.tensor(np.asarray(features(samples, 8000)), dtype=torch.float32)
        with torch.set_grad_enabled(gradients):
            path = model(x[None])[0].argmax(-1).tolist()
        texts.append(shown(text(path, vocabulary, language)))
    units = units or (_letters if language == "zh" else str.split)
    said = [scored(recording["spoken"]) for recording in recordings]
    return {"texts": texts, "error_rate": share(_pairs(said, map(scored, texts), units))}


def _lowest_bins(samples, rate):
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, float), 256)[::128]
    return _standard(np.abs(np.fft.rfft(frames))[:, :32])


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
    return _program(*given, heard=lambda samples, rate: samples)


@wrong(
    "mended_transcribe",
    "Still gives the network the lowest bins of a Fourier spectrum.",
    zh="给网络的仍是傅里叶频谱最低的几个频点。",
    caught_by="texts_of_a_call",
    errata=("E186",),
    step="Give it log-mel features.",
    step_zh="给它对数梅尔特征。",
)
def still_a_spectrum(*given):
    return _program(*given, features=_lowest_bins)


@wrong(
    "mended_transcribe",
    "Still normalises with a mean of 0 and a deviation of 1.",
    zh="仍用均值 0、标准差 1 做归一化。",
    caught_by="texts_of_a_call",
    errata=("E187",),
    step="Standardise with the statistics of the recording.",
    step_zh="用本段录音自己的统计量做标准化。",
)
def still_subtracts_nothing(*given):
    return _program(*given, features=normalises_with_0_and_1)


@wrong(
    "mended_transcribe",
    "Never applies its features: the network gets raw samples.",
    zh="特征提取从没用上，网络收到的是原始样本。",
    caught_by="texts_of_a_call",
    errata=("E188",),
    step="The network reads log-mel features, not samples.",
    step_zh="网络读的是对数梅尔特征，不是样本。",
)
def still_raw_sound(*given):
    return _program(
        *given, features=lambda samples, rate: np.resize(samples, (len(samples) // 32, 32))
    )


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
    return _program(*given, text=lambda path, v, language: _joined(path, v, language, path))


@wrong(
    "mended_transcribe",
    "Leaves blanks in, which show as double spaces.",
    zh="blank 没去掉，表现为连续的空格。",
    caught_by="texts_of_a_call",
    errata=("E193",),
    step="Blanks have no name: remove them.",
    step_zh="blank 没有名字，要去掉。",
)
def still_keeps_blanks(*given):
    return _program(
        *given,
        text=lambda path, v, language: _joined(
            path, v, language, [k for k, _ in itertools.groupby(path)]
        ),
    )


@wrong(
    "mended_transcribe",
    "Still joins numbers in place of names.",
    zh="拼起来的仍是数字，不是名字。",
    caught_by="texts_of_a_call",
    errata=("E191",),
    step="Look each label up in the vocabulary.",
    step_zh="每个标签都到词表里查名字。",
)
def still_joins_numbers(*given):
    return _program(
        *given,
        text=lambda path, v, language: _joined(path, list(map(str, range(len(v)))), language),
    )


@wrong(
    "mended_transcribe",
    "Strips case and marks from the text that people read.",
    zh="把给人看的文本也去掉了大小写和标点。",
    caught_by="texts_of_a_call",
    looks_like=lambda seen: "".join(seen).islower(),
    errata=("E192",),
    step="Normalise for scoring only.",
    step_zh="规范化只用于计分。",
)
def still_strips_what_is_shown(*given):
    return _program(*given, shown=_normal)


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
    return _program(*given, scored=str)


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
    return _program(*given, units=str.split)


@wrong(
    "mended_transcribe",
    "Leaves the model in the mode in which it came.",
    zh="模型传进来是什么模式就用什么模式。",
    caught_by="reads_in_evaluation_mode",
    step="Evaluation mode first.",
    step_zh="先切到评估模式。",
)
def in_the_mode_it_came(*given):
    return _program(*given, evaluation=None)


@wrong(
    "mended_transcribe",
    "Keeps gradients while the network reads.",
    zh="网络识别时还在记梯度。",
    caught_by="reads_in_evaluation_mode",
    looks_like=lambda seen: seen["grad"] == [True],
    step="Put the pass under torch.no_grad().",
    step_zh="前向放进 torch.no_grad()。",
)
def keeps_gradients(*given):
    return _program(*given, gradients=True)


@wrong(
    "mended_transcribe",
    "Still joins by spaces in Chinese.",
    zh="中文仍用空格连接。",
    caught_by="chinese_by_characters",
    step="In Chinese, the names are joined by nothing.",
    step_zh="中文的名字直接相连，什么都不加。",
)
def still_spaces_in_chinese(*given):
    return _program(*given, text=lambda path, v, _: _joined(path, v, "en"))


@wrong(
    "mended_transcribe",
    "Scores English by characters.",
    zh="英文按字符计分。",
    caught_by="english_by_words",
    step="English is scored by words.",
    step_zh="英文按词计分。",
)
def english_by_characters(*given):
    return _program(*given, units=_letters)


@wrong(
    "mended_transcribe",
    "Names each label by the entry before its own in the vocabulary.",
    zh="取名字时差了一位：用的是词表里前一项。",
    caught_by="texts_of_a_call",
    step="The vocabulary has an entry for the blank too: label k is entry k.",
    step_zh="词表里 blank 也占一项：标签 k 就是第 k 项。",
)
def names_are_shifted(*given):
    return _program(*given, text=lambda path, v, language: _joined(path, v[-1:] + v, language))


@wrong(
    "mended_transcribe",
    "Still averages the recordings' error rates.",
    zh="仍然对各段录音的错误率求平均。",
    caught_by="english_by_words",
    step="One rate for all recordings: give wer, or cer, both whole lists.",
    step_zh="全部录音只有一个错误率：把两个完整的列表交给 wer 或 cer。",
)
def still_averages_the_rates(*given):
    return _program(*given, share=lambda pairs: np.mean([_share([pair]) for pair in pairs]))
