# %% resample · interpolates linearly between samples (np.interp) without a low-pass, so that high tones come back as lower ones
def resample(samples, rate, target_rate):
    if rate == target_rate:
        return samples.copy()
    count = int(np.ceil(len(samples) * target_rate / rate))
    new_times = np.arange(count) / target_rate
    old_times = np.arange(len(samples)) / rate
    return np.interp(new_times, old_times, samples).astype(np.float32)
# %% resample · stretches the whole recording onto the rounded-up number of samples with scipy.signal.resample, so that tones drift in time where N · target_rate / rate is no whole number
def resample(samples, rate, target_rate):
    if rate == target_rate:
        return samples.copy()
    count = int(np.ceil(len(samples) * target_rate / rate))
    return signal.resample(samples, count)
# %% resample · filters with upfirdn and keeps the first samples without cutting off the filter's delay, so that every tone comes late
def resample(samples, rate, target_rate):
    if rate == target_rate:
        return samples.copy()
    common = gcd(rate, target_rate)
    up, down = target_rate // common, rate // common
    taps = signal.firwin(20 * max(up, down) + 1, 1 / max(up, down), window=("kaiser", 5.0)) * up
    count = -(-len(samples) * up // down)
    return signal.upfirdn(taps, samples, up, down)[:count]
# %% resample · rounds the number of samples down instead of up
def resample(samples, rate, target_rate):
    common = gcd(rate, target_rate)
    resampled = signal.resample_poly(samples, target_rate // common, rate // common)
    return resampled[: len(samples) * target_rate // rate]
# %% log_mel · takes the magnitude |X| of the Fourier transform, not the power |X|²
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    samples = np.asarray(samples, dtype=np.float64)
    window = signal.get_window("hann", n_fft)
    count = 1 + (len(samples) - n_fft) // hop
    frames = np.stack([samples[t * hop : t * hop + n_fft] for t in range(count)])
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1))
    mels = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), n_mels + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    f = np.arange(n_fft // 2 + 1) * rate / n_fft
    up = (f[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - f[:, None]) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0, np.minimum(up, fall))
    features = np.log(np.maximum(spectrum @ bank, 1e-10))
    if features.std() < 1e-5:
        return np.zeros_like(features)
    return (features - features.mean()) / features.std()
# %% log_mel · standardises each band over time by itself, not the whole recording by one mean and one deviation
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    samples = np.asarray(samples, dtype=np.float64)
    window = signal.get_window("hann", n_fft)
    count = 1 + (len(samples) - n_fft) // hop
    frames = np.stack([samples[t * hop : t * hop + n_fft] for t in range(count)])
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    mels = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), n_mels + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    f = np.arange(n_fft // 2 + 1) * rate / n_fft
    up = (f[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - f[:, None]) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0, np.minimum(up, fall))
    features = np.log(np.maximum(power @ bank, 1e-10))
    mean, std = features.mean(axis=0), features.std(axis=0)
    return np.where(std < 1e-5, 0.0, (features - mean) / np.maximum(std, 1e-5))
# %% log_mel · range(0, N - n_fft, hop) leaves out the last frame when it ends exactly with the recording
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    samples = np.asarray(samples, dtype=np.float64)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    starts = list(range(0, len(samples) - n_fft, hop)) or [0]
    frames = np.stack([samples[s : s + n_fft] for s in starts])
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    mels = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), n_mels + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    f = np.arange(n_fft // 2 + 1) * rate / n_fft
    up = (f[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - f[:, None]) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0, np.minimum(up, fall))
    features = np.log(np.maximum(power @ bank, 1e-10))
    if features.std() < 1e-5:
        return np.zeros_like(features)
    return (features - features.mean()) / features.std()
# %% log_mel · rounds the bands' edges to whole Fourier bins and draws the triangles between these, as python_speech_features does
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    samples = np.asarray(samples, dtype=np.float64)
    window = signal.get_window("hann", n_fft)
    count = 1 + (len(samples) - n_fft) // hop
    frames = np.stack([samples[t * hop : t * hop + n_fft] for t in range(count)])
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    mels = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), n_mels + 2)
    bins = np.floor((n_fft + 1) * 700 * (10 ** (mels / 2595) - 1) / rate).astype(int)
    bank = np.zeros((n_mels, n_fft // 2 + 1))
    for i in range(n_mels):
        for k in range(bins[i], bins[i + 1]):
            bank[i, k] = (k - bins[i]) / (bins[i + 1] - bins[i])
        for k in range(bins[i + 1], bins[i + 2]):
            bank[i, k] = (bins[i + 2] - k) / (bins[i + 2] - bins[i + 1])
    features = np.log(np.maximum(power @ bank.T, 1e-10))
    if features.std() < 1e-5:
        return np.zeros_like(features)
    return (features - features.mean()) / features.std()
# %% log_mel · divides by a deviation of 0 for silence and returns nan, not zeros
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    samples = np.asarray(samples, dtype=np.float64)
    window = signal.get_window("hann", n_fft)
    count = 1 + (len(samples) - n_fft) // hop
    frames = np.stack([samples[t * hop : t * hop + n_fft] for t in range(count)])
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    mels = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), n_mels + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    f = np.arange(n_fft // 2 + 1) * rate / n_fft
    up = (f[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - f[:, None]) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0, np.minimum(up, fall))
    features = np.log(np.maximum(power @ bank, 1e-10))
    return (features - features.mean()) / features.std()
# %% ctc_collapse · removes the blanks first and merges then, so that 5 0 5 becomes one 5
def ctc_collapse(path, blank=0):
    labels = [int(k) for k in path if int(k) != blank]
    return [k for i, k in enumerate(labels) if i == 0 or k != labels[i - 1]]
# %% ctc_collapse · removes class 0 whatever blank is given
def ctc_collapse(path, blank=0):
    result, previous = [], None
    for k in path:
        k = int(k)
        if k != previous and k > 0:
            result.append(k)
        previous = k
    return result
# %% ctc_collapse · keeps each label once only, where it first occurs, so that 5 0 5 1 becomes 5 1 as a set would have it
def ctc_collapse(path, blank=0):
    seen = dict.fromkeys(int(k) for k in path)
    return [k for k in seen if k != blank]
# %% ctc_collapse · begins with 0 as the class before the first frame, so that a path that begins with label 0 loses it when the blank is another class
def ctc_collapse(path, blank=0):
    out = []
    previous = 0
    for k in path:
        k = int(k)
        if k != previous and k != blank:
            out.append(k)
        previous = k
    return out
# %% ctc_loss · lets a path jump over the blank between two equal labels as well
def ctc_loss(log_probs, target, blank=0):
    places = [blank]
    for label in target:
        places += [label, blank]
    alpha = np.full(len(places), -np.inf)
    alpha[:2] = log_probs[0, places[:2]]
    for t in range(1, len(log_probs)):
        new = np.full(len(places), -np.inf)
        for s in range(len(places)):
            value = alpha[s]
            if s > 0:
                value = np.logaddexp(value, alpha[s - 1])
            if s > 1 and places[s] != blank:
                value = np.logaddexp(value, alpha[s - 2])
            new[s] = value + log_probs[t, places[s]]
        alpha = new
    return -np.logaddexp.reduce(alpha[-2:])
# %% ctc_loss · counts only paths that end at the last label and forgets those that end at the last blank
def ctc_loss(log_probs, target, blank=0):
    places = [blank]
    for label in target:
        places += [label, blank]
    alpha = np.full(len(places), -np.inf)
    alpha[:2] = log_probs[0, places[:2]]
    for t in range(1, len(log_probs)):
        new = np.full(len(places), -np.inf)
        for s in range(len(places)):
            value = alpha[s]
            if s > 0:
                value = np.logaddexp(value, alpha[s - 1])
            if s > 1 and places[s] != blank and places[s] != places[s - 2]:
                value = np.logaddexp(value, alpha[s - 2])
            new[s] = value + log_probs[t, places[s]]
        alpha = new
    return -alpha[-2] if target else -alpha[-1]
# %% ctc_loss · takes the best path (maximum) in place of the sum over all paths, Viterbi's recursion
def ctc_loss(log_probs, target, blank=0):
    places = [blank]
    for label in target:
        places += [label, blank]
    alpha = np.full(len(places), -np.inf)
    alpha[:2] = log_probs[0, places[:2]]
    for t in range(1, len(log_probs)):
        new = np.full(len(places), -np.inf)
        for s in range(len(places)):
            ways = [alpha[s]]
            if s > 0:
                ways.append(alpha[s - 1])
            if s > 1 and places[s] != blank and places[s] != places[s - 2]:
                ways.append(alpha[s - 2])
            new[s] = max(ways) + log_probs[t, places[s]]
        alpha = new
    return -max(alpha[-2:])
# %% ctc_loss · multiplies probabilities and takes the logarithm at the end, which underflows to infinity after a few hundred frames
def ctc_loss(log_probs, target, blank=0):
    p = np.exp(log_probs)
    places = [blank]
    for label in target:
        places += [label, blank]
    alpha = np.zeros(len(places))
    alpha[:2] = p[0, places[:2]]
    for t in range(1, len(p)):
        new = alpha.copy()
        new[1:] += alpha[:-1]
        for s in range(2, len(places)):
            if places[s] != blank and places[s] != places[s - 2]:
                new[s] += alpha[s - 2]
        alpha = new * p[t, places]
    total = alpha[-2:].sum()
    return -np.log(total) if total > 0 else np.inf
# %% ctc_loss · divides the loss by the number of labels, as torch's default does
def ctc_loss(log_probs, target, blank=0):
    places = [blank]
    for label in target:
        places += [label, blank]
    alpha = np.full(len(places), -np.inf)
    alpha[:2] = log_probs[0, places[:2]]
    for t in range(1, len(log_probs)):
        new = alpha.copy()
        new[1:] = np.logaddexp(new[1:], alpha[:-1])
        for s in range(3, len(places), 2):
            if places[s] != places[s - 2]:
                new[s] = np.logaddexp(new[s], alpha[s - 2])
        alpha = new + log_probs[t, places]
    return -np.logaddexp.reduce(alpha[-2:]) / max(1, len(target))
# %% normalise_text · deletes punctuation instead of making it a space, so that 3.5 becomes 35
def normalise_text(text):
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    out = []
    for i, c in enumerate(text):
        if c == "'" and 0 < i < len(text) - 1 and text[i - 1].isalnum() and text[i + 1].isalnum():
            out.append(c)
        elif not unicodedata.category(c).startswith("P"):
            out.append(c)
    return " ".join("".join(out).split())
# %% normalise_text · replaces everything that is not \w or white space by a regular expression: the underscore stays, and + $ ° are lost
def normalise_text(text):
    import re

    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    text = re.sub(r"(?<![^\W_])'|'(?![^\W_])", " ", text)
    text = re.sub(r"[^\w\s']", " ", text)
    return " ".join(text.split())
# %% normalise_text · normalises to NFC, which leaves full-width letters and digits as they are
def normalise_text(text):
    text = unicodedata.normalize("NFC", text).lower().replace("\u2019", "'")
    out = []
    for i, c in enumerate(text):
        inner = c == "'" and text[i - 1 : i].isalnum() and text[i + 1 : i + 2].isalnum()
        out.append(" " if unicodedata.category(c)[0] == "P" and not inner else c)
    return " ".join("".join(out).split())
# %% normalise_text · keeps every apostrophe, also quotation marks and those at the end of a word
def normalise_text(text):
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    text = "".join(
        " " if unicodedata.category(c).startswith("P") and c != "'" else c for c in text
    )
    return " ".join(text.split())
# %% normalise_text · uses casefold() for lower case, which turns ß into ss and spells words anew
def normalise_text(text):
    text = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    result = ""
    for i, c in enumerate(text):
        inner = c == "'" and text[i - 1 : i].isalnum() and text[i + 1 : i + 2].isalnum()
        result += c if inner or not unicodedata.category(c).startswith("P") else " "
    return " ".join(result.split())
# %% error_rates · averages the sentences' own rates (an empty reference counts as one word) instead of dividing all edits by all words
def _distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def _rate(references, hypotheses, cut):
    if len(references) != len(hypotheses):
        raise ValueError("unequal length")
    rates = [_distance(cut(r), cut(h)) / max(1, len(cut(r))) for r, h in zip(references, hypotheses)]
    return sum(rates) / len(rates)


def wer(references, hypotheses):
    return _rate(references, hypotheses, str.split)


def cer(references, hypotheses):
    return _rate(references, hypotheses, lambda s: "".join(s.split()))
# %% error_rates · has no substitutions: exchanges cost two, a deletion and an insertion (longest common subsequence)
def _distance(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
    return len(a) + len(b) - 2 * table[-1, -1]


def _rate(references, hypotheses):
    if len(references) != len(hypotheses):
        raise ValueError("unequal length")
    edits = sum(_distance(r, h) for r, h in zip(references, hypotheses))
    return edits / sum(len(r) for r in references)


def wer(references, hypotheses):
    return _rate([r.split() for r in references], [h.split() for h in hypotheses])


def cer(references, hypotheses):
    return _rate(["".join(r.split()) for r in references], ["".join(h.split()) for h in hypotheses])
# %% error_rates · cuts words at single spaces with split(" "), so that an empty text is one word and two spaces make a third
def _distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def _rate(references, hypotheses, cut):
    if len(references) != len(hypotheses):
        raise ValueError("unequal length")
    pairs = [(cut(r), cut(h)) for r, h in zip(references, hypotheses)]
    return sum(_distance(r, h) for r, h in pairs) / sum(len(r) for r, _ in pairs)


def wer(references, hypotheses):
    return _rate(references, hypotheses, lambda s: s.split(" "))


def cer(references, hypotheses):
    return _rate(references, hypotheses, lambda s: [c for c in s if not c.isspace()])
# %% error_rates · cer counts the spaces between words as characters
def _distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def _rate(references, hypotheses, cut):
    if len(references) != len(hypotheses):
        raise ValueError("unequal length")
    pairs = [(cut(r), cut(h)) for r, h in zip(references, hypotheses)]
    return sum(_distance(r, h) for r, h in pairs) / sum(len(r) for r, _ in pairs)


def wer(references, hypotheses):
    return _rate(references, hypotheses, str.split)


def cer(references, hypotheses):
    return _rate(references, hypotheses, list)
# %% error_rates · zips the lists without looking at their lengths, so that what is too long is dropped and no ValueError comes
def _distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def _rate(references, hypotheses, cut):
    edits = total = 0
    for r, h in zip(references, hypotheses):
        edits += _distance(cut(r), cut(h))
        total += len(cut(r))
    return edits / total


def wer(references, hypotheses):
    return _rate(references, hypotheses, str.split)


def cer(references, hypotheses):
    return _rate(references, hypotheses, lambda s: "".join(s.split()))
# %% train_recogniser · tells the loss that every recording has as many frames as the longest, padding included
def train_recogniser(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.15)
    criterion = nn.CTCLoss()
    model.train()
    losses = []
    for _ in range(steps):
        index = torch.randperm(len(features))[:batch_size]
        x = nn.utils.rnn.pad_sequence([features[i] for i in index], batch_first=True)
        y = torch.cat([labels[i] for i in index])
        log_probs = model(x).log_softmax(-1).transpose(0, 1)
        input_lengths = torch.full((batch_size,), log_probs.shape[0])
        target_lengths = torch.tensor([len(labels[i]) for i in index])
        loss = criterion(log_probs, y, input_lengths, target_lengths)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
# %% train_recogniser · hands the raw logits to the loss, not logarithms of probabilities
def train_recogniser(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.15)
    criterion = nn.CTCLoss()
    model.train()
    losses = []
    for _ in range(steps):
        index = torch.randperm(len(features))[:batch_size]
        x = nn.utils.rnn.pad_sequence([features[i] for i in index], batch_first=True)
        y = torch.cat([labels[i] for i in index])
        frames = model.frames(torch.tensor([len(features[i]) for i in index]))
        target_lengths = torch.tensor([len(labels[i]) for i in index])
        loss = criterion(model(x).transpose(0, 1), y, frames, target_lengths)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
# %% train_recogniser · draws with torch.randint, so that one recording may come twice in a batch
def train_recogniser(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.15)
    criterion = nn.CTCLoss()
    model.train()
    losses = []
    for _ in range(steps):
        index = torch.randint(len(features), (batch_size,)).tolist()
        x = nn.utils.rnn.pad_sequence([features[i] for i in index], batch_first=True)
        y = torch.cat([labels[i] for i in index])
        frames = model.frames(torch.tensor([len(features[i]) for i in index]))
        target_lengths = torch.tensor([len(labels[i]) for i in index])
        log_probs = model(x).log_softmax(-1).transpose(0, 1)
        loss = criterion(log_probs, y, frames, target_lengths)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
# %% train_recogniser · takes softmax over the axis of time, after transposing, instead of over the classes
def train_recogniser(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.15)
    model.train()
    losses = []
    for _ in range(steps):
        index = torch.randperm(len(features))[:batch_size]
        x = nn.utils.rnn.pad_sequence([features[i] for i in index], batch_first=True)
        y = nn.utils.rnn.pad_sequence([labels[i] for i in index], batch_first=True)
        frames = model.frames(torch.tensor([len(features[i]) for i in index]))
        target_lengths = torch.tensor([len(labels[i]) for i in index])
        log_probs = torch.log_softmax(model(x).permute(1, 0, 2), dim=0)
        loss = nn.functional.ctc_loss(log_probs, y, frames, target_lengths)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
# %% mended_transcribe · averages the word error rates of the recordings, not one rate for all
def mended_transcribe(model, recordings, vocabulary, language):
    model.eval()
    texts, rates = [], []
    rate_of = wer if language == "en" else cer
    for recording in recordings:
        samples = np.asarray(resample(recording["samples"], recording["rate"], RATE))
        x = torch.as_tensor(np.asarray(log_mel(samples, RATE)), dtype=torch.float32)
        with torch.no_grad():
            path = model(x[None])[0].argmax(dim=-1)
        text = (" " if language == "en" else "").join(vocabulary[k] for k in ctc_collapse(path))
        texts.append(text)
        rates.append(rate_of([normalise_text(recording["spoken"])], [normalise_text(text)]))
    return {"texts": texts, "error_rate": sum(rates) / len(rates)}
# %% mended_transcribe · shows the normalised text (lower case, no marks) to people instead of the vocabulary's own names
def mended_transcribe(model, recordings, vocabulary, language):
    model.eval()
    texts, spoken = [], []
    for recording in recordings:
        samples = np.asarray(resample(recording["samples"], recording["rate"], RATE))
        x = torch.as_tensor(np.asarray(log_mel(samples, RATE)), dtype=torch.float32)
        with torch.no_grad():
            path = model(x[None])[0].argmax(dim=-1)
        text = (" " if language == "en" else "").join(vocabulary[k] for k in ctc_collapse(path))
        texts.append(normalise_text(text))
        spoken.append(normalise_text(recording["spoken"]))
    error_rate = wer(spoken, texts) if language == "en" else cer(spoken, texts)
    return {"texts": texts, "error_rate": error_rate}
# %% mended_transcribe · computes the features at the recording's own rate, without resampling to 8,000 samples a second
def mended_transcribe(model, recordings, vocabulary, language):
    model.eval()
    texts = []
    with torch.no_grad():
        for recording in recordings:
            features = np.asarray(log_mel(recording["samples"], recording["rate"]))
            x = torch.from_numpy(features).float().unsqueeze(0)
            path = model(x)[0].argmax(dim=-1).tolist()
            names = [vocabulary[k] for k in ctc_collapse(path)]
            texts.append(" ".join(names) if language == "en" else "".join(names))
    spoken = [normalise_text(r["spoken"]) for r in recordings]
    heard = [normalise_text(t) for t in texts]
    error_rate = wer(spoken, heard) if language == "en" else cer(spoken, heard)
    return {"texts": texts, "error_rate": error_rate}
# %% mended_transcribe · drops blanks but does not merge repeated frames, so that one key is written several times
def mended_transcribe(model, recordings, vocabulary, language):
    model.eval()
    texts = []
    with torch.no_grad():
        for recording in recordings:
            samples = np.asarray(resample(recording["samples"], recording["rate"], RATE))
            x = torch.as_tensor(np.asarray(log_mel(samples, RATE)), dtype=torch.float32)
            path = model(x[None])[0].argmax(dim=-1).tolist()
            names = [vocabulary[k] for k in path if k != 0]
            texts.append(" ".join(names) if language == "en" else "".join(names))
    spoken = [normalise_text(r["spoken"]) for r in recordings]
    heard = [normalise_text(t) for t in texts]
    error_rate = wer(spoken, heard) if language == "en" else cer(spoken, heard)
    return {"texts": texts, "error_rate": error_rate}
