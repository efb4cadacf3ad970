# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Where is it, and what is it?
#
# A detector returns boxes, a class for each and a score. "Detect objects with Faster R-CNN" is
# asked so that you talk about what lies between a forward pass and a number one can believe:
# how boxes are compared, which of a hundred overlapping ones are kept, what the network regresses,
# which losses it minimises, and what mAP means. Our source document's program stops before
# training begins, and behind every error that one mends stands another.
#
# You will write these parts on real digits whose boxes are known exactly, train a Faster R-CNN in
# two seconds, and mend a program with all of those faults.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("box_iou")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 在哪里，是什么？
#
# 检测器返回若干个框，每个框带一个类别和一个分数。面试官问「用 Faster R-CNN 做目标检测」，
# 是想听你讲清楚从前向计算到一个可信数字之间的事：框怎么比较，上百个重叠的框留哪几个，
# 网络回归的是什么，最小化的是哪几个损失，mAP 又是什么意思。原始资料里的程序还没开始训练就停了，
# 改掉一个错误，后面还有一个。
#
# 下面你将在框完全已知的真实数字上写出这些环节，用两秒钟训练一个 Faster R-CNN，
# 最后改好一个把这些错误全占了的程序。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("box_iou")`，先给一点提醒，再问还有两级。

# %% id="setup"
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch import nn
from torch.utils.data import DataLoader
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign

from autograder import check, hint, lesson, solution, status
from autograder.data import scenes

EXERCISE, LANGUAGE = "detection", "en"

# %% [markdown] id="data" lang="en"
# ## The pictures
#
# Scenes of handwritten digits, made on the spot, in two colours: the class of a digit is its
# **colour**, red or blue. Each comes as a pair: the picture $(3, H, W)$, RGB from 0 to 1, and
# what is on it: boxes and names. Pictures are not all of one width, and each holds one to three
# digits.

# %% [markdown] id="data" lang="zh"
# ## 图片
#
# 当场生成的手写数字场景，有两种颜色：数字的类别就是它的**颜色**，红（red）或蓝（blue）。
# 每一项是一对：图片 $(3, H, W)$，RGB，取值 0 到 1；以及图上有什么：框和名字。
# 图片宽度不全相同，每张上有一到三个数字。

# %% id="data-plot"
CATEGORIES = ("background", "red", "blue")
INKS = np.array([[1, 0.2, 0.2], [0.2, 0.2, 1]])


def coloured_scenes(count, part, seed=0):
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


def show(images, groups, titles=()):
    # en: groups: for each picture, (boxes, colour, style) to draw
    # zh: groups：每张图要画的 (框, 颜色, 线型)
    figure, grid = plt.subplots(1, len(images), figsize=(2.2 * len(images), 2.3), squeeze=False)
    for number, (axes, image) in enumerate(zip(grid[0], images, strict=True)):
        axes.imshow(image.permute(1, 2, 0))
        axes.axis("off")
        axes.set_title(titles[number] if number < len(titles) else "", fontsize=9)
        for boxes, colour, style in groups[number]:
            for x1, y1, x2, y2 in np.asarray(boxes).reshape(-1, 4) - 0.5:
                corner = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec=colour, ls=style)
                axes.add_patch(corner)
    plt.show()


