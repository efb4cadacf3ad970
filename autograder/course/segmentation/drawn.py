"""What the probes of `segmentation` draw: scenes, noise, a small network, answers."""

import numpy as np

DIGITS = (0, 1, 4, 7)
VOID = 255
TWO = (0.3, 0.45), (0.2, 0.31)  # mean and std of two channels


def some_scenes(count, part, seed):
    """Pictures (N, 1, 32, 32) and masks (N, 32, 32), both uint8."""
    import torch

    from autograder.data import scenes

    made = scenes.make(count, part=part, seed=seed, digits=DIGITS)
    images, masks = (np.stack(values) for values in list(zip(*made, strict=True))[:2])
    return torch.from_numpy(images)[:, None], torch.from_numpy(masks)


def seed_of(rng):
    return int(rng.integers(2**31))


def hands(rng):
    """Four masks (32, 32) of booleans, where real digits are."""
    return some_scenes(4, "test", seed_of(rng))[1] % VOID > 0


def noise(rng, *shape, least=0, most=255):
    """A tensor of bytes, each as likely as any other."""
    import torch

    return torch.from_numpy(rng.integers(least, most + 1, shape).astype(np.uint8))


def ids_with_void(rng, shape, shares, ids=(0, 1, 2, 3)):
    """A tensor of bytes: ids, and void, each with its share."""
    import torch

    return torch.from_numpy(rng.choice([*ids, VOID], shape, p=shares).astype(np.uint8))


def photographs(rng):
    """Seven pictures (7, 2, 6, 8) of noise, uint8, each brighter than the one before."""
    steps = 13 * np.arange(7, dtype=np.uint8)[:, None, None, None]
    return noise(rng, 7, 2, 6, 8, most=159) + steps


def lesson(rng):
    """Twelve pictures (12, 2, 6, 8) of noise, normalised, with ids and void (12, 6, 8)."""
    import torch

    x = torch.from_numpy(rng.normal(size=(12, 2, 6, 8))).float()
    return x, ids_with_void(rng, (12, 6, 8), [0.2] * 5)


def logits_and_targets(rng):
    """Logits (2, 4, 5, 6), and targets (2, 5, 6) with much void, most of it in the first picture.

    Class 3 is rare.
    """
    import torch

    target = ids_with_void(rng, (2, 5, 6), [0.3, 0.25, 0.15, 0.05, 0.25])
    target[0, 2:], target[1, 0, :4] = VOID, torch.tensor([0, 1, 2, VOID])
    return torch.from_numpy(2 * rng.normal(size=(2, 4, 5, 6))).float(), target


def each_somewhere(rng, shape, ids):
    """An array of ids, all of which occur."""
    return rng.permutation(np.resize(ids, np.prod(shape))).reshape(shape)


def masks_and_palettes(rng):
    """A mask and a palette in several types of numbers, and a mask of many ids."""
    import torch

    palette, many = rng.integers(0, 256, (4, 3)), rng.integers(0, 256, (255, 3))
    mask = each_somewhere(rng, (3, 5), [*range(4), VOID])
    small = mask.astype(np.uint8)
    return [
        (small, palette.astype(np.uint8)),
        (torch.from_numpy(mask), palette),
        (torch.from_numpy(small), torch.from_numpy(palette)),
        (mask, palette.tolist()),
        (rng.choice([*range(200, 256)], (3, 5)).astype(np.uint8), many),
    ]


def networks(rng):
    """Networks of two to five layers (kernel, stride, dilation)."""
    drawn = (rng.integers([1, 1, 1], [6, 4, 5], (count, 3)) for count in (2, 3, 4, 5))
    return [[tuple(map(int, layer)) for layer in layers] for layers in drawn]


