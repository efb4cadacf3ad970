# %% joint_transform · enlarges the mask bilinearly like the picture and rounds down to whole numbers, which invents ids
def joint_transform(image, mask, crop, size, flip, mean, std):
    top, left, side = crop
    both = torch.cat([image.float(), mask[None].float()])[:, top : top + side, left : left + side]
    both = nn.functional.interpolate(
        both[None], size=(size, size), mode="bilinear", align_corners=False
    )[0]
    if flip:
        both = both.flip(-1)
    x, y = both[:-1] / 255, both[-1].long()
    mean, std = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]
    return (x - mean) / std, y
# %% joint_transform · subtracts the mean and divides by the deviation without scaling 0 … 255 to 0 … 1 first
def joint_transform(image, mask, crop, size, flip, mean, std):
    top, left, side = crop
    x = image[:, top : top + side, left : left + side].float()
    y = mask[top : top + side, left : left + side]
    x = nn.functional.interpolate(x[None], size=size, mode="bilinear", align_corners=False)[0]
    y = nn.functional.interpolate(y[None, None].float(), size=size)[0, 0].long()
    if flip:
        x, y = x.flip(-1), y.flip(-1)
    mean = torch.tensor(mean).view(-1, 1, 1)
    std = torch.tensor(std).view(-1, 1, 1)
    return (x - mean) / std, y