train_pairs = coloured_scenes(160, "train")
test_pairs = coloured_scenes(60, "test")
some = test_pairs[:5]
show(
    [image for image, _ in some],
    [[(truth["boxes"], "white", "-")] for _, truth in some],
    [", ".join(truth["names"]) for _, truth in some],
)

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Boxes are floating-point tensors $(n, 4)$ of $(x_1, y_1, x_2,
# y_2)$. The right and lower edges are **exclusive**: the width is $x_2 - x_1$, nothing is added,
# and never below 0. There may be no boxes: $(0, 4)$. Classes count from 1, for **label 0 is the
# background**; `categories` holds a name for each label, the background's first, as
# `weights.meta["categories"]` of torchvision does. A *prediction* is what a detector of
# torchvision's returns for one picture, `{"boxes": (n, 4), "labels": (n,), "scores": (n,)}`, a
# *target* the same without scores. Arguments stay as they are. What you return may be numbers of
# Python, NumPy or torch, in lists, arrays or tensors. Every task may use what you wrote for those
# before it.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 框是形状为 $(n, 4)$ 的浮点张量，每行是 $(x_1, y_1, x_2, y_2)$。右边界和下边界**不含在内**：宽就是 $x_2 - x_1$，不加一，也不会小于 0。可以一个框都没有：$(0, 4)$。类别从 1 开始编号，**标签 0 是背景**；`categories` 按标签给出名字，第一个是背景，与 torchvision 的
# `weights.meta["categories"]` 相同。**预测**（prediction）是 torchvision 检测器对一张图的输出
# `{"boxes": (n, 4), "labels": (n,), "scores": (n,)}`，**目标**（target）与它一样，只是没有 scores。
# 不要改动传入的参数。返回 Python、NumPy 或 torch 的数值都可以，列表、数组、张量也都可以。
# 每道题都可以用前面写好的函数。

# %% [markdown] id="box_iou-task" lang="en"
# ## 1. How much two boxes share
#
# Return the intersection over union of every box of the first set with every box of the second,
# $(N, M)$:
#
# $$\mathrm{IoU}(a, b) = \frac{|a \cap b|}{|a| + |b| - |a \cap b|}$$
#
# Boxes that only touch, or do not meet at all, share 0. So do two boxes without area (the union
# is empty). Do without torchvision.

# %% [markdown] id="box_iou-task" lang="zh"
# ## 1. 两个框重合多少
#
# 返回第一组每个框与第二组每个框的交并比，形状 $(N, M)$：
#
# $$\mathrm{IoU}(a, b) = \frac{|a \cap b|}{|a| + |b| - |a \cap b|}$$
#
# 只挨着边或完全不相交的，交并比为 0；两个面积都是零的框（并集为空）也为 0。不用 torchvision。

# %% id="box_iou"
def box_iou(boxes1, boxes2):
    # en: boxes1: (N, 4); boxes2: (M, 4) → (N, M)
    # zh: boxes1：(N, 4)；boxes2：(M, 4) → (N, M)
    ### BEGIN SOLUTION
    first, second = boxes1[:, None], boxes2[None]  # (N, 1, 4), (1, M, 4)
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)  # (N, M)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(dim=-1) for boxes in (first, second)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-12)
    ### END SOLUTION

# %% id="box_iou-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    image, truth = some[0]
    box = truth["boxes"][:1]
    moves = torch.tensor([[0.0, 0.0], [2.0, 0.0], [3.0, 3.0], [6.0, 2.0]])
    moved = box + moves.repeat(1, 2)
    ious = np.asarray(box_iou(box, moved))[0]
    groups = [[(box, "white", "-"), (one, "yellow", "--")] for one in moved]
    show([image] * 4, groups, [f"IoU {iou:.2f}" for iou in ious])

# %% id="box_iou-check"
check("box_iou")

# %% [markdown] id="batched_nms-task" lang="en"
# ## 2. One box for each thing
#
# A detector proposes many boxes for one thing. Non-maximum suppression goes through them by
# falling score: it keeps a box unless its IoU with a box **already kept, of the same class**, is
# **greater** than the threshold. (A box that was itself dropped suppresses nothing.)
#
# Return the indices of the boxes kept, as whole numbers, **by falling score**. Of equal scores the
# one that comes first in the list goes first. Do without torchvision.

# %% [markdown] id="batched_nms-task" lang="zh"
# ## 2. 一个物体只留一个框
#
# 检测器对同一个物体会给出许多框。非极大值抑制（NMS）按分数从高到低处理：
# 一个框如果与某个**已保留的同类框**的 IoU **大于**阈值就丢掉，否则保留。
#（已被丢掉的框不再抑制别的框。）
#
# 返回保留下来的框的下标（整数），**按分数从高到低**。分数相同时，列表里靠前的先处理。不用 torchvision。

# %% id="batched_nms"
def batched_nms(boxes, scores, idxs, iou_threshold):
    # en: boxes: (n, 4); scores: (n,); idxs: (n,) classes → (kept,) indices, by falling score
    # zh: boxes：(n, 4)；scores：(n,)；idxs：(n,)，类别 → (kept,)，下标，按分数从高到低
    ### BEGIN SOLUTION
    overlaps = box_iou(boxes, boxes) > iou_threshold
    rivals = overlaps & (idxs[:, None] == idxs[None])  # (n, n)
    kept = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if not rivals[i, kept].any():
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)
    ### END SOLUTION

