"""What the probes of `compression` measure with: made weights, small cases, trained networks."""

import numpy as np

# --- numbers and codes ----------------------------------------------------------------------


def tensor(array):
    """Numbers as a float32 tensor."""
    import torch

    return torch.from_numpy(np.asarray(array, dtype=np.float32))


def array(values):
    """An answer as an array, whatever it came as."""
    return np.asarray(values.detach() if hasattr(values, "detach") else values)


def coded(answer):
    """The numbers of an answer, and of which type they are."""
    return {"type": str(array(answer).dtype), "codes": array(answer)}


def apart(answers):
    """What came out of several calls of `qparams`, the scales apart from the zero points."""
    return {"scales": [float(scale) for scale, _ in answers],
            "zero points": [float(zero_point) for _, zero_point in answers]}  # fmt: skip


def between(rng, low, high, size=(4, 5, 6)):
    """Values from low to high, both of which occur."""
    x = rng.uniform(low, high, size)
    x.flat[rng.permutation(x.size)[:2]] = low, high
    return tensor(x)


def safe_range(rng, bits, span=(0.5, 3.0)):
    """A range around 0 whose zero point is not near the middle between two whole numbers."""
    while True:
        low, high = -rng.uniform(*span), rng.uniform(*span)
        if 0.1 < abs(-low / (high - low) * (2**bits - 1) % 1 - 0.5) < 0.4:
            return low, high


def off_grid(rng, codes, scale, zero_point):
    """Values whose codes are `codes`, nowhere near the middle between two of them."""
    return tensor(scale * (codes - zero_point + rng.uniform(-0.4, 0.4, codes.shape)))


def channels(rng, shape, axis, bits=8):
    """A weight with known codes: every channel is as wide as it can be, in steps of its own."""
    top = 2 ** (bits - 1) - 1
    count = shape[axis]
    rest = int(np.prod(shape)) // count
    codes = rng.integers(-top + 1, top, (count, rest)) + rng.uniform(-0.4, 0.4, (count, rest))
    signs = np.where(np.arange(count) % 2, 1, -1)
    codes[np.arange(count), rng.integers(0, rest, count)] = signs * top
    scales = np.exp(rng.uniform(-5, 2, count))
    others = [size for i, size in enumerate(shape) if i != axis]
    return tensor(np.moveaxis((scales[:, None] * codes).reshape(count, *others), 0, axis))


def some_state(rng):
    """What a network might store: matrices and kernels, vectors, a counter, a table of ints."""
    import torch

    return {
        "stem.weight": channels(rng, (4, 3, 2, 2), 0),
        "norm.weight": tensor(rng.normal(size=4)),
        "norm.steps": torch.tensor(int(rng.integers(1, 99))),
        "places": torch.from_numpy(rng.integers(0, 9, (2, 3))),
        "head.weight": channels(rng, (3, 5), 0).double(),
        "table": channels(rng, (5, 4), 0),
        "head.bias": tensor(rng.normal(size=3)),
    }


def some_weights(rng):
    """Three tensors, each of another size of numbers; no two magnitudes are equal."""
    shapes = {"b.weight": (4, 5), "a.weight": (3, 2, 2, 2), "c.weight": (7, 3)}
    found = {}
    for (name, shape), spread in zip(shapes.items(), (0.3, 1.0, 2.0), strict=True):
        found[name] = tensor(spread * rng.normal(size=shape))
    return found


# --- models and batches ---------------------------------------------------------------------


def small_case(rng, steps=6):
    """A small classifier with batch norm, masks for two of its weights, and batches."""
    import torch
    from torch import nn

    torch.manual_seed(int(rng.integers(2**31)))
    # No bias before batch norm: its gradient would be rounding alone, which AdamW makes a step of.
    first = nn.Linear(5, 6, bias=False)
    model = nn.Sequential(first, nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))
    masks = {name: torch.rand(model.get_parameter(name).shape) < 0.5 for name in
             ("0.weight", "3.weight")}  # fmt: skip
    batches = [(torch.randn(16, 5).double(), torch.randint(3, (16,))) for _ in range(steps)]
    # In float64: AdamW's first step makes much of a gradient near 0, rounding and all.
    return model.double().eval(), masks, batches