# %% joint_transform · flips axis 1 of both, which is left-right for the mask (H, W) but upside-down for the picture (C, H, W)
def joint_transform(image, mask, crop, size, flip, mean, std):
    top, left, side = crop
    x = image[:, top : top + side, left : left + side].float() / 255
    y = mask[top : top + side, left : left + side].long()
    x = nn.functional.interpolate(x[None], size=(size, size), mode="bilinear")[0]
    y = y.repeat_interleave(size // side, 0).repeat_interleave(size // side, 1)
    if flip:
        x, y = x.flip(1), y.flip(1)
    mean = torch.tensor(mean).view(-1, 1, 1)
    std = torch.tensor(std).view(-1, 1, 1)
    return (x - mean) / std, y
# %% joint_transform · takes crop as (left, top, side), x before y, so row and column are exchanged
def joint_transform(image, mask, crop, size, flip, mean, std):
    x0, y0, side = crop
    x = image[:, y0 : y0 + side, x0 : x0 + side].float() / 255
    y = mask[y0 : y0 + side, x0 : x0 + side].float()
    x = nn.functional.interpolate(x[None], size=(size, size), mode="bilinear")[0]
    y = nn.functional.interpolate(y[None, None], size=(size, size), mode="nearest")[0, 0].long()
    if flip:
        x, y = torch.flip(x, dims=[-1]), torch.flip(y, dims=[-1])
    mean = torch.tensor(mean).view(-1, 1, 1)
    std = torch.tensor(std).view(-1, 1, 1)
    return (x - mean) / std, y
# %% receptive_field · multiplies the step by the layer's own stride before it widens the span, so that a stride already counts for its own layer
def receptive_field(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        jump *= stride
        field += (kernel - 1) * dilation * jump
    return field
# %% receptive_field · takes kernel times dilation for the width of an atrous kernel, in place of (kernel - 1) * dilation + 1
def receptive_field(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        effective = kernel * dilation
        field += (effective - 1) * jump
        jump *= stride
    return field
# %% receptive_field · counts the gaps out: multiplies strides but ignores the dilation, giving the number of taps of an ordinary convolution
def receptive_field(layers):
    r, j = 1, 1
    for k, s, d in layers:
        r = r + (k - 1) * j
        j = j * s
    return r
# %% cross_entropy · sets void pixels' losses to 0 but still divides by the number of all pixels
def cross_entropy(logits, target, ignore_index=255):
    target = target.long()
    valid = target != ignore_index
    log_p = torch.log_softmax(logits, dim=1)
    picked = log_p.gather(1, (target * valid).unsqueeze(1)).squeeze(1)
    return -(picked * valid).mean()
# %% cross_entropy · takes the logarithm of the softmax plus 1e-8, so that losses of large logits are cut at about 18.4
def cross_entropy(logits, target, ignore_index=255):
    p = torch.softmax(logits, dim=1)
    mask = target != ignore_index
    if mask.sum() == 0:
        return logits.sum() * 0
    p = p.permute(0, 2, 3, 1)[mask]
    y = target[mask].long()
    return -torch.log(p[torch.arange(len(y)), y] + 1e-8).mean()
# %% cross_entropy · returns a fresh tensor(0.) when no pixel counts, on which backward() raises an error
def cross_entropy(logits, target, ignore_index=255):
    keep = target != ignore_index
    if not keep.any():
        return torch.tensor(0.0)
    log_p = logits.log_softmax(1).permute(0, 2, 3, 1)[keep]
    return -log_p.gather(1, target[keep].long()[:, None]).mean()
# %% cross_entropy · ignores the argument ignore_index and always leaves out 255
def cross_entropy(logits, target, ignore_index=255):
    target = target.long()
    keep = target < 255
    z = logits.movedim(1, -1)[keep]
    y = target[keep]
    total = (z.logsumexp(-1) - z.gather(-1, y[:, None])[:, 0]).sum()
    return total / max(len(y), 1)
# %% mean_iou · computes the IoU of each batch and averages over the batches instead of adding up counts
def mean_iou(batches, num_classes, ignore_index=255):
    rows, accuracies = [], []
    for prediction, target in batches:
        prediction, target = np.asarray(prediction), np.asarray(target)
        keep = target != ignore_index
        p, t = prediction[keep], target[keep]
        row = []
        for k in range(num_classes):
            union = ((p == k) | (t == k)).sum()
            row.append(((p == k) & (t == k)).sum() / union if union else np.nan)
        rows.append(row)
        accuracies.append((p == t).mean())
    iou = np.nanmean(np.array(rows), axis=0)
    return {"iou": iou, "miou": np.nanmean(iou), "accuracy": np.mean(accuracies)}
# %% mean_iou · counts predictions on void pixels as false positives, since only the target's masks leave void out
def mean_iou(batches, num_classes, ignore_index=255):
    inter = torch.zeros(num_classes)
    union = torch.zeros(num_classes)
    right = counted = 0
    for pred, target in batches:
        pred, target = torch.as_tensor(pred), torch.as_tensor(target)
        for k in range(num_classes):
            p, t = pred == k, target == k
            inter[k] += (p & t).sum()
            union[k] += (p | t).sum()
        right += (pred == target).sum().item()
        counted += (target != ignore_index).sum().item()
    iou = inter / union
    return {"iou": iou, "miou": iou[~iou.isnan()].mean(), "accuracy": right / counted}
# %% mean_iou · gives 0 instead of nan to a class that is neither there nor predicted, by adding a small number to the union, and so lowers the mean
def mean_iou(batches, num_classes, ignore_index=255):
    matrix = np.zeros((num_classes, num_classes))
    for pred, target in batches:
        pred, target = np.asarray(pred, dtype=int), np.asarray(target, dtype=int)
        keep = target != ignore_index
        index = num_classes * target[keep] + pred[keep]
        matrix += np.bincount(index, minlength=num_classes**2).reshape(num_classes, num_classes)
    inter = np.diag(matrix)
    iou = inter / (matrix.sum(0) + matrix.sum(1) - inter + 1e-10)
    return {"iou": iou, "miou": iou.mean(), "accuracy": inter.sum() / matrix.sum()}
# %% mean_iou · builds target * num_classes + prediction in the ids' own type, which overflows for uint8 with more than 15 classes
def mean_iou(batches, num_classes, ignore_index=255):
    matrix = torch.zeros(num_classes * num_classes)
    for pred, target in batches:
        pred, target = torch.as_tensor(pred), torch.as_tensor(target)
        keep = target != ignore_index
        index = target[keep] * num_classes + pred[keep]
        matrix += torch.bincount(index, minlength=num_classes**2)[: num_classes**2]
    matrix = matrix.view(num_classes, num_classes)
    inter = matrix.diag()
    iou = inter / (matrix.sum(0) + matrix.sum(1) - inter)
    return {"iou": iou, "miou": iou.nanmean(), "accuracy": inter.sum() / matrix.sum()}
# %% dice_loss · squares the probabilities in the denominator, as V-Net's formula does
def dice_loss(logits, target, ignore_index=255, smooth=1.0):
    keep = target != ignore_index
    p = logits.softmax(1).permute(0, 2, 3, 1)[keep]
    t = nn.functional.one_hot(target[keep].long(), logits.shape[1]).float()
    top = 2 * (p * t).sum(0) + smooth
    return 1 - (top / ((p**2).sum(0) + (t**2).sum(0) + smooth)).mean()
# %% dice_loss · leaves void out of the one-hot target only, so that the sum of the probabilities still runs over void pixels
def dice_loss(logits, target, ignore_index=255, smooth=1.0):
    p = logits.softmax(dim=1)
    keep = target != ignore_index
    safe = torch.where(keep, target, 0).long()
    t = nn.functional.one_hot(safe, logits.shape[1]).permute(0, 3, 1, 2) * keep[:, None]
    inter = (p * t).sum(dim=(0, 2, 3))
    return 1 - ((2 * inter + smooth) / (p.sum(dim=(0, 2, 3)) + t.sum(dim=(0, 2, 3)) + smooth)).mean()
# %% dice_loss · takes Dice of each picture by itself and averages over the pictures, not sums over the whole batch
def dice_loss(logits, target, ignore_index=255, smooth=1.0):
    keep = target != ignore_index
    t = nn.functional.one_hot((target.long() * keep), logits.shape[1]).permute(0, 3, 1, 2)
    p, t = logits.softmax(dim=1) * keep[:, None], t * keep[:, None]
    p, t = p.flatten(2), t.flatten(2)
    dice = (2 * (p * t).sum(-1) + smooth) / (p.sum(-1) + t.sum(-1) + smooth)
    return 1 - dice.mean()
# %% dice_loss · averages only over the classes that occur in the target, not over all K
def dice_loss(logits, target, ignore_index=255, smooth=1.0):
    keep = target != ignore_index
    p = logits.softmax(dim=1)
    scores = []
    for k in range(logits.shape[1]):
        t = (target[keep] == k).float()
        if t.sum() == 0:
            continue
        q = p[:, k][keep]
        scores.append((2 * (q * t).sum() + smooth) / (q.sum() + t.sum() + smooth))
    if not scores:
        return logits.sum() * 0
    return 1 - torch.stack(scores).mean()
# %% train_deeplab · draws the random order once before the loop and goes through it again and again
def build_deeplab(num_classes, rates=(2, 4, 6)):
    classifier = nn.Sequential(
        ASPP(32, rates, 32), nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, num_classes, 1),
    )
    return DeepLabV3(Backbone(), classifier)


def train_deeplab(model, x, y, steps=180, batch_size=10, lr=5e-3):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=steps, pct_start=0.2)
    model.train()
    order = torch.randperm(len(x))
    losses = []
    for step in range(steps):
        start = step * batch_size % len(x)
        idx = order[start : start + batch_size]
        loss = nn.functional.cross_entropy(model(x[idx])["out"], y[idx].long(), ignore_index=255)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses
# %% train_deeplab · draws each batch independently by randint, so that pictures repeat before all have been seen
def build_deeplab(num_classes, rates=(2, 4, 6)):
    classifier = nn.Sequential(
        ASPP(32, rates, 32), nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, num_classes, 1),
    )
    return DeepLabV3(Backbone(), classifier)


