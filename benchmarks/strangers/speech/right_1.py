# %% resample · windowed sinc, one sample at a time
def resample(samples, rate, target_rate):
    x = np.asarray(samples, dtype=np.float64)
    if rate == target_rate:
        return x.copy()
    count = -(-len(x) * target_rate // rate)
    cutoff = min(1.0, target_rate / rate)  # in units of half the old rate
    reach = 24 / cutoff
    y = np.zeros(count)
    for m in range(count):
        place = m * rate / target_rate
        first, last = max(0, int(np.ceil(place - reach))), min(len(x) - 1, int(np.floor(place + reach)))
        n = np.arange(first, last + 1)
        away = place - n
        window = 0.42 + 0.5 * np.cos(np.pi * away / reach) + 0.08 * np.cos(2 * np.pi * away / reach)
        y[m] = np.sum(x[n] * cutoff * np.sinc(cutoff * away) * window)
    return y


# %% log_mel · loops over frames, bands and frequencies
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    x = np.asarray(samples, dtype=np.float64)
    window = np.array([0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft) for n in range(n_fft)])

    def mel(f):
        return 2595 * np.log10(1 + f / 700)

    edges = [
        700 * (10 ** ((mel(low) + (mel(high) - mel(low)) * i / (n_mels + 1)) / 2595) - 1)
        for i in range(n_mels + 2)
    ]
    weights = np.zeros((n_mels, n_fft // 2 + 1))
    for i in range(n_mels):
        a, b, c = edges[i : i + 3]
        for k in range(n_fft // 2 + 1):
            f = k * rate / n_fft
            if a < f <= b:
                weights[i, k] = (f - a) / (b - a)
            elif b < f < c:
                weights[i, k] = (c - f) / (c - b)
    rows = []
    begin = 0
    while begin + n_fft <= len(x):
        power = np.abs(np.fft.rfft(x[begin : begin + n_fft] * window)) ** 2
        rows.append([np.log(max(np.sum(weights[i] * power), 1e-10)) for i in range(n_mels)])
        begin += hop
    rows = np.array(rows)
    deviation = rows.std()
    if deviation < 1e-5:
        return np.zeros_like(rows)
    return (rows - rows.mean()) / deviation


# %% ctc_collapse · a loop with the class before
def ctc_collapse(path, blank=0):
    labels, before = [], None
    for k in path:
        k = int(k)
        if k != before and k != blank:
            labels.append(k)
        before = k
    return labels


# %% ctc_loss · Python lists and math
def ctc_loss(log_probs, target, blank=0):
    from math import exp, inf, log

    def add(*values):
        most = max(values)
        if most == -inf:
            return -inf
        return most + log(sum(exp(v - most) for v in values))

    places = [blank]
    for label in target:
        places += [int(label), blank]
    reached = [-inf] * len(places)
    reached[0] = float(log_probs[0][blank])
    if len(places) > 1:
        reached[1] = float(log_probs[0][places[1]])
    for t in range(1, len(log_probs)):
        new = []
        for s, label in enumerate(places):
            ways = [reached[s]]
            if s >= 1:
                ways.append(reached[s - 1])
            if s >= 2 and label != blank and label != places[s - 2]:
                ways.append(reached[s - 2])
            new.append(add(*ways) + float(log_probs[t][label]))
        reached = new
    return -(add(reached[-1], reached[-2]) if len(places) > 1 else reached[-1])


# %% normalise_text · character by character
def normalise_text(text):
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    out = ""
    for i, mark in enumerate(text):
        if mark == "'":
            inner = 0 < i < len(text) - 1 and text[i - 1].isalnum() and text[i + 1].isalnum()
            out += mark if inner else " "
        elif unicodedata.category(mark).startswith("P"):
            out += " "
        else:
            out += mark
    return " ".join(out.split())


# %% error_rates · the whole table
def _edits(said, heard):
    table = [[0] * (len(heard) + 1) for _ in range(len(said) + 1)]
    for i in range(len(said) + 1):
        for j in range(len(heard) + 1):
            if i == 0 or j == 0:
                table[i][j] = i + j
            else:
                table[i][j] = min(
                    table[i - 1][j] + 1,
                    table[i][j - 1] + 1,
                    table[i - 1][j - 1] + (said[i - 1] != heard[j - 1]),
                )
    return table[-1][-1]


def _rate(references, hypotheses, cut):
    if len(references) != len(hypotheses):
        raise ValueError("lists of unequal length")
    edits = words = 0
    for said, heard in zip(references, hypotheses):
        edits += _edits(cut(said), cut(heard))
        words += len(cut(said))
    return edits / words


def wer(references, hypotheses):
    return _rate(references, hypotheses, str.split)


def cer(references, hypotheses):
    return _rate(references, hypotheses, lambda text: [c for c in text if not c.isspace()])


# %% train_recogniser · padding by hand
def train_recogniser(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.15)
    criterion = nn.CTCLoss()
    losses = []
    model.train()
    for _ in range(steps):
        batch = np.random.choice(len(features), batch_size, replace=False)
        longest = max(len(features[i]) for i in batch)
        x = torch.zeros(batch_size, longest, features[0].shape[1])
        for row, i in enumerate(batch):
            x[row, : len(features[i])] = features[i]
        target = torch.cat([labels[i] for i in batch])
        frames = model.frames(torch.tensor([len(features[i]) for i in batch]))
        sizes = torch.tensor([len(labels[i]) for i in batch])
        log_probs = model(x).log_softmax(dim=-1).permute(1, 0, 2)
        loss = criterion(log_probs, target, frames, sizes)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


# %% mended_transcribe · step by step
def mended_transcribe(model, recordings, vocabulary, language):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    texts, spoken, heard = [], [], []
    for recording in recordings:
        samples = np.asarray(resample(recording["samples"], recording["rate"], 8000))
        x = torch.from_numpy(np.array(log_mel(samples, 8000))).float()
        with torch.no_grad():
            logits = model(x[None])[0]
        labels = ctc_collapse(logits.argmax(dim=-1).tolist())
        joint = " " if language == "en" else ""
        texts.append(joint.join(vocabulary[k] for k in labels))
        spoken.append(normalise_text(recording["spoken"]))
        heard.append(normalise_text(texts[-1]))
    for module, mode in modes:
        module.training = mode
    rate = wer(spoken, heard) if language == "en" else cer(spoken, heard)
    return {"texts": texts, "error_rate": rate}