def some_base(rng, width=6, out=4, bias=True, dtype=None):
    """A linear layer as `nn.Linear` draws it."""
    import torch
    from torch import nn

    torch.manual_seed(int(rng.integers(2**31)))
    return nn.Linear(width, out, bias=bias, dtype=dtype)


def filled(layer, rng):
    """The layer with numbers in both factors."""
    import torch

    with torch.no_grad():
        for factor in (layer.lora_A, layer.lora_B):
            factor.copy_(torch.from_numpy(rng.normal(size=tuple(factor.shape))))
    return layer


def two_sets_of_logits(rng, rows=7, classes=5, size=2.0):
    """Of a student and of a teacher."""
    student, teacher = (tensor(size * rng.normal(size=(rows, classes))) for _ in range(2))
    return student, teacher


def some_targets(rng, rows, classes=5, known=None):
    """Classes; from row `known` on there is no label."""
    import torch

    y = torch.from_numpy(rng.integers(0, classes, rows))
    y[rows if known is None else known :] = -100
    return y


# --- trained networks -----------------------------------------------------------------------


def kernels(network):
    """Its matrices and kernels, by name."""
    return {name: value for name, value in network.named_parameters() if value.dim() > 1}


def tenth(network):
    """Masks of the tenth of these weights that is furthest from zero."""
    import torch

    weights = {name: value.detach().abs() for name, value in kernels(network).items()}
    everything = torch.cat([value.flatten() for value in weights.values()])
    bound = everything.kthvalue(round(0.9 * len(everything))).values
    return {name: value > bound for name, value in weights.items()}


def accuracy(model, part):
    """The share of pictures that the model names rightly."""
    import torch

    x, y = part
    with torch.no_grad():
        return (model(x).argmax(dim=1) == y).double().mean().item()


def unpacked(stored):
    """Floats again, of codes and their scales."""
    for name in [name for name in stored if name.endswith(".scale")]:
        weight = name.removesuffix(".scale")
        shape = (-1, *[1] * (stored[weight].dim() - 1))
        stored[weight] = stored.pop(weight).float() * stored.pop(name).reshape(shape)
    return stored


def taught(loss_of, teacher, x, y, steps, rng):
    """A small student of the teacher with 30 labels."""
    import torch
    from torch import nn

    labels, known = torch.full_like(y, -100), rng.permutation(len(y))[:30]
    labels[known] = y[known]
    student = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-2)
    with torch.no_grad():
        opinions = teacher(x)
    for _ in range(steps):
        rows = rng.integers(0, len(y), 48)  # few: some go row by row
        optimizer.zero_grad()
        loss_of(student(x[rows]), opinions[rows], labels[rows]).backward()
        optimizer.step()
    return student


def story_teller_with_linears():
    """The tiny GPT, with `nn.Linear` in its blocks, and token ids of the reviews to read."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, logging

    from autograder.data import sentiment
    from autograder.models.tiny_resnet import network as resnet

    logging.disable_progress_bar()
    folder = resnet.FOLDER.parent / "tiny_gpt"
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for name, old in [item for item in model.named_modules() if hasattr(item[1], "nf")]:
        layer = torch.nn.Linear(*old.weight.shape)
        layer.load_state_dict({"weight": old.weight.T, "bias": old.bias})
        model.set_submodule(name, layer)
    ids = {}
    for part in ("train", "test"):
        texts = [tokenizer(example.text).input_ids for example in sentiment.load("en", part)]
        width = max(map(len, texts)) + 1
        rows = [[*row, tokenizer.eos_token_id, *[-100] * (width - len(row) - 1)] for row in texts]
        ids[part] = torch.tensor(rows)
    return model.eval().requires_grad_(False), ids


def perplexity_after(model, ids, adapted, rng):
    """On reviews, once it has read them in a single pass with its linear layers `adapted`."""
    import torch
    from torch.nn.functional import cross_entropy

    def loss_of(ids):
        logits = model(ids.clamp(min=0)).logits[:, :-1]
        return cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())

    for name, layer in [item for item in model.named_modules() if ".h." in item[0]]:
        if isinstance(layer, torch.nn.Linear):
            model.set_submodule(name, adapted(layer))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for rows in torch.from_numpy(rng.permutation(len(ids["train"]))).split(18):
        optimizer.zero_grad()
        loss_of(ids["train"][rows]).backward()
        optimizer.step()
    with torch.no_grad():
        return loss_of(ids["test"]).exp().item()