def train_deeplab(model, x, y, steps=180, batch_size=10, lr=5e-3):
    model.train()
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=lr, total_steps=steps, pct_start=0.2)
    losses = []
    for _ in range(steps):
        i = torch.randint(0, len(x), (batch_size,))
        opt.zero_grad()
        loss = cross_entropy(model(x[i])["out"], y[i])
        loss.backward()
        opt.step()
        sched.step()
        losses.append(float(loss))
    return losses
# %% train_deeplab · never calls model.train(), so that a model which comes in evaluation mode is trained with fixed statistics
def build_deeplab(num_classes, rates=(2, 4, 6)):
    classifier = nn.Sequential(
        ASPP(32, rates, 32), nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, num_classes, 1),
    )
    return DeepLabV3(Backbone(), classifier)


def train_deeplab(model, x, y, steps=180, batch_size=10, lr=5e-3):
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=lr, total_steps=steps, pct_start=0.2)
    criterion = nn.CrossEntropyLoss(ignore_index=255)
    losses = []
    while len(losses) < steps:
        for i in torch.randperm(len(x)).split(batch_size):
            if len(losses) == steps:
                break
            opt.zero_grad()
            loss = criterion(model(x[i])["out"], y[i].long())
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
    return losses
# %% train_deeplab · build_deeplab takes torchvision's DeepLabHead, which has 256 channels wired in, instead of the small classifier asked for
def build_deeplab(num_classes, rates=(2, 4, 6)):
    from torchvision.models.segmentation.deeplabv3 import DeepLabHead

    return DeepLabV3(Backbone(), DeepLabHead(32, num_classes, rates))


