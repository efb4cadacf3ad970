# %% joint_transform · torchvision's v2 functional with tv_tensors
def joint_transform(image, mask, crop, size, flip, mean, std):
    from torchvision import tv_tensors
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as V

    top, left, side = crop
    box = dict(top=top, left=left, height=side, width=side, size=[size, size])
    x = V.to_dtype(tv_tensors.Image(image), torch.float32, scale=True)
    y = tv_tensors.Mask(mask.to(torch.int64))
    x = V.resized_crop(x, **box, interpolation=InterpolationMode.BILINEAR, antialias=False)
    y = V.resized_crop(y, **box, interpolation=InterpolationMode.NEAREST)
    if flip:
        x, y = V.horizontal_flip(x), V.horizontal_flip(y)
    x = V.normalize(x, [float(m) for m in mean], [float(s) for s in std])
    return x.as_subclass(torch.Tensor), y.as_subclass(torch.Tensor)


# %% receptive_field · one sum with cumulative strides
def receptive_field(layers):
    if len(layers) == 0:
        return 1
    kernels, strides, dilations = np.array(layers, dtype=np.int64).T
    steps = np.concatenate([[1], np.cumprod(strides)[:-1]])
    return 1 + ((kernels - 1) * dilations * steps).sum()


# %% cross_entropy · boolean selection, logsumexp
def cross_entropy(logits, target, ignore_index=255):
    flat = logits.permute(0, 2, 3, 1)[target != ignore_index]
    names = target[target != ignore_index].long()
    if len(names) == 0:
        return 0.0 * logits.sum()
    return (flat.logsumexp(1) - flat[torch.arange(len(names)), names]).mean()


# %% mean_iou · a class that collects counts in NumPy
class Meter:
    def __init__(self, classes):
        self.table = np.zeros((classes, classes), dtype=np.int64)

    def update(self, prediction, target, ignore_index):
        p = np.asarray(prediction).ravel().astype(int)
        t = np.asarray(target).ravel().astype(int)
        np.add.at(self.table, (t[t != ignore_index], p[t != ignore_index]), 1)

    def compute(self):
        both = np.diag(self.table)
        union = self.table.sum(axis=0) + self.table.sum(axis=1) - both
        with np.errstate(invalid="ignore"):
            iou = both / union
        return {
            "miou": np.nanmean(iou),
            "accuracy": np.trace(self.table) / self.table.sum(),
            "iou": iou.tolist(),
        }


def mean_iou(batches, num_classes, ignore_index=255):
    meter = Meter(num_classes)
    for prediction, target in batches:
        meter.update(prediction, target, ignore_index)
    return meter.compute()


# %% dice_loss · einsum over selected pixels
def dice_loss(logits, target, ignore_index=255, smooth=1.0):
    counted = target != ignore_index
    p = torch.softmax(torch.movedim(logits, 1, -1)[counted], dim=-1)
    t = torch.eye(logits.shape[1], dtype=p.dtype)[target[counted].long()]
    top = 2 * torch.einsum("nk,nk->k", p, t) + smooth
    return torch.mean(1 - top / (p.sum(0) + t.sum(0) + smooth))


# %% train_deeplab · DataLoader, a Module as head
class Head(nn.Module):
    def __init__(self, num_classes, rates):
        super().__init__()
        self.aspp = ASPP(32, list(rates), 32)
        self.conv = nn.Conv2d(32, 32, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(32)
        self.last = nn.Conv2d(32, num_classes, kernel_size=1)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.conv(self.aspp(x)))))


def build_deeplab(num_classes, rates=(2, 4, 6)):
    return DeepLabV3(backbone=Backbone(), classifier=Head(num_classes, rates))


def train_deeplab(model, x, y, steps=180, batch_size=10, lr=5e-3):
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=True)
    criterion = nn.CrossEntropyLoss(ignore_index=255)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=lr, total_steps=steps, pct_start=0.2
    )

    def forever():
        while True:
            yield from loader

    model.train()
    losses = []
    for _, (images, names) in zip(range(steps), forever()):
        model.zero_grad()
        loss = criterion(model(images)["out"], names.to(torch.int64))
        if not torch.isfinite(loss):  # a batch of void only
            loss = cross_entropy(model(images)["out"], names)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(float(loss))
    return losses


# %% predict_masks · DataLoader and inference_mode, NumPy out
def predict_masks(model, images, mean, std, batch_size=50):
    from torch.utils.data import DataLoader
    from torchvision.transforms.v2 import functional as V

    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    found = []
    with torch.inference_mode():
        for batch in DataLoader(images, batch_size=batch_size):
            x = V.normalize(batch.to(torch.float32) / 255, list(mean), list(std))
            found.append(model(x)["out"].max(dim=1).indices.numpy())
    for module, mode in modes:
        module.training = mode
    return np.concatenate(found).astype(np.uint8)


# %% colour_mask · Pillow's palette pictures
def colour_mask(mask, palette, void=(224, 224, 192)):
    from PIL import Image

    table = np.zeros((256, 3), dtype=np.uint8)
    table[: len(palette)] = np.asarray(palette)
    table[255] = void
    picture = Image.fromarray(np.ascontiguousarray(np.asarray(mask).astype(np.uint8)), mode="L")
    picture.putpalette(table.ravel().tolist())
    return np.array(picture.convert("RGB"))


# %% late_iou · scipy.ndimage
def late_iou(mask, speed, latency_ms, pixels_per_degree):
    from scipy import ndimage

    was = np.array(mask, dtype=np.uint8)
    pixels = int(np.rint(speed * (latency_ms / 1000) * pixels_per_degree))
    now = ndimage.shift(was, (0, pixels), order=0, mode="constant", cval=0)
    return float(np.minimum(was, now).sum() / np.maximum(was, now).sum())


# %% mended_segmentation · kron, stacked lists
def mended_segmentation(model, examples, test_images, palette, mean, std, lr=0.1):
    def prepare(pictures):
        shape = (1, -1, 1, 1)
        m, s = np.reshape(mean, shape), np.reshape(std, shape)
        return torch.from_numpy(((np.asarray(pictures) / 255 - m) / s).astype(np.float32))

    losses = []
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss(ignore_index=VOID)
    model.train()
    for number in range(len(examples) // 2):
        pair = examples[2 * number : 2 * number + 2]
        y = np.stack([np.kron(one["mask"].numpy(), np.ones((2, 2), int)) for one in pair])
        out = model(prepare(np.stack([one["image"].numpy() for one in pair])))["out"]
        y = torch.from_numpy(y).long()
        loss = criterion(out, y) if bool((y != VOID).any()) else 0 * out.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    ids = predict_masks(model, test_images, mean, std, batch_size=8)
    return {
        "losses": losses,
        "ids": ids,
        "pictures": np.stack([np.asarray(colour_mask(one, palette)) for one in ids]),
    }