# %% id="batched_nms-try"
# en: Before and after: what a detector that is a little unsure might propose.
# zh: 前与后：一个稍有犹豫的检测器会给出的候选框。
with suppress(NotImplementedError):
    generator = torch.Generator().manual_seed(1)
    image, truth = some[0]
    boxes = truth["boxes"].repeat(8, 1)
    boxes = boxes + 1.2 * torch.randn(boxes.shape, generator=generator)
    scores = torch.rand(len(boxes), generator=generator)
    idxs = torch.ones(len(boxes), dtype=torch.int64)
    kept = [batched_nms(boxes, scores, idxs, threshold) for threshold in (0.3, 0.7)]
    groups = [[(boxes, "yellow", "-")], *[[(boxes[one], "yellow", "-")] for one in kept]]
    titles = [f"{len(boxes)} boxes", *[f"{t}: {len(k)} left" for t, k in zip((0.3, 0.7), kept)]]
    show([image] * 3, groups, titles)

# %% id="batched_nms-check"
check("batched_nms")

# %% [markdown] id="box_coding-task" lang="en"
# ## 3. What the network regresses
#
# Not coordinates, but the way from an anchor to the box, so that near and far, large and small
# look alike. With centres $(c_x, c_y)$ and sizes $(w, h)$ of box and anchor ($a$), and weights
# $(w_x, w_y, w_w, w_h)$:
#
# $$t = \left(w_x \frac{c_x - c_x^a}{w^a},\; w_y \frac{c_y - c_y^a}{h^a},\;
# w_w \ln\frac{w}{w^a},\; w_h \ln\frac{h}{h^a}\right)$$
#
# Write `encode_boxes`, which returns $t$, and its inverse `decode_boxes`, which returns boxes. An
# untrained network may ask for a box $e^{50}$ times as large: when decoding, each $\ln(w / w^a)$
# and $\ln(h / h^a)$ (after division by its weight) is **cut at $\ln(1000 / 16)$** from above;
# small ones are left as they are. There is one anchor for each box, and all have an area. Do
# without torchvision.

# %% [markdown] id="box_coding-task" lang="zh"
# ## 3. 网络回归的是什么
#
# 不是坐标，而是从锚框到目标框的变换，这样远近大小都一视同仁。设框和锚框（$a$）的中心为
# $(c_x, c_y)$，尺寸为 $(w, h)$，权重为 $(w_x, w_y, w_w, w_h)$：
#
# $$t = \left(w_x \frac{c_x - c_x^a}{w^a},\; w_y \frac{c_y - c_y^a}{h^a},\;
# w_w \ln\frac{w}{w^a},\; w_h \ln\frac{h}{h^a}\right)$$
#
# 写出返回 $t$ 的 `encode_boxes` 和它的逆 `decode_boxes`（返回框）。没训练好的网络可能要一个大
# $e^{50}$ 倍的框：解码时，$\ln(w / w^a)$ 和 $\ln(h / h^a)$（除以权重之后）**上限截断为
# $\ln(1000 / 16)$**，下面不截。每个框对应一个锚框，面积都不为零。不用 torchvision。

# %% id="box_coding"
def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    # en: boxes, anchors: (n, 4) → (n, 4) deltas
    # zh: boxes、anchors：(n, 4) → (n, 4)，变换量
    ### BEGIN SOLUTION
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    anchor, span = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
    deltas = torch.cat([(centre - anchor) / span, (size / span).log()], dim=1)
    return deltas * torch.tensor(weights, dtype=deltas.dtype)
    ### END SOLUTION


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    # en: deltas, anchors: (n, 4) → (n, 4) boxes
    # zh: deltas、anchors：(n, 4) → (n, 4)，框
    ### BEGIN SOLUTION
    deltas = deltas / torch.tensor(weights, dtype=deltas.dtype)
    anchor, span = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
    centre = anchor + deltas[:, :2] * span
    size = span * deltas[:, 2:].clamp(max=math.log(1000 / 16)).exp()
    return torch.cat([centre - size / 2, centre + size / 2], dim=1)
    ### END SOLUTION

# %% id="box_coding-try"
with suppress(NotImplementedError):
    anchors = torch.tensor([[8.0, 8.0, 20.0, 20.0]] * 2)
    boxes = torch.tensor([[9.0, 8.0, 21.0, 20.0], [2.0, 2.0, 26.0, 26.0]])
    deltas = encode_boxes(boxes, anchors)
    print(deltas)
    print(decode_boxes(deltas, anchors))

# %% id="box_coding-check"
check("box_coding")