def train_deeplab(model, x, y, steps=180, batch_size=10, lr=5e-3):
    model.train()
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=lr, total_steps=steps, pct_start=0.2)
    losses, order = [], []
    for _ in range(steps):
        if len(order) == 0:
            order = torch.randperm(len(x))
        i, order = order[:batch_size], order[batch_size:]
        loss = cross_entropy(model(x[i])["out"], y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    return losses
# %% predict_masks · leaves the model in evaluation mode, whatever mode it came in
@torch.no_grad()
def predict_masks(model, images, mean, std, batch_size=50):
    mean = torch.tensor(mean).view(1, -1, 1, 1)
    std = torch.tensor(std).view(1, -1, 1, 1)
    model.eval()
    out = []
    for i in range(0, len(images), batch_size):
        x = (images[i : i + batch_size].float() / 255 - mean) / std
        out.append(model(x)["out"].argmax(1))
    return torch.cat(out)
# %% predict_masks · divides by 255 but forgets mean and std
@torch.no_grad()
def predict_masks(model, images, mean, std, batch_size=50):
    was = model.training
    model.eval()
    ids = [model(x.float() / 255)["out"].argmax(dim=1) for x in images.split(batch_size)]
    model.train(was)
    return torch.cat(ids)
# %% predict_masks · goes through whole batches only and drops the pictures of the last, smaller one
def predict_masks(model, images, mean, std, batch_size=50):
    was = model.training
    model.eval()
    mean = torch.tensor(mean)[None, :, None, None]
    std = torch.tensor(std)[None, :, None, None]
    batch_size = min(batch_size, len(images))
    ids = []
    with torch.no_grad():
        for b in range(len(images) // batch_size):
            x = images[b * batch_size : (b + 1) * batch_size] / 255
            ids.append(model((x - mean) / std)["out"].argmax(1))
    model.train(was)
    return torch.cat(ids)
# %% predict_masks · switches requires_grad off on all weights to save gradients and never puts it back
def predict_masks(model, images, mean, std, batch_size=50):
    training = model.training
    model.eval()
    for parameter in model.parameters():
        parameter.requires_grad = False
    mean, std = torch.tensor(mean).view(-1, 1, 1), torch.tensor(std).view(-1, 1, 1)
    ids = []
    for i in range(0, images.shape[0], batch_size):
        x = images[i : i + batch_size].float().div(255).sub(mean).div(std)
        ids.append(model(x)["out"].argmax(dim=1))
    model.train(training)
    return torch.cat(ids)
# %% colour_mask · indexes the palette with 255 cut to the last class, so that void gets the last class's colour and the argument void is never used
def colour_mask(mask, palette, void=(224, 224, 192)):
    palette = np.asarray(palette).astype(np.uint8)
    ids = np.asarray(mask).astype(int).clip(0, len(palette) - 1)
    return palette[ids]
# %% colour_mask · puts the channels first, (3, H, W), as torch's pictures have them
def colour_mask(mask, palette, void=(224, 224, 192)):
    table = np.full((256, 3), void, dtype=np.uint8)
    table[: len(palette)] = np.asarray(palette)
    return table[np.asarray(mask).astype(int)].transpose(2, 0, 1)
# %% colour_mask · fills an int64 picture and returns it as it is, not uint8
def colour_mask(mask, palette, void=(224, 224, 192)):
    mask = torch.as_tensor(mask)
    palette = torch.as_tensor(palette).long()
    picture = torch.zeros(*mask.shape, 3, dtype=torch.int64)
    for k in range(len(palette)):
        picture[mask == k] = palette[k]
    picture[mask == 255] = torch.tensor(void)
    return picture
# %% late_iou · shifts with np.roll, so that what leaves at one side comes in at the other
def late_iou(mask, speed, latency_ms, pixels_per_degree):
    mask = np.asarray(mask).astype(bool)
    shift = int(round(speed * latency_ms / 1000 * pixels_per_degree))
    moved = np.roll(mask, shift, axis=1)
    return np.logical_and(mask, moved).sum() / np.logical_or(mask, moved).sum()
# %% late_iou · rounds the shift down with int() instead of to the nearest whole number
def late_iou(mask, speed, latency_ms, pixels_per_degree):
    mask = np.asarray(mask).astype(bool)
    width = mask.shape[1]
    s = int(speed * latency_ms / 1000 * pixels_per_degree)
    now = np.zeros_like(mask)
    if abs(s) < width:
        if s >= 0:
            now[:, s:] = mask[:, : width - s]
        else:
            now[:, :s] = mask[:, -s:]
    return (mask & now).sum() / (mask | now).sum()
# %% late_iou · takes the lesson's formula for a hand that stays in the picture, (width - s) / (width + s) of the hand's bounding box
def late_iou(mask, speed, latency_ms, pixels_per_degree):
    columns = np.flatnonzero(np.asarray(mask).any(axis=0))
    width = columns.max() - columns.min() + 1
    shift = abs(round(speed * latency_ms / 1000 * pixels_per_degree))
    return max(0, width - shift) / (width + min(shift, width))
# %% mended_segmentation · predicts pictures divided by 255 but not normalised, though the training pictures were
def mended_segmentation(model, examples, test_images, palette, mean, std, lr=0.1):
    m, s = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]
    sgd = torch.optim.SGD(model.parameters(), lr)
    criterion = nn.CrossEntropyLoss(ignore_index=255)
    size = test_images.shape[-2:]
    history = []
    model.train()
    for one, two in zip(examples[::2], examples[1::2], strict=True):
        pair = (torch.stack([one["image"], two["image"]]) / 255 - m) / s
        masks = torch.stack([one["mask"], two["mask"]])[:, None].float()
        masks = nn.functional.interpolate(masks, size=size, mode="nearest")[:, 0].long()
        sgd.zero_grad()
        loss = criterion(model(pair)["out"], masks)
        loss.backward()
        sgd.step()
        history.append(loss.item())
    model.eval()
    ids = []
    with torch.no_grad():
        for image in test_images:
            ids.append(model(image[None] / 255)["out"].argmax(1)[0])
    pictures = [torch.as_tensor(colour_mask(i, palette)) for i in ids]
    return {"losses": history, "ids": torch.stack(ids), "pictures": torch.stack(pictures)}
# %% mended_segmentation · makes the void pixels background (0) and trains on them, instead of leaving them out
def mended_segmentation(model, examples, test_images, palette, mean, std, lr=0.1):
    m, s = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]
    sgd = torch.optim.SGD(model.parameters(), lr)
    criterion = nn.CrossEntropyLoss()
    history = []
    model.train()
    for one, two in zip(examples[::2], examples[1::2], strict=True):
        pair = (torch.stack([one["image"], two["image"]]) / 255 - m) / s
        masks = torch.stack([one["mask"], two["mask"]]).long()
        masks[masks == 255] = 0
        masks = masks.repeat_interleave(2, 1).repeat_interleave(2, 2)
        sgd.zero_grad()
        loss = criterion(model(pair)["out"], masks)
        loss.backward()
        sgd.step()
        history.append(loss.item())
    ids = predict_masks(model, test_images, mean, std)
    pictures = np.stack([np.asarray(colour_mask(i, palette)) for i in ids])
    return {"losses": history, "ids": ids, "pictures": pictures}
# %% mended_segmentation · shrinks the network's output to the mask's half resolution instead of enlarging the masks
def mended_segmentation(model, examples, test_images, palette, mean, std, lr=0.1):
    m, s = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    model.train()
    for i in range(0, len(examples), 2):
        pair = examples[i : i + 2]
        x = (torch.stack([e["image"] for e in pair]) / 255 - m) / s
        y = torch.stack([e["mask"] for e in pair]).long()
        out = nn.functional.interpolate(
            model(x)["out"], size=y.shape[-2:], mode="bilinear", align_corners=False
        )
        loss = cross_entropy(out, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    ids = predict_masks(model, test_images, mean, std)
    pictures = np.stack([np.asarray(colour_mask(i, palette)) for i in ids])
    return {"losses": losses, "ids": ids, "pictures": pictures}