def small_net(generator, channels=2, classes=4, *, norm=True, dropout=0.0):
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            parts = [nn.Conv2d(channels, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.Tanh()]
            self.body = nn.Sequential(*parts if norm else parts[:1], nn.Dropout(dropout))
            self.out, self.aux = nn.Conv2d(6, classes, 1), nn.Conv2d(6, classes, 1)

        def forward(self, x):
            features = self.body(x)
            return {"aux": self.aux(features), "out": self.out(features)}

    model = Net()
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(0, 0.7, generator=generator)
        if norm:
            model.body[1].running_mean.normal_(0, 0.3, generator=generator)
            model.body[1].running_var.uniform_(0.5, 2, generator=generator)
    return model


def with_drawn_weights(model, generator):
    """The model in evaluation mode, its weights drawn so that no layer swells what it is given."""
    import torch

    with torch.no_grad():
        for value in model.parameters():
            spread = value[0].numel() ** -0.5 if value.ndim > 1 else 1.0
            value.normal_(0, spread, generator=generator)
    return model.eval()


def colourful(rng, height=12, width=15):
    """A picture (3, H, W) of noise, nowhere quite dark, and a mask (H, W) of ids and void."""
    image = noise(rng, 3, height, width, least=30)
    return image, ids_with_void(rng, (height, width), [0.2] * 5, (0, 1, 4, 7))


def program_task(rng, generator):
    """What the program gets: a model, six examples, three pictures, a palette, mean and std.

    With so many classes the test pictures get ids beside 0 and 1, whatever is drawn.
    """
    shares = [0.3, 0.2, 0.2, 0.2, 0.1]
    examples = [
        {"image": image, "mask": ids_with_void(rng, (4, 5), shares), "folder": int(folder)}
        for image, folder in zip(noise(rng, 6, 2, 8, 10), rng.integers(4, size=6), strict=True)
    ]
    model, palette = small_net(generator, classes=40).eval(), rng.integers(0, 256, (40, 3))
    return model, examples, noise(rng, 3, 2, 8, 10), palette, *TWO


def answered(rng, sizes, classes=5, wrong=0.3):
    """Pairs of predictions and targets (B, H, W): `wrong` of the pixels, more in later batches."""
    import torch

    pairs = []
    for number, size in enumerate(sizes):
        target = np.minimum(rng.geometric(0.45, size) - 1, classes - 1)
        astray = rng.random(size) < wrong * (1 + number)
        said = np.where(astray, rng.integers(0, classes, size), target)
        target = np.where(rng.random(size) < 0.15, VOID, target)
        pairs.append(tuple(torch.from_numpy(a.astype(np.uint8)) for a in (said, target)))
    return pairs


def in_one_batch(pairs, void=False):
    """The pixels of all pairs that count, or all with `void`, as one pair (1, 1, pixels)."""
    import torch

    said, true = (torch.cat([pair[k].flatten() for pair in pairs]) for k in (0, 1))
    kept = (true != VOID) | void
    return said[kept][None, None], true[kept][None, None]


def never_right(rng, sizes):
    """Pairs in which class 2 is never found, class 5 said and never there, and 4 is nowhere."""
    import torch

    pairs = [(p.where(p != 2, 5), t.where(t != 5, 0)) for p, t in answered(rng, sizes, classes=4)]
    pairs[0][1][0, 0, :2] = torch.tensor([2, 0], dtype=torch.uint8)
    pairs[0][0][0, 0, :2] = torch.tensor([5, 5], dtype=torch.uint8)
    return pairs


def sure_of(target):
    """Logits that are sure of each id, of four, and right; at void of class 0."""
    import torch

    ids = target.long().where(target != VOID, 0)
    return 60.0 * torch.nn.functional.one_hot(ids, 4).movedim(-1, 1)


def two_confused(rng):
    """Sure logits (1, 4, 1, pixels), ids, and the number n of pixels of class 1, as of class 2.

    Class 0 is right everywhere; one pixel of class 1 is taken for class 2, and one of class 2 for
    class 1; class 3 does not occur.
    """
    import torch

    n = int(rng.integers(3, 6))
    true = torch.tensor([0] * (2 * n + 3) + [1] * n + [2] * n)
    said = true.clone()
    said[[-1, -n - 1]] = torch.tensor([1, 2])
    order = torch.from_numpy(rng.permutation(len(true)))
    logits = 60.0 * torch.nn.functional.one_hot(said[order], 4).T[None, :, None]
    return logits, true[order][None, None], n
