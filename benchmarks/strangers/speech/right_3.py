# %% resample · in the frequency domain, zero-padded to whole periods of both rates
def resample(samples, rate, target_rate):
    x = np.asarray(samples, dtype=np.float64)
    if rate == target_rate:
        return list(x)
    common = gcd(rate, target_rate)
    up, down = target_rate // common, rate // common
    count = -(-len(x) * up // down)
    blocks = -(-(len(x) + 4096) // down)
    padded = np.concatenate([x, np.zeros(blocks * down - len(x))])
    spectrum = np.fft.rfft(padded)
    f = np.fft.rfftfreq(len(padded), 1 / rate) / (min(rate, target_rate) / 2)
    spectrum *= 0.5 + 0.5 * np.cos(np.pi * np.clip((f - 0.82) / 0.36, 0, 1))
    length = blocks * up
    new = np.zeros(length // 2 + 1, dtype=complex)
    shared = min(len(new), len(spectrum))
    new[:shared] = spectrum[:shared]
    return np.fft.irfft(new, length)[:count] * up / down


# %% log_mel · strided frames, transformers' bank of filters
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    from transformers.audio_utils import mel_filter_bank

    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float64), n_fft)[::hop]
    spectrum = np.fft.rfft(frames * signal.get_window("hann", n_fft, fftbins=True), axis=1)
    bank = mel_filter_bank(
        num_frequency_bins=n_fft // 2 + 1, num_mel_filters=n_mels, min_frequency=low,
        max_frequency=high, sampling_rate=rate, norm=None, mel_scale="htk",
    )  # fmt: skip
    features = np.log(np.maximum((spectrum * spectrum.conj()).real @ bank, 1e-10))
    features = features - features.mean()
    deviation = np.sqrt((features**2).mean())
    return features / deviation if deviation >= 1e-5 else np.zeros(features.shape)


# %% ctc_collapse · groupby
def ctc_collapse(path, blank=0):
    from itertools import groupby

    return [label for label, _ in groupby(int(k) for k in path) if label != blank]


# %% ctc_loss · backwards in time, SciPy's logsumexp
def ctc_loss(log_probs, target, blank=0):
    from scipy.special import logsumexp

    places = [blank]
    for label in target:
        places.extend([label, blank])
    size = len(places)
    moves = np.full((size, size), -np.inf)  # from row to column
    for s in range(size):
        moves[s, s : s + 2] = 0
        if s + 2 < size and places[s + 2] != blank and places[s + 2] != places[s]:
            moves[s, s + 2] = 0
    left = np.full(size, -np.inf)
    left[-2:] = 0
    for row in np.asarray(log_probs, dtype=np.float64)[:0:-1]:
        with np.errstate(divide="ignore"):
            left = logsumexp(moves + (left + row[places])[None, :], axis=1)
    first = (left + np.asarray(log_probs, dtype=np.float64)[0][places])[:2]
    return float(-logsumexp(first))


# %% normalise_text · a chain of small functions
def normalise_text(text):
    def inner(chars, i):
        return chars[i] == "'" and chars[i - 1].isalnum() and chars[i + 1].isalnum()

    def blank(chars, i):
        return unicodedata.category(chars[i])[0] == "P" and not inner(chars, i)

    chars = [" ", *unicodedata.normalize("NFKC", text).lower().replace("’", "'"), " "]
    kept = [" " if blank(chars, i) else chars[i] for i in range(1, len(chars) - 1)]
    return " ".join("".join(kept).split())


# %% error_rates · a class, Levenshtein by two rows
class Rate:
    def __init__(self, cut):
        self.cut = cut

    @staticmethod
    def edits(a, b):
        above = list(range(len(b) + 1))
        for i, x in enumerate(a):
            row = [i + 1]
            for j, y in enumerate(b):
                row.append(above[j] if x == y else 1 + min(above[j], above[j + 1], row[j]))
            above = row
        return above[-1]

    def __call__(self, references, hypotheses):
        references, hypotheses = list(references), list(hypotheses)
        if len(references) != len(hypotheses):
            raise ValueError(f"{len(references)} references, {len(hypotheses)} hypotheses")
        pairs = [(self.cut(a), self.cut(b)) for a, b in zip(references, hypotheses)]
        return np.float64(sum(self.edits(*p) for p in pairs)) / sum(len(a) for a, _ in pairs)


def wer(references, hypotheses):
    return Rate(lambda text: text.split())(references, hypotheses)


def cer(references, hypotheses):
    return Rate(lambda text: list("".join(text.split())))(references, hypotheses)


# %% train_recogniser · random.sample for each step, functional CTC, LambdaLR
def train_recogniser(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    import random

    rng = random.Random(int(torch.randint(2**31, ())))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    rise = max(1, round(0.15 * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min((k + 1) / rise, max(0.01, (steps - k) / max(1, steps - rise)))
    )
    model.train()
    losses = []
    for _ in range(steps):
        pairs = [(features[i], labels[i]) for i in rng.sample(range(len(features)), batch_size)]
        xs, ys = zip(*pairs)
        sizes = [len(x) for x in xs]
        x = torch.stack([nn.functional.pad(x, (0, 0, 0, max(sizes) - len(x))) for x in xs])
        scores = nn.functional.log_softmax(model(x), dim=2).swapaxes(0, 1)
        loss = nn.functional.ctc_loss(
            scores, torch.cat(ys), model.frames(torch.tensor(sizes)), torch.tensor([len(y) for y in ys])
        )
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=5)
        optimizer.step()
        schedule.step()
        losses.append(float(loss))
    return losses


# %% mended_transcribe · a generator of readings, inference_mode
def mended_transcribe(model, recordings, vocabulary, language):
    english = language == "en"

    def readings():
        for recording in recordings:
            samples = resample(recording["samples"], int(recording["rate"]), RATE)
            features = np.asarray(log_mel(np.asarray(samples), RATE), dtype=np.float32)
            with torch.inference_mode():
                logits = model(torch.from_numpy(features).unsqueeze(0)).squeeze(0)
            yield [vocabulary[k] for k in ctc_collapse(logits.max(dim=1).indices.numpy(), blank=0)]

    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    texts = [(" " if english else "").join(names) for names in readings()]
    for module, mode in modes:
        module.training = mode
    score = wer if english else cer
    spoken = [normalise_text(recording["spoken"]) for recording in recordings]
    return {"error_rate": score(spoken, list(map(normalise_text, texts))), "texts": texts}
