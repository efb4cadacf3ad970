# %% joint_transform · NumPy loops, float64 until the end
def joint_transform(image, mask, crop, size, flip, mean, std):
    top, left, side = crop
    pixels = np.array(image)[:, top : top + side, left : left + side].astype(np.float64) / 255
    names = np.array(mask)[top : top + side, left : left + side].astype(np.int64)
    factor = size // side
    x = np.zeros((pixels.shape[0], size, size))
    y = np.zeros((size, size), dtype=np.int64)

    def neighbours(i):
        place = min(max((i + 0.5) * side / size - 0.5, 0), side - 1)
        low = int(np.floor(place))
        return low, min(low + 1, side - 1), place - low

    for i in range(size):
        i0, i1, a = neighbours(i)
        for j in range(size):
            j0, j1, b = neighbours(j)
            upper = (1 - b) * pixels[:, i0, j0] + b * pixels[:, i0, j1]
            lower = (1 - b) * pixels[:, i1, j0] + b * pixels[:, i1, j1]
            x[:, i, j] = (1 - a) * upper + a * lower
            y[i, j] = names[i // factor, j // factor]
    if flip:
        x, y = x[:, :, ::-1], y[:, ::-1]
    for channel in range(len(x)):
        x[channel] = (x[channel] - float(mean[channel])) / float(std[channel])
    return torch.from_numpy(np.ascontiguousarray(x)).float(), torch.from_numpy(y.copy())


# %% receptive_field · set of pixels seen, from the last layer back
def receptive_field(layers):
    first, last = 0, 0
    for kernel, stride, dilation in reversed(layers):
        first, last = first * stride, last * stride + (kernel - 1) * dilation
    return last - first + 1


# %% cross_entropy · loop over pictures and pixels, float64
def cross_entropy(logits, target, ignore_index=255):
    parts = []
    for scores, names in zip(logits.double(), target.long()):
        for i in range(names.shape[0]):
            for j in range(names.shape[1]):
                k = int(names[i, j])
                if k == ignore_index:
                    continue
                column = scores[:, i, j]
                parts.append(torch.logsumexp(column, 0) - column[k])
    if not parts:
        return (logits * 0).sum()
    return sum(parts) / len(parts)


# %% mean_iou · plain loops over classes
def mean_iou(batches, num_classes, ignore_index=255):
    both = [0] * num_classes
    either = [0] * num_classes
    right = counted = 0
    for prediction, target in batches:
        p = np.asarray(prediction).astype(np.int64).ravel()
        t = np.asarray(target).astype(np.int64).ravel()
        keep = t != ignore_index
        p, t = p[keep], t[keep]
        right += int((p == t).sum())
        counted += len(t)
        for k in range(num_classes):
            both[k] += int(((p == k) & (t == k)).sum())
            either[k] += int(((p == k) | (t == k)).sum())
    iou = [b / e if e else float("nan") for b, e in zip(both, either)]
    there = [v for v in iou if v == v]
    return {"iou": iou, "miou": sum(there) / len(there), "accuracy": right / counted}


# %% dice_loss · loop over the classes, float64
def dice_loss(logits, target, ignore_index=255, smooth=1.0):
    p = torch.softmax(logits.double(), dim=1)
    names = target.long()
    counted = (names != ignore_index).double()
    total = 0
    classes = logits.shape[1]
    for k in range(classes):
        t = (names == k).double() * counted
        q = p[:, k] * counted
        total = total + (2 * (q * t).sum() + smooth) / (q.sum() + t.sum() + smooth)
    return 1 - total / classes


# %% train_deeplab · indices shuffled in a Python list
def build_deeplab(num_classes, rates=(2, 4, 6)):
    classifier = nn.Sequential(
        ASPP(32, rates, 32),
        nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, num_classes, 1),
    )
    return DeepLabV3(Backbone(), classifier)


def train_deeplab(model, x, y, steps=180, batch_size=10, lr=5e-3):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=lr, total_steps=steps, pct_start=0.2
    )
    losses, waiting = [], []
    model.train()
    for _ in range(steps):
        if not waiting:
            waiting = torch.randperm(len(x)).tolist()
        batch, waiting = waiting[:batch_size], waiting[batch_size:]
        optimizer.zero_grad()
        out = model(x[batch])["out"]
        loss = nn.functional.cross_entropy(out, y[batch].long(), ignore_index=255)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


# %% predict_masks · loop, every module's mode put back
def predict_masks(model, images, mean, std, batch_size=50):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    found = []
    m = torch.tensor([float(v) for v in mean]).view(1, -1, 1, 1)
    s = torch.tensor([float(v) for v in std]).view(1, -1, 1, 1)
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            x = (images[start : start + batch_size].float() / 255 - m) / s
            found.append(model(x)["out"].argmax(dim=1))
    for module, mode in modes.items():
        module.training = mode
    return torch.cat(found)


# %% colour_mask · two loops
def colour_mask(mask, palette, void=(224, 224, 192)):
    names = np.asarray(mask).astype(np.int64)
    palette = np.asarray(palette)
    picture = np.zeros((*names.shape, 3), dtype=np.uint8)
    for i in range(names.shape[0]):
        for j in range(names.shape[1]):
            picture[i, j] = void if names[i, j] == 255 else palette[names[i, j]]
    return picture


# %% late_iou · loops over the pixels
def late_iou(mask, speed, latency_ms, pixels_per_degree):
    was = np.asarray(mask).astype(bool)
    shift = round(float(speed) * float(latency_ms) / 1000 * float(pixels_per_degree))
    now = np.zeros_like(was)
    height, width = was.shape
    for i in range(height):
        for j in range(width):
            if was[i, j] and 0 <= j + shift < width:
                now[i, j + shift] = True
    return (was & now).sum() / (was | now).sum()


# %% mended_segmentation · written out, one loop each
def mended_segmentation(model, examples, test_images, palette, mean, std, lr=0.1):
    m = torch.tensor([float(v) for v in mean]).view(1, -1, 1, 1)
    s = torch.tensor([float(v) for v in std]).view(1, -1, 1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    model.train()
    for i in range(0, len(examples), 2):
        pair = examples[i : i + 2]
        x = (torch.stack([one["image"] for one in pair]).float() / 255 - m) / s
        y = torch.stack([one["mask"] for one in pair]).long()
        y = y.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
        optimizer.zero_grad()
        loss = cross_entropy(model(x)["out"], y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    ids = []
    with torch.no_grad():
        for image in test_images:
            x = (image[None].float() / 255 - m) / s
            ids.append(model(x)["out"][0].argmax(dim=0).numpy())
    ids = np.stack(ids)
    colours = np.asarray(palette).astype(np.uint8)
    return {"losses": losses, "ids": ids, "pictures": colours[ids]}
