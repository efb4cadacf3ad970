# %% resample · resample_poly
def resample(samples, rate, target_rate):
    if rate == target_rate:
        return np.array(samples)
    common = gcd(int(rate), int(target_rate))
    return signal.resample_poly(samples, target_rate // common, rate // common, window=("kaiser", 6.0))


# %% log_mel · torch.stft and a matrix of triangles
def log_mel(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    x = torch.as_tensor(np.array(samples), dtype=torch.float64)
    window = torch.hann_window(n_fft, periodic=True, dtype=torch.float64)
    spectrum = torch.stft(x, n_fft, hop, window=window, center=False, return_complex=True)
    power = spectrum.abs().square().T
    ends = 2595 * torch.log10(1 + torch.tensor([low, high], dtype=torch.float64) / 700)
    mels = torch.linspace(ends[0].item(), ends[1].item(), n_mels + 2, dtype=torch.float64)
    edges = 700 * (10 ** (mels / 2595) - 1)
    f = torch.arange(n_fft // 2 + 1, dtype=torch.float64)[:, None] * rate / n_fft
    a, b, c = edges[:-2], edges[1:-1], edges[2:]
    weights = torch.minimum((f - a) / (b - a), (c - f) / (c - b)).clamp(min=0)
    energy = (power @ weights).clamp(min=1e-10).log()
    deviation = energy.std(unbiased=False)
    if deviation < 1e-5:
        return torch.zeros_like(energy, dtype=torch.float32)
    return ((energy - energy.mean()) / deviation).float()


# %% ctc_collapse · unique_consecutive
def ctc_collapse(path, blank=0):
    merged = torch.unique_consecutive(torch.as_tensor(path).long())
    return merged[merged != blank].tolist()


# %% ctc_loss · NumPy, logaddexp over all places
def ctc_loss(log_probs, target, blank=0):
    places = np.full(2 * len(target) + 1, blank)
    places[1::2] = target
    jump = np.zeros(len(places), dtype=bool)
    jump[2:] = (places[2:] != blank) & (places[2:] != places[:-2])
    reached = np.full(len(places), -np.inf)
    reached[:2] = log_probs[0, places[:2]]
    for row in log_probs[1:]:
        one = np.concatenate([[-np.inf], reached[:-1]])
        two = np.where(jump, np.concatenate([[-np.inf, -np.inf], reached[:-2]])[: len(places)], -np.inf)
        reached = np.logaddexp(np.logaddexp(reached, one), two) + row[places]
    return -np.logaddexp.reduce(reached[-2:])


# %% normalise_text · regular expression for the apostrophe, translate for the rest
def normalise_text(text):
    import re

    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    inner = {
        m.start() for m in re.finditer("'", text)
        if text[: m.start()][-1:].isalnum() and text[m.start() + 1 : m.start() + 2].isalnum()
    }  # fmt: skip
    marks = [
        c if i in inner or unicodedata.category(c)[0] != "P" else " " for i, c in enumerate(text)
    ]
    return " ".join("".join(marks).split())


# %% error_rates · one row in NumPy
def _distance(said, heard):
    row = np.arange(len(heard) + 1)
    for number, one in enumerate(said, start=1):
        differ = np.array([one != other for other in heard], dtype=int)
        new = np.concatenate([[number], np.minimum(row[1:] + 1, row[:-1] + differ)])
        places = np.arange(len(new))
        row = np.minimum.accumulate(new - places) + places
    return int(row[-1])


def _corpus(said, heard):
    edits = sum(_distance(a, b) for a, b in zip(said, heard, strict=True))
    return edits / sum(len(a) for a in said)


def wer(references, hypotheses):
    return _corpus([text.split() for text in references], [text.split() for text in hypotheses])


def cer(references, hypotheses):
    return _corpus(["".join(t.split()) for t in references], ["".join(t.split()) for t in hypotheses])


# %% train_recogniser · pad_sequence and randperm
def train_recogniser(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    from torch.nn.utils.rnn import pad_sequence

    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=lr, total_steps=steps, pct_start=0.15
    )
    model.train()
    losses = []
    for _ in range(steps):
        batch = torch.randperm(len(features))[:batch_size].tolist()
        x = pad_sequence([features[i] for i in batch], batch_first=True)
        y = pad_sequence([labels[i] for i in batch], batch_first=True)
        frames = model.frames(torch.tensor([len(features[i]) for i in batch]))
        sizes = torch.tensor([len(labels[i]) for i in batch])
        log_probs = model(x).log_softmax(-1).transpose(0, 1)
        loss = nn.CTCLoss()(log_probs, y, frames, sizes)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


# %% mended_transcribe · of the functions above
@torch.no_grad()
def mended_transcribe(model, recordings, vocabulary, language):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    texts = []
    for recording in recordings:
        samples = resample(recording["samples"], recording["rate"], 8000)
        x = torch.as_tensor(log_mel(samples, 8000), dtype=torch.float32)
        path = model(x[None])[0].argmax(dim=-1)
        names = [vocabulary[k] for k in ctc_collapse(path)]
        texts.append({"en": " ", "zh": ""}[language].join(names))
    for module, mode in modes.items():
        module.training = mode
    said = [normalise_text(recording["spoken"]) for recording in recordings]
    rate = {"en": wer, "zh": cer}[language]
    return {"texts": texts, "error_rate": rate(said, [normalise_text(text) for text in texts])}