# %% [markdown] id="detection_target-task" lang="en"
# ## 4. What the model wants to be given
#
# A folder for each class, as `ImageFolder` reads them, holds no boxes. COCO's annotations do: for
# one picture a list of `{"bbox": [x, y, width, height], "category_id": …, "iscrowd": 0 or 1}`.
# Write
#
# - `detection_target(annotations, category_ids)`: the target `{"boxes", "labels"}` of one picture,
#   boxes as `float32` $(n, 4)$ in **corners**, labels as `int64` $(n,)$. The category
#   `category_ids[0]` is class 1, the next class 2, and so on: COCO's own ids have gaps. Left out
#   are crowds (`iscrowd` is 1) and boxes whose width or height is not above 0, which would stop
#   torchvision's training; the rest keep their order. Every category is in `category_ids`. Without
#   objects the boxes have the shape $(0, 4)$;
# - `collate(batch)`: of a list of pairs (picture, target) the pictures and the targets, as **two
#   lists** (or tuples). Pictures differ in size and targets in length: nothing is stacked.

# %% [markdown] id="detection_target-task" lang="zh"
# ## 4. 模型要的是什么输入
#
# `ImageFolder` 那样一类一个文件夹，里面没有框。COCO 的标注才有：每张图是一个列表，元素为
# `{"bbox": [x, y, width, height], "category_id": …, "iscrowd": 0 或 1}`。请写出
#
# - `detection_target(annotations, category_ids)`：一张图的目标 `{"boxes", "labels"}`，
#   boxes 是**角点形式**的 `float32` $(n, 4)$，labels 是 `int64` $(n,)$。
#   `category_ids[0]` 是第 1 类，下一个是第 2 类，依此类推：COCO 自己的编号中间有空缺。
#   去掉成群标注（`iscrowd` 为 1），以及宽或高不大于 0 的框（torchvision 训练时遇到会报错停下）；
#   其余保持原来的顺序。每个类别编号都在 `category_ids` 里。
#   没有物体时，boxes 的形状是 $(0, 4)$；
# - `collate(batch)`：传入 (图片, 目标) 的列表，返回图片和目标**两个列表**（或元组）。
#   图片大小不一，目标个数不一：什么都不堆叠。

