# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # Two networks that play against each other
#
# One network forges, the other tells forgeries from the real thing, and both learn. Our source
# document shows how to *use* such a forger: it imports a module that does not exist, loads a file
# that is not there, calls a method that no network has, and turns the picture into bytes so that
# the brightest white becomes black. It trains nothing and measures nothing.
#
# Here you do both. You write the two losses, the two steps, the loop, and watch faces come out of
# noise; you measure how far they are from real ones; and at the end you mend a program that holds
# the usual faults at once. Most of them raise no error.
#
# Write each answer in the cell that says so, then run the check below it. Stuck?
# `hint("train_gan")` gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 互相较量的两个网络
#
# 一个网络造假，一个网络辨假，两边都在学。原始资料演示的是怎么**用**造假的那个：导入一个不存在的模块，
# 加载一个没有的文件，调用一个网络上没有的方法，转成字节时又把最亮的白变成了黑。既没有训练，也没有评测。
#
# 这里两样都做。你将写出两个损失、两个训练步骤和训练循环，看着人脸从噪声里长出来；
# 再量一量它们离真的还有多远；最后改好一个把常见错误全占了的程序，其中大多数并不报错。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("train_gan")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress

import numpy as np
import torch
from torch import nn

from autograder import check, hint, lesson, plots, solution, status
from autograder.data import faces

EXERCISE, LANGUAGE = "gan", "en"

# %% [markdown] id="data" lang="en"
# ## The faces and the two networks
#
# Schematic faces of 16 × 16 pixels, drawn from a seed: size, place, grey level, eyes and the curve
# of the mouth vary. Pixels go **from −1 to 1**, the range of the tanh in which the generator ends.
#
# The two networks are a small DCGAN. The generator turns noise $z$, `latent` standard normal
# numbers, into a picture; the size of the picture is fixed by its layers. The discriminator turns a
# picture into **one logit**: above 0 it says real, below 0 forged. It has no sigmoid.

# %% [markdown] id="data" lang="zh"
# ## 人脸和两个网络
#
# 16 × 16 像素的简笔人脸，由随机种子画出：大小、位置、灰度、眼睛和嘴的弧度各不相同。
# 像素**从 −1 到 1**，与生成器末尾 tanh 的取值范围一致。
#
# 两个网络合起来是一个小 DCGAN。生成器把噪声 $z$（`latent` 个标准正态随机数）变成图片，
# 图片多大由各层结构决定。判别器把图片变成**一个 logit**：大于 0 判为真，小于 0 判为假，末尾没有 sigmoid。

# %% id="data-plot"
class Generator(nn.Module):
    def __init__(self, latent=16):
        super().__init__()
        self.latent = latent
        self.layers = nn.Sequential(
            nn.Unflatten(1, (latent, 1, 1)),
            nn.ConvTranspose2d(latent, 32, 4, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh(),
        )  # fmt: skip
        self.apply(small_weights)

    def forward(self, z):  # (N, latent) → (N, 1, 16, 16)
        return self.layers(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(16, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.2),
            nn.Conv2d(32, 1, 4), nn.Flatten(0),
        )  # fmt: skip
        self.apply(small_weights)

    def forward(self, images):  # (N, 1, 16, 16) → (N,)
        return self.layers(images)


def small_weights(layer):
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0, 0.02)


real_faces = torch.from_numpy(faces.make(4000).images)
other_faces = torch.from_numpy(faces.make(2000, part="test").images)
sizes = [sum(p.numel() for p in net.parameters()) for net in (Generator(), Discriminator())]
print(tuple(real_faces.shape), "parameters:", sizes)
plots.pictures(real_faces[:20], vmin=-1, vmax=1)

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** Pictures are tensors $(N, C, H, W)$, noise is $(N, Z)$, logits
# are $(N,)$; `generator.latent` is $Z$. A generator maps noise to pictures, a discriminator
# pictures to logits, and they may be other networks than those above. Numbers may come back as
# Python's, NumPy's or torch's, unless a task says otherwise.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** 图片是张量 $(N, C, H, W)$，噪声是 $(N, Z)$，logits 是 $(N,)$；`generator.latent` 就是 $Z$。
# 生成器把噪声变成图片，判别器把图片变成 logits，传进来的网络不一定是上面这两个。
# 除非另有说明，返回 Python、NumPy 或 torch 的数值都可以。

