"""What the last probe of `detection` trains and measures with: scenes, a small network, AP."""

import contextlib
import io

import numpy as np

CATEGORIES = ("background", "red", "blue")
INKS = np.array([[1, 0.2, 0.2], [0.2, 0.2, 1]])


def coloured(count, part, seed):
    """Scenes in two colours, as the notebook has them."""
    import torch

    from autograder.data import scenes

    colours, pairs = np.random.default_rng(seed), []
    for number, scene in enumerate(scenes.make(count, part=part, seed=seed, digit_sizes=(8, 14))):
        labels = colours.integers(1, 3, len(scene.labels))
        tint = np.ones((32, 32, 3))
        for pixels, label in zip(scene.masks, labels, strict=True):
            tint[pixels] = INKS[label - 1]
        image = np.pad(scene.image[:, :, None] / 255 * tint, ((0, 0), (0, number % 2 * 8), (0, 0)))
        names = [CATEGORIES[label] for label in labels]
        truth = {"boxes": torch.from_numpy(scene.boxes), "names": names}
        pairs.append((torch.from_numpy(image).float().permute(2, 0, 1), truth))
    return pairs


def tiny_faster_rcnn(num_classes):
    """The notebook's network."""
    from torch import nn
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.ops import MultiScaleRoIAlign

    layers = []
    for inputs, outputs, stride in [(3, 16, 1), (16, 32, 2), (32, 32, 1), (32, 32, 1)]:
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)]
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
    backbone = nn.Sequential(*layers)
    backbone.out_channels = 32
    return FasterRCNN(
        backbone, min_size=32, max_size=64, size_divisible=8,
        image_mean=[0.06] * 3, image_std=[0.16] * 3,
        rpn_anchor_generator=AnchorGenerator(((8, 12),), ((1.0,),)),
        rpn_pre_nms_top_n_train=100, rpn_pre_nms_top_n_test=100,
        rpn_post_nms_top_n_train=50, rpn_post_nms_top_n_test=50,
        rpn_batch_size_per_image=32, box_batch_size_per_image=64,
        box_roi_pool=MultiScaleRoIAlign(["0"], output_size=4, sampling_ratio=2),
        box_head=TwoMLPHead(32 * 4 * 4, 64), box_predictor=FastRCNNPredictor(64, num_classes),
    )  # fmt: skip


def ap50(found, test):
    """The mean over colours of AP at an IoU of 0.5, of what was found on the scenes `test`.

    By COCO's own program, as a submission may read this, and is asked for it.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    said = _annotations(found)
    if not said:
        return 0.0
    truth = COCO()
    truth.dataset = {
        "images": [{"id": place} for place in range(len(test))],
        "categories": [{"id": k} for k in range(1, len(CATEGORIES))],
        "annotations": _annotations([target for _, target in test]),
        "info": {},
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(said), "bbox")
        judge.params.iouThrs = np.array([0.5])
        judge.evaluate()
        judge.accumulate()
    return float(judge.eval["precision"][..., 0, -1].mean())


def _annotations(groups):
    """COCO's annotations of boxes with names of ours, and with scores where there are any."""
    rows = []
    for place, one in enumerate(groups):
        boxes, names = one["boxes"], one["names"]
        scores = one.get("scores", [1] * len(names))
        rows += [(place, *row) for row in zip(boxes, names, scores, strict=True)]
    found = []
    for number, (place, box, name, score) in enumerate(rows, start=1):
        if name not in CATEGORIES:
            continue
        x1, y1, x2, y2 = map(float, box)
        found.append({
            "id": number, "image_id": place, "category_id": CATEGORIES.index(name),
            "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1),
            "score": float(score), "iscrowd": 0,
        })  # fmt: skip
    return found
