import numpy as np
from matplotlib.figure import Figure

from autograder.data import tones

ALT = {
    "en": "Energy over time of a recording with four keys at 10 dB, in 32 mel bands from 300 to "
    "2,000 Hz. Each key shows as two dark patches, one low and one high, as long as it sounds; "
    "between them there is only noise.",
    "zh": "一段四个按键、信噪比 10 dB 的录音，能量随时间的变化，共 32 个梅尔频带，300 到 2000 Hz。"
    "每个键显出一低一高两块深色，长度就是发声的时间；其间只有噪声。",
}


def draw(say):
    recording = tones.make(1, seed=7, lengths=(4, 4), snr=(10, 10))[0]
    frames = np.lib.stride_tricks.sliding_window_view(recording.samples, 256)[::128]
    power = np.abs(np.fft.rfft(frames * np.hanning(257)[:-1])) ** 2
    mels = np.linspace(*(2595 * np.log10(1 + np.array([300, 2000]) / 700)), 34)
    edges, hertz = 700 * (10 ** (mels / 2595) - 1), np.arange(129) * 8000 / 256
    bands = [np.interp(hertz, edges[i : i + 3], [0, 1, 0]) for i in range(32)]
    log = np.log(power @ np.stack(bands, 1))
    z = (log - log.mean()) / log.std()

    figure = Figure(figsize=(7, 3.2))
    axes = figure.subplots()
    middle = (np.arange(len(z)) * 128 + 128) / 8000
    for level, strength in ((1.0, 0.25), (1.6, 0.5), (2.2, 1.0)):
        axes.contourf(
            middle, np.arange(1, 33), z.T, levels=[level, 99], colors=["C0"], alpha=strength
        )
    for key, (begin, end) in zip(recording.keys, recording.spans, strict=True):
        axes.text((begin + end) / 2, 33, key, ha="center", va="bottom")
        axes.axvspan(begin, end, color="C7", alpha=0.12, linewidth=0)
    axes.set(ylim=(0, 33), xlim=(0, middle[-1]))
    axes.set_xlabel(say("seconds", "时间（秒）"))
    axes.set_ylabel(say("mel band", "梅尔频带"))
    return figure