# %% [markdown] id="discriminator_loss-task" lang="en"
# ## 1. What the discriminator wants
#
# Real pictures have label 1, forged ones label 0. With $D = \sigma(\text{logit})$, return
#
# $$L_D = -\frac1N \sum_{i=1}^{N} \log D(x_i) \;-\; \frac1M \sum_{j=1}^{M} \log\bigl(1 - D(G(z_j))\bigr)$$
#
# the mean over the $N$ real ones **plus** the mean over the $M$ forged ones, not halved. $N$ and
# $M$ may differ. Return a tensor without dimensions, of float32 or float64, from which gradients
# flow back. It must hold for logits such as ±200 as well, in float32.

# %% [markdown] id="discriminator_loss-task" lang="zh"
# ## 1. 判别器要什么
#
# 真图标签为 1，假图标签为 0。记 $D = \sigma(\text{logit})$，返回
#
# $$L_D = -\frac1N \sum_{i=1}^{N} \log D(x_i) \;-\; \frac1M \sum_{j=1}^{M} \log\bigl(1 - D(G(z_j))\bigr)$$
#
# 即 $N$ 张真图的均值**加上** $M$ 张假图的均值，不除以 2。$N$ 和 $M$ 可以不同。
# 返回零维张量（float32 或 float64），梯度要能从它传回去。logit 大到 ±200 时，float32 下也要正确。

# %% id="discriminator_loss"
def discriminator_loss(real_logits, fake_logits):
    # en: (N,), (M,) → a tensor without dimensions
    # zh: (N,)、(M,) → 零维张量
    ### BEGIN SOLUTION
    softplus = nn.functional.softplus  # softplus(a) = log(1 + exp(a)) = -log sigmoid(-a)
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()
    ### END SOLUTION

# %% id="discriminator_loss-try"
# en: Who only ever guesses pays 2 log 2 = 1.386.
# zh: 一味瞎猜的判别器，损失是 2 log 2 = 1.386。
with suppress(NotImplementedError):
    for logit in (0.0, 2.0, 200.0):
        right = discriminator_loss(torch.full((4,), logit), torch.full((4,), -logit))
        print(f"{logit:5.0f}: {float(right):.4f} if right", end=", ")
        print(f"{float(discriminator_loss(torch.full((4,), -logit), torch.full((4,), logit))):.1f} if not")

# %% id="discriminator_loss-check"
check("discriminator_loss")

# %% [markdown] id="generator_loss-task" lang="en"
# ## 2. What the generator wants
#
# In the game as it is written down the generator minimises $\log(1 - D(G(z)))$. Where the
# discriminator is sure that a picture is forged, that curve is flat, and nothing is learned. So
# the paper lets it minimise the **non-saturating** loss, the mean of $-\log D(G(z))$. Return it,
# as a tensor without dimensions from which gradients flow back; it too must hold for logits such
# as ±200.

# %% [markdown] id="generator_loss-task" lang="zh"
# ## 2. 生成器要什么
#
# 按博弈的原式，生成器最小化 $\log(1 - D(G(z)))$。可一旦判别器断定图片是假的，这条曲线就是平的，什么也学不到。
# 所以论文让它改为最小化**非饱和**损失，即 $-\log D(G(z))$ 的均值。返回这个均值：零维张量，
# 梯度要能传回去，logit 大到 ±200 时同样要正确。

# %% id="generator_loss"
def generator_loss(fake_logits):
    # en: (M,) → a tensor without dimensions
    # zh: (M,) → 零维张量
    ### BEGIN SOLUTION
    return nn.functional.softplus(-fake_logits).mean()
    ### END SOLUTION

# %% id="generator_loss-try"
# en: The gradient that reaches a forged picture's logit, by how sure the discriminator is.
# zh: 判别器有多肯定，传到假图 logit 上的梯度就有多大。
with suppress(NotImplementedError):
    for logit in (-10.0, -5.0, 0.0, 5.0):
        ours, games = (torch.tensor([logit], requires_grad=True) for _ in range(2))
        generator_loss(ours).backward()
        torch.log(1 - games.sigmoid()).mean().backward()
        print(f"logit {logit:3.0f}: {ours.grad.item():.5f}; as in the game {games.grad.item():.5f}")