# %% id="detection_target"
def detection_target(annotations, category_ids):
    # en: annotations: list of dicts; category_ids: K ids → {"boxes": (n, 4), "labels": (n,)}
    # zh: annotations：字典的列表；category_ids：K 个编号 → {"boxes": (n, 4), "labels": (n,)}
    ### BEGIN SOLUTION
    place = {category: label for label, category in enumerate(category_ids, start=1)}
    kept = [a for a in annotations if not a["iscrowd"] and min(a["bbox"][2:]) > 0]
    boxes = torch.tensor([a["bbox"] for a in kept], dtype=torch.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    labels = torch.tensor([place[a["category_id"]] for a in kept], dtype=torch.int64)
    return {"boxes": boxes, "labels": labels}
    ### END SOLUTION


def collate(batch):
    # en: batch: list of (picture, target) → (pictures, targets)
    # zh: batch：(图片, 目标) 的列表 → (图片们, 目标们)
    ### BEGIN SOLUTION
    images, targets = zip(*batch, strict=True)
    return list(images), list(targets)
    ### END SOLUTION

# %% id="detection_target-try"
with suppress(NotImplementedError):
    cat = {"bbox": [10, 20, 30, 5], "category_id": 17, "iscrowd": 0}
    person = {"bbox": [0, 0, 8, 9], "category_id": 1, "iscrowd": 0}
    print(detection_target([cat, person], [1, 17, 90]))
    print([tuple(image.shape) for image in collate(some)[0]])

# %% id="detection_target-check"
check("detection_target")

# %% [markdown] id="train_step-task" lang="en"
# ## 5. One step of training
#
# In training mode a detector of torchvision's takes pictures **and targets** and returns no
# predictions but a **dict of losses**: for Faster R-CNN `loss_objectness` and `loss_rpn_box_reg`
# of the proposals, `loss_classifier` and `loss_box_reg` of the final boxes. Other models name
# others (a Mask R-CNN adds `loss_mask`). All of them are added up and minimised; there is no
# criterion of your own.
#
# Do one step: training mode, whatever mode the model came in; old gradients gone; the sum of all
# losses backward; one step of `optimizer`. Return that sum, from before the step, as a number.

# %% [markdown] id="train_step-task" lang="zh"
# ## 5. 训练一步
#
# torchvision 的检测器在训练模式下接收图片**和目标**，返回的不是预测，而是一个**损失字典**：
# Faster R-CNN 有候选框的 `loss_objectness`、`loss_rpn_box_reg`，
# 和最终框的 `loss_classifier`、`loss_box_reg`。别的模型名字不同（Mask R-CNN 多一个 `loss_mask`）。
# 把它们全部加起来最小化，不需要自己再写损失函数。
#
# 完成一步：不论模型传进来是什么模式，都切到训练模式；清掉旧梯度；对全部损失之和反向传播；
# `optimizer` 走一步。返回走这一步之前的那个和，一个数。

# %% id="train_step"
def train_step(model, optimizer, images, targets):
    # en: images: B pictures (3, H, W); targets: B dicts → a number
    # zh: images：B 张图 (3, H, W)；targets：B 个字典 → 一个数
    ### BEGIN SOLUTION
    model.train()
    loss = sum(model(images, targets).values())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION

# %% [markdown] id="network" lang="en"
# And this is a Faster R-CNN, put together of torchvision's parts, small enough for a laptop: 71
# thousand parameters in place of 41.8 million. Four layers of convolutions see; the region proposal
# network proposes from square anchors of 8 and 12 pixels; RoIAlign cuts out features of 4 × 4; two
# linear layers and a predictor for classes and boxes decide. `num_classes` **includes the
# background**. Mind `size_divisible`: pictures are padded to a multiple of it, 32 by default, and
# on pictures as small as these the scale of the features is then guessed wrong.

# %% [markdown] id="network" lang="zh"
# 下面用 torchvision 的零件拼出一个 Faster R-CNN，小到笔记本电脑也能训练：7.1 万个参数，原版是 4180 万。
# 四层卷积负责「看」；区域建议网络从边长 8 和 12 像素的正方形锚框出发给出候选；
# RoIAlign 取出 4 × 4 的特征；两个线性层加一个预测器给出类别和框。`num_classes` **含背景**。
# 注意 `size_divisible`：图片会补齐到它的倍数，默认 32；图片这么小时，特征的缩放比例会因此猜错。

# %% id="network-code"
def tiny_faster_rcnn(num_classes):
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

# %% id="train_step-try"
with suppress(NotImplementedError):
    torch.manual_seed(0)
    model = tiny_faster_rcnn(len(CATEGORIES))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    images = [image for image, _ in train_pairs[:8]]
    targets = [
        {"boxes": t["boxes"], "labels": torch.tensor([CATEGORIES.index(n) for n in t["names"]])}
        for _, t in train_pairs[:8]
    ]
    print({name: round(loss.item(), 2) for name, loss in model(images, targets).items()})
    print([round(train_step(model, optimizer, images, targets), 2) for _ in range(8)])

# %% id="train_step-check"
check("train_step")

# %% [markdown] id="average_precision-task" lang="en"
# ## 6. AP and mAP
#
# For **one class** (`label`) and one IoU threshold, over all pictures together, as COCO does it:
#
# 1. Take all predictions of that class, of all pictures, by falling score (no two are equal).
# 2. Each in turn takes, among the targets of that class **on its own picture that nobody has
#    taken yet**, the one with the highest IoU, if that is **at least** the threshold. It is then
#    a hit, else a false alarm. So each target is found once at most.
# 3. After each prediction note precision (hits over predictions so far) and recall (hits over all
#    targets of the class). At each recall level $r = 0, 0.01, \ldots, 1$ (**101 points**) take the
#    highest precision at any recall $\ge r$, and 0 where that is never reached.
# 4. AP is the mean of the 101 numbers. No predictions: 0. **No targets** of the class at all:
#    `nan`, whatever is predicted.
#
# No recall but 1 is a level's own and no two IoUs are equal, so that rounding does not matter;
# there are fewer than 100 predictions a picture.
#
# `mean_average_precision` is the mean of these over the thresholds and over the classes that occur
# in the targets. Without `iou_thresholds` it takes COCO's ten, 0.50, 0.55, …, 0.95. There is at
# least one target. Do without pycocotools, torchmetrics and torchvision.

# %% [markdown] id="average_precision-task" lang="zh"
# ## 6. AP 和 mAP
#
# 针对**一个类别**（`label`）和一个 IoU 阈值，把所有图片放在一起，按 COCO 的做法计算：
#
# 1. 取所有图片上该类的全部预测，按分数从高到低排序（没有相同的分数）。
# 2. 依次处理：在**同一张图上、该类的、还没被匹配**的目标中，取 IoU 最高的一个；
#    IoU **不低于**阈值就算命中，否则算误报。所以每个目标最多被匹配一次。
# 3. 每处理一个预测，记下精确率（命中数 / 已处理的预测数）和召回率（命中数 / 该类目标总数）。
#    在召回率 $r = 0, 0.01, \ldots, 1$ 这 **101 个点**上，取召回率 $\ge r$ 处的最高精确率；
#    达不到的点记 0。
# 4. AP 是这 101 个数的平均。没有预测，AP 为 0；**根本没有该类目标**，不管预测了什么，AP 都为 `nan`。
#
# 除 1 以外，召回率不会恰好落在这些点上，IoU 也没有相同的，所以不必担心舍入；每张图的预测不到 100 个。
#
# `mean_average_precision` 对各个阈值、以及目标中出现过的各个类别求平均。不传 `iou_thresholds` 时用
# COCO 的十个阈值 0.50、0.55、…、0.95。至少有一个目标。不用 pycocotools、torchmetrics 和 torchvision。

# %% id="average_precision"
def average_precision(predictions, targets, label, iou_threshold=0.5):
    # en: predictions, targets: a dict for each picture → a number from 0 to 1, or nan
    # zh: predictions、targets：每张图一个字典 → 0 到 1 之间的数，或 nan
    ### BEGIN SOLUTION
    ranked = sorted(
        (
            (float(score), place, box)
            for place, found in enumerate(predictions)
            for box, score, kind in zip(found["boxes"], found["scores"], found["labels"])
            if kind == label
        ),
        key=lambda one: -one[0],
    )
    free = [target["boxes"][target["labels"] == label] for target in targets]
    total = sum(map(len, free))
    if not total:
        return math.nan
    hits = []
    for _, place, box in ranked:
        ious = box_iou(box[None], free[place])[0]
        hits.append(bool(len(ious) and ious.max() >= iou_threshold))
        if hits[-1]:
            others = torch.arange(len(ious)) != ious.argmax()
            free[place] = free[place][others]
    found = np.cumsum(hits)
    precision, recall = found / np.arange(1, len(hits) + 1), found / total
    levels = np.linspace(0, 1, 101)
    return float(np.mean([max(precision[recall >= r], default=0) for r in levels]))
    ### END SOLUTION


def mean_average_precision(predictions, targets, iou_thresholds=None):
    # en: iou_thresholds: numbers, or None for COCO's ten → a number from 0 to 1
    # zh: iou_thresholds：若干个数；None 表示 COCO 的十个 → 0 到 1 之间的数
    ### BEGIN SOLUTION
    if iou_thresholds is None:
        iou_thresholds = np.linspace(0.5, 0.95, 10)
    labels = torch.cat([target["labels"] for target in targets]).unique().tolist()
    return float(
        np.mean(
            [
                average_precision(predictions, targets, label, threshold)
                for label in labels
                for threshold in iou_thresholds
            ]
        )
    )
    ### END SOLUTION

# %% id="average_precision-try"
# en: The truth, shaken ever more: AP falls, and the stricter the threshold, the sooner.
# zh: 把真实框越抖越厉害：AP 随之下降，阈值越严，降得越早。
with suppress(NotImplementedError):
    generator = torch.Generator().manual_seed(2)
    targets = [
        {"boxes": t["boxes"], "labels": torch.ones(len(t["boxes"]), dtype=torch.int64)}
        for _, t in test_pairs
    ]
    shakes, curves = (0, 0.5, 1, 1.5, 2, 3), {0.5: [], 0.75: [], 0.9: []}
    for shake in shakes:
        predictions = [
            {
                "boxes": t["boxes"] + shake * torch.randn(t["boxes"].shape, generator=generator),
                "labels": t["labels"],
                "scores": torch.rand(len(t["labels"]), generator=generator),
            }
            for t in targets
        ]
        for threshold, values in curves.items():
            values.append(average_precision(predictions, targets, 1, threshold))
    figure, axes = plt.subplots(figsize=(5.5, 2.6))
    for threshold, values in curves.items():
        axes.plot(shakes, values, marker="o", label=f"IoU ≥ {threshold}")
    axes.set(xlabel="shaken by (pixels)", ylabel="AP", ylim=(-0.05, 1.05))
    axes.legend(frameon=False)
    plt.show()

# %% id="average_precision-check"
check("average_precision")

# %% [markdown] id="draw_detections-task" lang="en"
# ## 7. Boxes with names
#
# Draw with matplotlib, on a figure of its own, and return the `Axes`:
#
# - the picture, in its own colours. It comes as the model gets it: a float tensor $(3, H, W)$, RGB
#   from 0 to 1;
# - each detection whose score is **at least** `threshold` as an unfilled `Rectangle` around its box
#   (half a pixel does not matter), and none of the others;
# - at each of these, inside the box or near its edge, a text with the **name** of its class,
#   `categories[label]`, and its score with two decimals, such as `red 0.93`.
#
# Colours and line widths are up to you.

# %% [markdown] id="draw_detections-task" lang="zh"
# ## 7. 画框，写名字
#
# 用 matplotlib 新建一张图来画，返回 `Axes`：
#
# - 图片，颜色不变。传入的就是模型的输入：浮点张量 $(3, H, W)$，RGB，取值 0 到 1；
# - 分数**不低于** `threshold` 的每个检测结果，用空心的 `Rectangle` 画出它的框（差半个像素无妨）；
#   其余的不画；
# - 每个框内或边上写明类别的**名字** `categories[label]`，以及保留两位小数的分数，例如 `red 0.93`。
#
# 颜色和线宽随意。

# %% id="draw_detections"
def draw_detections(image, prediction, categories, threshold=0.5):
    # en: image: (3, H, W); prediction: {"boxes", "labels", "scores"} → Axes
    # zh: image：(3, H, W)；prediction：{"boxes", "labels", "scores"} → Axes
    ### BEGIN SOLUTION
    figure, axes = plt.subplots(figsize=(4, 3.2))
    axes.imshow(image.permute(1, 2, 0), extent=(0, image.shape[2], image.shape[1], 0))
    parts = (prediction[key].tolist() for key in ("boxes", "labels", "scores"))
    for (x1, y1, x2, y2), label, score in zip(*parts, strict=True):
        if score >= threshold:
            axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec="yellow"))
            axes.text(x1, y1, f"{categories[label]} {score:.2f}", color="yellow", va="bottom")
    axes.axis("off")
    return axes
    ### END SOLUTION