# %% id="generator_loss-check"
check("generator_loss")

# %% [markdown] id="discriminator_step-task" lang="en"
# ## 3. A step of the discriminator
#
# Take **one step** of `optimizer`, which holds the discriminator's parameters, on the
# discriminator's loss, and return the loss before the step as a number.
#
# - Real and forged pictures go through the discriminator **apart from one another**, so that batch
#   normalisation sees one kind at a time; in which order is up to you. $N$ and $M$ may differ.
# - Gradients left over from earlier do not count.
# - The **generator learns nothing**: neither its parameters nor their `.grad` change, and it can be
#   trained afterwards as before; running statistics may move. Whoever lets
#   the gradient run on into the generator pays for it twice: in time, and in gradients that help
#   the *discriminator*, waiting to be added to the generator's own.
# - Both networks stay in the mode in which they are.

# %% [markdown] id="discriminator_step-task" lang="zh"
# ## 3. 判别器走一步
#
# `optimizer` 管的是判别器的参数。让它在判别器的损失上走**一步**，返回走之前的损失（一个数）。
#
# - 真图和假图**分开**送进判别器，让批归一化一次只看一种，先后随意。$N$ 和 $M$ 可以不同。
# - 以前残留的梯度不能算进来。
# - **生成器什么也不学**：参数不变，参数的 `.grad` 也不变，之后还要能照常训练；滑动统计量可以变。让梯度一路传进生成器，要吃两次亏：
#   一是白费时间；二是留下一份帮**判别器**的梯度，等着加到生成器自己的梯度上。
# - 两个网络的模式都不要动。

# %% id="discriminator_step"
def discriminator_step(generator, discriminator, optimizer, real, z):
    # en: real: (N, C, H, W); z: (M, Z) → the loss, a number
    # zh: real：(N, C, H, W)；z：(M, Z) → 损失，一个数
    ### BEGIN SOLUTION
    fake = generator(z).detach()
    loss = discriminator_loss(discriminator(real), discriminator(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION

# %% id="discriminator_step-try"
# en: Against a generator that stands still, the discriminator soon wins.
# zh: 生成器原地不动，判别器很快就赢了。
with suppress(NotImplementedError):
    torch.manual_seed(0)
    generator, discriminator = Generator(), Discriminator()
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    for number in range(10):
        real, z = real_faces[32 * number :][:32], torch.randn(32, 16)
        loss = discriminator_step(generator, discriminator, optimizer, real, z)
        print(f"{float(loss):.3f}", end=" ")
    print("gradients in the generator:", sum(p.grad is not None for p in generator.parameters()))

# %% id="discriminator_step-check"
check("discriminator_step")

# %% [markdown] id="generator_step-task" lang="en"
# ## 4. A step of the generator
#
# Take one step of `optimizer`, which holds the **generator's** parameters, on the generator's loss
# and return the loss before the step as a number. Here the gradient has to run *through* the
# discriminator, and not a single one of the discriminator's parameters may move; they can be
# trained afterwards as before, and what is in their `.grad` does not matter. Gradients left over in
# the generator do not count. Modes stay.

# %% [markdown] id="generator_step-task" lang="zh"
# ## 4. 生成器走一步
#
# 这里的 `optimizer` 管的是**生成器**的参数。让它在生成器的损失上走一步，返回走之前的损失（一个数）。
# 梯度必须**穿过**判别器，但判别器的参数一个也不能动，之后还要能照常训练；它们的 `.grad` 里留下什么都无所谓。
# 生成器里残留的梯度不能算进来。模式不要动。

# %% id="generator_step"
def generator_step(generator, discriminator, optimizer, z):
    # en: z: (M, Z) → the loss, a number
    # zh: z：(M, Z) → 损失，一个数
    ### BEGIN SOLUTION
    loss = generator_loss(discriminator(generator(z)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION

# %% id="generator_step-try"
with suppress(NotImplementedError):
    optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    some = [generator_step(generator, discriminator, optimizer, torch.randn(32, 16)) for _ in range(10)]
    print(*(f"{float(loss):.3f}" for loss in some))

# %% id="generator_step-check"
check("generator_step")

# %% [markdown] id="train_gan-task" lang="en"
# ## 5. Round by round
#
# Train both networks in training mode, whatever mode they come in, for `rounds` rounds. A round is
# **one step of the discriminator, then one of the generator**. Each step gets fresh standard normal
# noise $(B, Z)$, the discriminator's also $B$ pictures drawn at random from all `faces`, with
# $B$ = `batch_size`.
#
# Both networks have a `torch.optim.Adam` of their own with betas (0.5, 0.999), as DCGAN has. In
# round $r = 1 \dots R$ the learning rate of both is
#
# $$\text{lr}_r = \text{lr} \cdot \min\bigl(1,\; 2\,(1 - \tfrac{r-1}{R})\bigr)$$
#
# held for the first half, then falling linearly: two players that keep moving circle around one
# another, and smaller steps let them settle. Pictures are drawn with or without replacement; all
# is float32, on the CPU; the modes at the end are up to you. After each round call
# `after_round(r)` if it is given. Return a list of pairs, the discriminator's and the generator's
# loss of each round.

# %% [markdown] id="train_gan-task" lang="zh"
# ## 5. 一轮一轮地训练
#
# 不论网络传进来是什么模式，都在训练模式下训练 `rounds` 轮。一轮是**判别器先走一步，生成器再走一步**。
# 每一步都用新的标准正态噪声 $(B, Z)$；判别器那一步还要从全部 `faces` 里随机取 $B$ 张图，
# $B$ 就是 `batch_size`。
#
# 两个网络各有一个 `torch.optim.Adam`，betas 取 (0.5, 0.999)，和 DCGAN 一样。
# 第 $r = 1 \dots R$ 轮，两边的学习率都是
#
# $$\text{lr}_r = \text{lr} \cdot \min\bigl(1,\; 2\,(1 - \tfrac{r-1}{R})\bigr)$$
#
# 前一半不变，后一半线性下降：双方步子一直那么大，就会互相绕圈；步子小下来才能站稳。
# 取图放回不放回都行；数据都是 float32，在 CPU 上；最后留在什么模式都行。
# 每轮结束，如果给了 `after_round`，就调用 `after_round(r)`。
# 返回一个列表，每轮一对：判别器的损失和生成器的损失。

# %% id="train_gan"
def train_gan(generator, discriminator, faces, rounds=400, batch_size=32, lr=2e-3, after_round=None):
    # en: faces: (N, C, H, W) → [(discriminator's loss, generator's loss), …]
    # zh: faces：(N, C, H, W) → [(判别器的损失, 生成器的损失), …]
    ### BEGIN SOLUTION
    generator.train()
    discriminator.train()
    optimizers = [
        torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.999))
        for net in (discriminator, generator)
    ]
    softplus, losses = nn.functional.softplus, []
    for number in range(rounds):
        real = faces[torch.randint(len(faces), (batch_size,))]
        pair = []
        for optimizer in optimizers:  # your discriminator_step and generator_step do it as well
            optimizer.param_groups[0]["lr"] = lr * min(1, 2 * (1 - number / rounds))
            fake = generator(torch.randn(batch_size, generator.latent))
            if optimizer is optimizers[0]:
                forged, genuine = discriminator(fake.detach()), discriminator(real)
                loss = softplus(-genuine).mean() + softplus(forged).mean()
            else:
                loss = softplus(-discriminator(fake)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            pair.append(loss.item())
        losses.append(tuple(pair))
        if after_round:
            after_round(number + 1)
    return losses
    ### END SOLUTION

# %% id="train_gan-try"
# en: Watch it learn: each row is one moment, each column the same noise. Takes some seconds.
# zh: 看它学习：每行是一个时刻，每列用的是同一份噪声。要几秒钟。
MOMENTS = (1, 25, 50, 100, 200, 400)


@torch.no_grad()
def draw(generator, z):
    generator.eval()
    images = generator(z)
    generator.train()
    return images


with suppress(NotImplementedError):
    torch.manual_seed(0)
    generator, discriminator = Generator(), Discriminator()
    noise, strip = torch.randn(10, 16), []

    def watch(number):
        if number in MOMENTS:
            strip.extend(draw(generator, noise))

    losses = train_gan(generator, discriminator, real_faces, rounds=max(MOMENTS), after_round=watch)
    for number in MOMENTS:
        print(f"round {number}: discriminator {losses[number - 1][0]:.2f}, generator {losses[number - 1][1]:.2f}")
    plots.pictures(strip, vmin=-1, vmax=1)

# %% id="train_gan-check"
check("train_gan")

# %% [markdown] id="frechet_distance-task" lang="en"
# ## 6. How far from real?
#
# The losses do not tell: they are the score of a game, and both players get better. Fréchet
# inception distance (FID) compares **features** of many real and many generated pictures, as if
# both were Gaussian:
#
# $$d^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{tr}\bigl(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1 \Sigma_2)^{1/2}\bigr)$$
#
# $(\cdot)^{1/2}$ is the **matrix** square root. `real` is $(N, K)$ and `fake` $(M, K)$: one row of
# $K \ge 2$ features for each picture, as lists of rows, arrays or tensors, at least two rows each.
# Covariances divide by $N - 1$ and $M - 1$, as `np.cov` does. Return $d^2$ itself, as FID is
# reported, and as a **real** number (a rounding error below 0 does not matter), also where a
# covariance is singular (fewer pictures than features) or both sets are equal. SciPy is allowed.

# %% [markdown] id="frechet_distance-task" lang="zh"
# ## 6. 离真的还有多远？
#
# 损失说明不了：它只是比赛的比分，而双方都在进步。Fréchet inception distance（FID）比较的是大量真图和
# 大量生成图的**特征**，把两边都当作高斯分布：
#
# $$d^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{tr}\bigl(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1 \Sigma_2)^{1/2}\bigr)$$
#
# $(\cdot)^{1/2}$ 是**矩阵**平方根。`real` 是 $(N, K)$，`fake` 是 $(M, K)$：每张图一行，$K \ge 2$ 个特征，
# 可以是列表、数组或张量，各至少两行。协方差除以 $N - 1$ 和 $M - 1$，与 `np.cov` 相同。
# 返回 $d^2$ 本身（FID 报的就是它），而且是**实数**（舍入造成的略小于 0 无妨）；协方差奇异（图片比特征少）或两组完全相同时也一样。可以用 SciPy。

# %% id="frechet_distance"
def frechet_distance(real, fake):
    # en: (N, K), (M, K) → a number
    # zh: (N, K)、(M, K) → 一个数
    ### BEGIN SOLUTION
    real, fake = (np.asarray(features, dtype=float) for features in (real, fake))
    means = real.mean(axis=0) - fake.mean(axis=0)
    first, second = (np.cov(features, rowvar=False) for features in (real, fake))
    # The product of two covariances has eigenvalues of at least 0; rounding may leave -1e-17.
    eigenvalues = np.linalg.eigvals(first @ second).real.clip(min=0)
    return means @ means + np.trace(first) + np.trace(second) - 2 * np.sqrt(eigenvalues).sum()
    ### END SOLUTION

# %% id="frechet_distance-try"
# en: Real FID takes 2048 features of an Inception network; here 64 means of 2 × 2 pixels will do.
# zh: 真正的 FID 用 Inception 网络的 2048 个特征；这里用 64 个 2 × 2 像素的均值就够了。
def features(images):
    return nn.functional.avg_pool2d((images + 1) / 2, 2).flatten(1).numpy()


with suppress(NotImplementedError):
    torch.manual_seed(1)
    sets = {
        "other real faces": real_faces[:2000],
        "generated": draw(generator, torch.randn(2000, 16)),
        "16 faces, repeated": real_faces[:16].repeat(125, 1, 1, 1),
        "upside down": real_faces[:2000].flip(2),
        "untrained": draw(Generator(), torch.randn(2000, 16)),
    }
    for name, images in sets.items():
        print(f"{frechet_distance(features(other_faces), features(images)):8.3f}  {name}")

# %% id="frechet_distance-check"
check("frechet_distance")

# %% [markdown] id="to_bytes-task" lang="en"
# ## 7. Pictures that one can save
#
# `images` $(N, C, H, W)$ has values that should lie in −1 … 1, and may lie outside. Return `uint8`
# $(N, H, W, C)$, as an array or a tensor: −1 is 0, 1 is 255, in between linearly, rounded **to the
# nearest whole number** (a half may go either way); what lies outside becomes 0 or 255. `images`
# may carry a gradient and stays as it is.
#
# A cast alone wraps around on most machines: a value of 1.04 comes to 260 and
# becomes 4, a black dot in the white.

# %% [markdown] id="to_bytes-task" lang="zh"
# ## 7. 存得下来的图片
#
# `images` 是 $(N, C, H, W)$，值本应在 −1 … 1 之间，但可能越界。返回 `uint8` 的 $(N, H, W, C)$，数组或张量都可以：
# −1 对应 0，1 对应 255，中间线性，**四舍五入到最近的整数**（恰好一半时向哪边都行）；越界的变成 0 或 255。
# `images` 可能带着梯度，而且不能改动它。
#
# 直接转类型，在多数机器上会回绕：1.04 对应 260，变成 4，白底上冒出一个黑点。

# %% id="to_bytes"
def to_bytes(images):
    # en: (N, C, H, W) → (N, H, W, C) uint8
    # zh: (N, C, H, W) → (N, H, W, C)，uint8
    ### BEGIN SOLUTION
    values = (images.detach() + 1) * 127.5
    return values.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    ### END SOLUTION

# %% id="to_bytes-try"
# en: Above without clipping, below with: a generator's face, a little too bright and too dark.
# zh: 上排不截断，下排截断：一张生成的脸，亮处和暗处都略微越界。
with suppress(NotImplementedError):
    contrast = 1.15 * draw(generator, noise)
    careless = ((contrast + 1) * 127.5).to(torch.int64) % 256  # what the cast does
    plots.pictures([*careless[:, 0], *to_bytes(contrast)], vmin=0, vmax=255)

# %% id="to_bytes-check"
check("to_bytes")

# %% [markdown] id="mended_gan-task" lang="en"
# ## 8. Mend this program
#
# Below is a program for the whole job, written for this task with the usual faults in it: at least
# **seven**. On a laptop it runs to its end.

# %% [markdown] id="mended_gan-task" lang="zh"
# ## 8. 改好这个程序
#
# 下面是专为本题写的完整程序，常见的错误都在里面，至少**七处**。在笔记本电脑上，它能一直跑到底。

# %% id="faulty-program"
def faulty_gan(generator, discriminator, batches, noise, z, lr=0.05):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    criterion = nn.BCEWithLogitsLoss()
    improve_d = torch.optim.SGD(discriminator.parameters(), lr=lr)
    improve_g = torch.optim.SGD(generator.parameters(), lr=lr)
    losses = []
    for real, latent in zip(batches, noise, strict=True):
        ones = torch.ones(len(real)).to(device)
        zeros = torch.zeros(len(latent)).to(device)
        fake = generator(latent.to(device))
        real_part = criterion(torch.sigmoid(discriminator(real)), ones)
        d_loss = real_part + criterion(torch.sigmoid(discriminator(fake)), zeros)
        d_loss.backward(retain_graph=True)  # "backward through the graph a second time": now silent
        improve_d.step()
        g_loss = criterion(torch.sigmoid(discriminator(fake)), zeros)
        g_loss.backward()
        improve_g.step()
        losses.append((d_loss.item(), g_loss.item()))
    pictures = (generator(z) + 1) / 2 * 255
    pictures = pictures.detach().numpy().transpose(0, 2, 3, 1).astype(np.int64).astype(np.uint8)
    return {"losses": losses, "pictures": pictures}


torch.manual_seed(0)
batches, noise = real_faces[:640].split(32), torch.randn(20, 32, 16)
report = faulty_gan(Generator(), Discriminator(), batches, noise, torch.randn(10, 16))
print([f"{d:.2f}, {g:.2f}" for d, g in report["losses"][::5]])
plots.pictures(report["pictures"], vmin=0, vmax=255)

# %% [markdown] id="mended_gan-contract" lang="en"
# Write it as it should be. `batches` is a sequence of real pictures $(B, C, H, W)$, `noise` one of
# latents $(B, Z)$, as many, and `z` $(N, Z)$ more noise: all float32, on the CPU.
#
# - Both networks train in training mode, by plain SGD with `lr`: for each batch one step of the
#   discriminator on its loss, then one of the generator on the non-saturating loss, **both with the
#   batch's own noise**. Real and forged pictures pass the discriminator apart from one another.
# - Everything goes where the networks' parameters are, in their **dtype** and on their **device**,
#   whatever torch's default dtype and device may be. Both networks are in one place.
# - Return a dict: `"losses"`, a pair of numbers for each batch, each before its own step; and
#   `"pictures"`, drawn from `z` **in evaluation mode**, $(N, H, W, C)$ `uint8`. The generator need
#   not end in tanh.
# - How often and in which order pictures are made and pass is up to you beyond that, and so are the
#   modes at the end.
#
# You may use all that you have written above.

# %% [markdown] id="mended_gan-contract" lang="zh"
# 把它改对。`batches` 是一串真图 $(B, C, H, W)$，`noise` 是同样多的噪声 $(B, Z)$，`z` $(N, Z)$ 是另一份噪声：
# 全是 float32，都在 CPU 上。
#
# - 两个网络在训练模式下，用学习率为 `lr` 的普通 SGD 训练：每个批次，判别器先在自己的损失上走一步，
#   生成器再在非饱和损失上走一步，**两步都用这个批次自己的噪声**。真图和假图分开送进判别器。
# - 所有东西都要转到网络参数所在的地方：用参数的 **dtype**，放在参数的 **device** 上，不管 torch 默认的 dtype 和 device 是什么。
#   两个网络在同一处。
# - 返回字典：`"losses"`，每个批次一对数，都是各自走步之前的损失；`"pictures"`，**在评估模式下**由 `z` 生成，$(N, H, W, C)$，`uint8`。生成器末尾不一定有 tanh。
# - 除此之外，图片生成几次、先送哪一种都随意，最后留在什么模式也随意。
#
# 前面写好的函数都可以用。

# %% id="mended_gan"
def mended_gan(generator, discriminator, batches, noise, z, lr=0.05):
    # en: → {"losses": [(discriminator's, generator's), …], "pictures": (N, H, W, C) uint8}
    # zh: → {"losses": [(判别器的, 生成器的), …], "pictures": (N, H, W, C)，uint8}
    ### BEGIN SOLUTION
    place = next(generator.parameters())  # .to(place) takes over dtype and device
    d, g = (torch.optim.SGD(network.parameters(), lr) for network in (discriminator, generator))
    generator.train()
    discriminator.train()
    softplus, losses = nn.functional.softplus, []
    for real, latent in zip(batches, noise, strict=True):
        real, latent = real.to(place), latent.to(place)
        fake = generator(latent)
        genuine, forged = discriminator(real), discriminator(fake.detach())
        d_loss = softplus(-genuine).mean() + softplus(forged).mean()
        d.zero_grad()
        d_loss.backward()
        d.step()
        g_loss = softplus(-discriminator(fake)).mean()
        g.zero_grad()
        g_loss.backward()
        g.step()
        losses.append([float(loss.detach()) for loss in (d_loss, g_loss)])
    generator.eval()
    with torch.no_grad():
        drawn = generator(z.to(place)).cpu()
    return {"losses": losses, "pictures": to_bytes(drawn)}
    ### END SOLUTION

# %% id="mended_gan-try"
with suppress(NotImplementedError):
    torch.manual_seed(0)
    report = mended_gan(Generator(), Discriminator(), batches, noise, torch.randn(10, 16))
    print([f"{d:.2f}, {g:.2f}" for d, g in report["losses"][::5]])

# %% id="mended_gan-check"
check("mended_gan")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# Your generator's loss rises while its pictures get better, and a colleague wants to stop the run.
# What do you say, and which two numbers do you show? The lesson has a list to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 生成器的损失一直在涨，图片却越来越好，同事想把训练停掉。你怎么说，又拿哪两个数给他看？课文里有清单可以对照。