# %% id="draw_detections-try"
with suppress(NotImplementedError):
    image, truth = some[3]
    count = len(truth["boxes"])
    prediction = {
        "boxes": truth["boxes"],
        "labels": torch.tensor([CATEGORIES.index(name) for name in truth["names"]]),
        "scores": torch.linspace(0.9, 0.6, count),
    }
    draw_detections(image, prediction, CATEGORIES)
    plt.show()

# %% id="draw_detections-check"
check("draw_detections")

# %% [markdown] id="mended_program-task" lang="en"
# ## 8. Mend this program
#
# Below is a program that trains a detector and looks for things on photographs as OpenCV reads
# them. It has **seven faults**, most of them the documents' own. The first stops it; behind each
# that you mend stands another, and three of them never stop it at all. Loader size, optimizer,
# schedule and the loop over epochs are right.

# %% [markdown] id="mended_program-task" lang="zh"
# ## 8. 改好这个程序
#
# 下面的程序训练一个检测器，再到 OpenCV 读入的照片上找东西。它有**七处错误**，大多是原始资料里的。
# 第一处会让它停下；改掉一处，后面还有一处；其中三处从来不会报错。
# 批次大小、优化器、学习率计划和遍历轮数的循环都没问题。

# %% id="faulty-program"
def faulty_program(build, train, photos, categories, epochs=4, batch_size=8):
    classes = categories[1:]
    model = build(len(classes))
    pairs = [
        (image, {"boxes": t["boxes"], "labels": torch.tensor([classes.index(n) for n in t["names"]])})
        for image, t in train
    ]
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * len(loader))
    model.train()
    for _ in range(epochs):
        for images, targets in loader:
            loss = criterion(model(images, targets), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    found = []
    with torch.no_grad():
        for photo in photos:
            image = torch.from_numpy(photo).permute(2, 0, 1) / 255
            prediction = model([image])[0]
            labels = prediction["labels"]
            names = [str(labels[int(label)]) for label in labels]
            found.append({"boxes": prediction["boxes"], "scores": prediction["scores"], "names": names})
    return found


def photograph(image):
    # en: as cv2.imread would give it: (H, W, 3) uint8, channels in the order blue, green, red
    # zh: 与 cv2.imread 的结果一样：(H, W, 3)，uint8，通道顺序是蓝、绿、红
    return (image.flip(0).permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()


photos = [photograph(image) for image, _ in test_pairs]
try:
    faulty_program(tiny_faster_rcnn, train_pairs, photos, CATEGORIES)
except Exception as error:
    print(type(error).__name__, str(error)[:90])

# %% [markdown] id="mended_program-contract" lang="en"
# Write it as it should be. Arguments and result stay:
#
# - `build(num_classes)` makes the model; `num_classes` includes the background;
# - `train` is a list of pairs (picture, truth) as above, pictures RGB from 0 to 1, perhaps of
#   several sizes, each with an object or more; `photos` are arrays $(H, W, 3)$, `uint8`, **channels blue, green, red**;
# - train for `epochs` rounds in shuffled batches of `batch_size`, on the sum of all losses, the
#   last one perhaps smaller, with the optimizer and the schedule that are there;
# - return for each photograph, in order, all that the model finds:
#   `{"boxes": (n, 4), "scores": (n,), "names": [n strings]}`.
#
# It must hold for every model of torchvision's kind and any `categories` (the background first).
# You may use all that you have written above.

# %% [markdown] id="mended_program-contract" lang="zh"
# 把它改对。参数和返回值不变：
#
# - `build(num_classes)` 建立模型；`num_classes` 含背景；
# - `train` 是 (图片, truth) 的列表，和上面一样，图片为 RGB，0 到 1，大小可能不一，每张至少有一个物体；
#   `photos` 是数组 $(H, W, 3)$，`uint8`，**通道顺序蓝、绿、红**；
# - 训练 `epochs` 轮，打乱，每批 `batch_size` 个（最后一批可以少），最小化全部损失之和，优化器和学习率计划照旧；
# - 按顺序对每张照片返回模型找到的全部结果：
#   `{"boxes": (n, 4), "scores": (n,), "names": [n 个字符串]}`。
#
# 对任何 torchvision 式的模型、任何 `categories`（背景在最前）都要成立。前面写好的函数都可以用。

# %% id="mended_program"
def mended_program(build, train, photos, categories, epochs=4, batch_size=8):
    # en: → [{"boxes": (n, 4), "scores": (n,), "names": [...]}, …], one for each photograph
    # zh: → [{"boxes": (n, 4), "scores": (n,), "names": [...]}, …]，每张照片一个
    ### BEGIN SOLUTION
    detector = build(len(categories))
    place = {name: label for label, name in enumerate(categories)}
    pairs = [
        (image, {"boxes": t["boxes"], "labels": torch.tensor([place[name] for name in t["names"]])})
        for image, t in train
    ]
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=True, collate_fn=collate)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=5e-3)
    rounds = {"epochs": epochs, "steps_per_epoch": len(loader)}
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, **rounds)
    detector.train()
    for _ in range(epochs):
        for images, targets in loader:
            loss = sum(detector(images, targets).values())
            detector.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    detector.eval()
    images = [torch.from_numpy(photo).permute(2, 0, 1).flip(0) / 255 for photo in photos]
    found = []
    with torch.no_grad():
        for one in detector(images):
            names = [categories[label] for label in one.pop("labels").tolist()]
            found.append({**one, "names": names})
    return found
    ### END SOLUTION

# %% id="mended_program-try"
# en: Prediction (dashed, score of 0.5 or more) against truth (white).
# zh: 预测（虚线，分数不低于 0.5）与真实框（白色）。
with suppress(NotImplementedError):
    torch.manual_seed(0)
    found = mended_program(tiny_faster_rcnn, train_pairs, photos, CATEGORIES)
    sure = [np.asarray(one["scores"]) >= 0.5 for one in found[:5]]
    groups = [
        [(truth["boxes"], "white", "-"), (np.asarray(one["boxes"])[keep], "yellow", "--")]
        for (_, truth), one, keep in zip(some, found, sure)
    ]
    titles = [
        ", ".join(name for name, kept in zip(one["names"], keep) if kept)
        for one, keep in zip(found, sure)
    ]
    show([image for image, _ in some], groups, titles)
    as_labels = [
        {**one, "labels": torch.tensor([CATEGORIES.index(n) for n in one["names"]]).long()}
        for one in found
    ]
    targets = [
        {"boxes": t["boxes"], "labels": torch.tensor([CATEGORIES.index(n) for n in t["names"]])}
        for _, t in test_pairs
    ]
    for label in (1, 2):
        print(CATEGORIES[label], f"AP50 {average_precision(as_labels, targets, label):.3f}")
    print(f"mAP {mean_average_precision(as_labels, targets):.3f}")

# %% id="mended_program-check"
check("mended_program")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# Explain to somebody who knows classification only: why a detector needs NMS, what mAP 0.37 on
# COCO means, and which of the two you would change first if small things are missed. The lesson
# has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 讲给只懂分类的人听：检测器为什么需要 NMS，COCO 上 mAP 0.37 是什么意思，小目标漏检时先改哪里。
# 课文里有清单可以对照。
