"""Known-wrong answers for `robustness`, each one misconception; some are the documents' own."""

import contextlib

import numpy as np
import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax, relu, softmax

from autograder.checks import wrong


@contextlib.contextmanager
def _asked(model):
    """The model in evaluation mode, and as it was afterwards."""
    training = model.training
    model.eval()
    yield
    model.train(training)


def _slope(model, images, labels, loss=cross_entropy):
    x = images.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(model(x), labels), x)[0]


def _logits(outputs, targets):
    return outputs.gather(1, targets[:, None]).sum()


def _logits_after(activation):
    return lambda outputs, targets: _logits(activation(outputs, dim=1), targets)


# --- fgsm ---------------------------------------------------------------------------------


@wrong(
    "fgsm",
    "Goes down the loss instead of up, and so helps the model.",
    zh="沿损失下降的方向走，等于在帮模型。",
    caught_by="one_step_up_the_loss",
    step="Training subtracts the gradient from the weights; an attack adds it to the pixels.",
    step_zh="训练是从权重里减去梯度，攻击是给像素加上梯度。",
)
def goes_down(model, images, labels, epsilon, low=0.0, high=16.0):
    with _asked(model):
        return (images - epsilon * _slope(model, images, labels).sign()).clamp(low, high)


@wrong(
    "fgsm",
    "Adds the gradient itself and not its sign, so that nearly nothing moves.",
    zh="加的是梯度本身而不是符号，几乎没动。",
    caught_by="one_step_up_the_loss",
    step="Take the sign: every pixel goes by the whole of epsilon.",
    step_zh="取符号：每个像素都移动整整一个 epsilon。",
)
def adds_the_gradient(model, images, labels, epsilon, low=0.0, high=16.0):
    with _asked(model):
        return (images + epsilon * _slope(model, images, labels)).clamp(low, high)


@wrong(
    "fgsm",
    "Attacks what the model says, not the labels that are given.",
    zh="攻击的是模型自己的预测，而不是给定的标签。",
    caught_by="one_step_up_the_loss",
    step="Compute the loss with the labels that are passed in.",
    step_zh="用传入的标签算损失。",
)
def attacks_the_prediction(model, images, labels, epsilon, low=0.0, high=16.0):
    with _asked(model):
        slope = _slope(model, images, model(images).argmax(dim=1))
        return (images + epsilon * slope.sign()).clamp(low, high)


@wrong(
    "fgsm",
    "Does not clip, so that there are pixels below white and above black.",
    zh="没有裁剪，出现了比纸更白、比墨更黑的像素。",
    caught_by="one_step_stays_in_range",
    step="Clip to low and high after the step.",
    step_zh="走完一步后裁剪到 low 和 high 之间。",
)
def does_not_clip(model, images, labels, epsilon, low=0.0, high=16.0):
    with _asked(model):
        return images + epsilon * _slope(model, images, labels).sign()


@wrong(
    "fgsm",
    "Calls backward(), and leaves gradients in the weights for the next training step.",
    zh="调用了 backward()，把梯度留在权重上，会混进下一步训练。",
    caught_by="fgsm_leaves_no_trace",
    step="Ask torch.autograd.grad for the gradient of the pixels alone.",
    step_zh="用 torch.autograd.grad 只求像素的梯度。",
)
def leaves_gradients(model, images, labels, epsilon, low=0.0, high=16.0):
    with _asked(model):
        x = images.clone().requires_grad_()
        cross_entropy(model(x), labels).backward()
        return (images + epsilon * x.grad.sign()).clamp(low, high)


@wrong(
    "fgsm",
    "The result still hangs on the gradient's computation: it wants a gradient itself.",
    zh="结果还连着计算图，自己也带着梯度。",
    caught_by="fgsm_leaves_no_trace",
    step="Detach what you return, or take the step under torch.no_grad().",
    step_zh="返回前 detach，或在 torch.no_grad() 里走这一步。",
    looks_like=lambda seen: seen["left"]["result wants gradients"],
)
def keeps_the_graph(model, images, labels, epsilon, low=0.0, high=16.0):
    x = images.clone().requires_grad_()
    with _asked(model):
        (slope,) = torch.autograd.grad(cross_entropy(model(x), labels), x)
    return (x + epsilon * slope.sign()).clamp(low, high)


# --- pgd ----------------------------------------------------------------------------------


def _steps(model, x, labels, step, steps, project):
    with _asked(model):
        for _ in range(steps):
            x = project(x + step * _slope(model, x, labels).sign())
    return x


def _ball(images, epsilon, low, high):
    near, far = (images - epsilon).clamp(low, high), (images + epsilon).clamp(low, high)
    return lambda x: torch.clamp(x, near, far)


def _noise(images, epsilon):
    return images + epsilon * (2 * torch.rand_like(images) - 1)


@wrong(
    "pgd",
    "Nothing holds the walk in the ball around the clean picture: many small steps lead far away.",
    zh="没有东西把走动限制在原图周围的球内：小步走多了就走远了。",
    caught_by="the_ball_is_the_pictures",
    step="After each step, bring every pixel back to within epsilon of the clean picture.",
    step_zh="每一步之后，把每个像素拉回到离原图 epsilon 以内。",
)
def never_projects(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    x = _noise(images, epsilon) if start is None else start
    return _steps(model, x.clamp(low, high), labels, step, steps, lambda x: x.clamp(low, high))


@wrong(
    "pgd",
    "Draws the ball around the start, and not around the clean pictures.",
    zh="以起点为球心，而不是以原图为球心。",
    caught_by="the_ball_is_the_pictures",
    step="Epsilon is measured from images, wherever you begin.",
    step_zh="无论从哪里出发，epsilon 都从 images 量起。",
)
def ball_around_the_start(
    model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0
):
    x = _ball(images, epsilon, low, high)(_noise(images, epsilon) if start is None else start)
    return _steps(model, x, labels, step, steps, _ball(x, epsilon, low, high))


@wrong(
    "pgd",
    "Takes the gradient once, at the beginning, and follows it for all steps.",
    zh="只在起点求一次梯度，之后一直沿用。",
    caught_by="steps_follow_the_present_gradient",
    step="Take the gradient afresh at each place.",
    step_zh="每到一处都要重新求梯度。",
)
def one_gradient_for_all_steps(
    model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0
):
    project = _ball(images, epsilon, low, high)
    x = project(_noise(images, epsilon) if start is None else start)
    with _asked(model):
        slope = _slope(model, x, labels).sign()
    for _ in range(steps):
        x = project(x + step * slope)
    return x


@wrong(
    "pgd",
    "Does not project the start.",
    zh="没有投影起点。",
    caught_by="the_beginning_is_projected",
    step="Project once before the first step.",
    step_zh="第一步之前先投影一次。",
)
def start_as_it_is(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    project = _ball(images, epsilon, low, high)
    x = project(_noise(images, epsilon)) if start is None else start
    return _steps(model, x, labels, step, steps, project)


@wrong(
    "pgd",
    "Begins at the clean pictures where no start is given.",
    zh="没有给 start 时，直接从原图出发。",
    caught_by="it_begins_at_random",
    step="Without a start, add uniform noise from −epsilon to epsilon.",
    step_zh="没有给 start 时，加上 −epsilon 到 epsilon 的均匀噪声。",
)
def begins_clean(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    project = _ball(images, epsilon, low, high)
    return _steps(model, project(images if start is None else start), labels, step, steps, project)


@wrong(
    "pgd",
    "Projects once, after the last step: until then the walk is outside the ball.",
    zh="只在最后一步之后投影一次，中途一直走在球外。",
    caught_by="steps_follow_the_present_gradient",
    step="Project inside the loop, after every step.",
    step_zh="在循环里，每走一步都投影。",
)
def projects_at_the_end(
    model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0
):
    project = _ball(images, epsilon, low, high)
    x = project(_noise(images, epsilon) if start is None else start)
    return project(_steps(model, x, labels, step, steps, lambda x: x))


# --- robust_accuracy ----------------------------------------------------------------------


@torch.no_grad()
def _hits(model, images, labels, attacks, epsilon, low, high, refuse=True):
    """Who is right on the clean pictures, and under each attack."""
    hits = [model(images).argmax(dim=1) == labels]
    for attack in attacks:
        with torch.enable_grad():
            x = attack(model, images, labels).detach()
        far = (x - images).abs().max() > epsilon + 1e-4
        if refuse and (far or x.min() < low - 1e-4 or x.max() > high + 1e-4):
            raise ValueError("outside")
        hits.append(model(x).argmax(dim=1) == labels)
    return torch.stack(hits).double()


@wrong(
    "robust_accuracy",
    "Takes the lowest of the accuracies; different attacks fool different pictures.",
    zh="取各准确率里最低的一个；可不同的攻击骗过的是不同的图。",
    caught_by="one_failure_is_enough",
    step="Ask for each picture whether it held every time, and count afterwards.",
    step_zh="先逐张问它是否每次都守住，再去数。",
)
def lowest_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    with _asked(model):
        return _hits(model, images, labels, attacks, epsilon, low, high).mean(dim=1).min()


@wrong(
    "robust_accuracy",
    "Asks under attack only, and forgets the clean pictures.",
    zh="只看攻击之下的结果，忘了原图。",
    caught_by="one_failure_is_enough",
    step="A picture that is not recognised when clean is not robust either.",
    step_zh="原图都认错的图，谈不上守住。",
)
def forgets_the_clean(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    with _asked(model):
        hits = _hits(model, images, labels, attacks, epsilon, low, high)
        return (hits[1:] if attacks else hits).amin(dim=0).mean()


@wrong(
    "robust_accuracy",
    "Lets an attack pass that has left the ball, instead of raising ValueError.",
    zh="攻击出了球也放行，没有抛出 ValueError。",
    caught_by="cheating_attacks_are_refused",
    step="Compare each attacked picture with the clean one, and raise ValueError if it is too far.",
    step_zh="把攻击后的图与原图逐一比较，超出就抛出 ValueError。",
)
def believes_every_attack(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    with _asked(model):
        hits = _hits(model, images, labels, attacks, epsilon, low, high, refuse=False)
        return hits.amin(dim=0).mean()


@wrong(
    "robust_accuracy",
    "Counts only among the pictures that are recognised when clean.",
    zh="只在原图认对的图片里算比例。",
    caught_by="one_failure_is_enough",
    step="Divide by the number of all pictures.",
    step_zh="分母是全部图片的数量。",
)
def among_the_recognised(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    with _asked(model):
        hits = _hits(model, images, labels, attacks, epsilon, low, high)
        return hits.amin(dim=0).sum() / hits[0].sum()


@wrong(
    "robust_accuracy",
    "Averages over the attacks, so that a weak attack makes up for a strong one.",
    zh="对各种攻击取平均，弱攻击替强攻击补了分。",
    caught_by="one_failure_is_enough",
    step="Ask for each picture whether it held every time, and count afterwards.",
    step_zh="先逐张问它是否每次都守住，再去数。",
)
def averages_the_attacks(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    with _asked(model):
        hits = _hits(model, images, labels, attacks, epsilon, low, high)
        return (hits[1:] if attacks else hits).mean()


# --- integrated_gradients -----------------------------------------------------------------


def _path(model, images, targets, baseline, steps, score=_logits):
    total = torch.zeros_like(images)
    with _asked(model):
        for number in range(steps):
            x = baseline + (number + 0.5) / steps * (images - baseline)
            total += _slope(model, x, targets, score)
    return total / steps


@wrong(
    "integrated_gradients",
    "Multiplies the picture by the gradient at its end, without walking the path.",
    zh="只用终点处的梯度乘图片，没有沿路径走。",
    caught_by="shares_are_complete",
    step="Average the gradient over points between baseline and picture.",
    step_zh="在基线和原图之间取点，对梯度求平均。",
)
def gradient_times_input(model, images, targets, baseline, steps=100):
    with _asked(model):
        return (images - baseline) * _slope(model, images, targets, _logits)


@wrong(
    "integrated_gradients",
    "Averages the gradient and forgets to multiply by how far each pixel has gone.",
    zh="平均了梯度，却忘了乘上每个像素走过的距离。",
    caught_by="shares_are_complete",
    step="Multiply by images minus baseline.",
    step_zh="乘上 images 减 baseline。",
)
def without_the_way(model, images, targets, baseline, steps=100):
    return _path(model, images, targets, baseline, steps)


@wrong(
    "integrated_gradients",
    "Multiplies by the picture instead of by picture minus baseline.",
    zh="乘的是图片，而不是图片减基线。",
    caught_by="paths_begin_at_the_baseline",
    step="The way goes from the baseline: multiply by images minus baseline.",
    step_zh="路是从基线开始的：乘 images 减 baseline。",
)
def times_the_picture(model, images, targets, baseline, steps=100):
    return images * _path(model, images, targets, baseline, steps)


@wrong(
    "integrated_gradients",
    "Attributes the probability, which is flat where the model is sure.",
    zh="归因的是概率；模型很有把握时概率几乎不变。",
    caught_by="pixels_have_their_shares",
    step="Attribute the logit, before softmax.",
    step_zh="对 softmax 之前的 logit 归因。",
)
def attributes_the_probability(model, images, targets, baseline, steps=100):
    way = images - baseline
    return way * _path(model, images, targets, baseline, steps, _logits_after(softmax))


@wrong(
    "integrated_gradients",
    "Attributes the loss, or the log-probability, in which the other classes have a part.",
    zh="归因的是损失（对数概率），里面掺着其他类别。",
    caught_by="pixels_have_their_shares",
    step="Attribute the target's logit alone, before softmax.",
    step_zh="只对目标类别的 logit 归因，在 softmax 之前。",
)
def attributes_the_log_probability(model, images, targets, baseline, steps=100):
    way = images - baseline
    return way * _path(model, images, targets, baseline, steps, _logits_after(log_softmax))


# --- grad_cam -----------------------------------------------------------------------------


def _maps(model, layer, images, targets, keep_hook=False):
    """The layer's maps and the gradient of the targets' logits by them."""
    kept = []
    hook = layer.register_forward_hook(lambda module, given, output: kept.append(output))
    with _asked(model):
        outputs = model(images)
    if not keep_hook:
        hook.remove()
    (slope,) = torch.autograd.grad(_logits(outputs, targets), kept[-1])
    return kept[-1].detach(), slope


def _mean(slope):
    return slope.mean(dim=(2, 3), keepdim=True)


@wrong(
    "grad_cam",
    "Keeps what is negative: places that speak against the class.",
    zh="保留了负值，也就是反对该类别的位置。",
    caught_by="weighted_maps_positive_part",
    step="Cut off at 0 after the sum.",
    step_zh="求和之后把负数截为 0。",
)
def keeps_the_negative(model, layer, images, targets):
    maps, slope = _maps(model, layer, images, targets)
    return (_mean(slope) * maps).sum(dim=1)


@wrong(
    "grad_cam",
    "Averages the weights over the pictures of the batch.",
    zh="把权重在整批图片上也平均了。",
    caught_by="weighted_maps_positive_part",
    step="Average over height and width only: each picture has its own weights.",
    step_zh="只在高和宽上平均：每张图有自己的权重。",
)
def weights_of_the_batch(model, layer, images, targets):
    maps, slope = _maps(model, layer, images, targets)
    return relu((slope.mean(dim=(0, 2, 3), keepdim=True) * maps).sum(dim=1))


@wrong(
    "grad_cam",
    "Enlarges the map to the size of the picture.",
    zh="把热力图放大成了图片的大小。",
    caught_by="maps_have_the_layers_size",
    step="Return it in the size that the layer has.",
    step_zh="按该层的大小返回。",
)
def enlarged(model, layer, images, targets):
    maps, slope = _maps(model, layer, images, targets)
    cam = relu((_mean(slope) * maps).sum(dim=1, keepdim=True))
    size = images.shape[2:]
    return torch.nn.functional.interpolate(cam, size=size, mode="bilinear")[:, 0]


@wrong(
    "grad_cam",
    "Leaves its hook on the layer.",
    zh="钩子留在了层上，没有摘掉。",
    caught_by="maps_leave_no_trace",
    step="Keep what register_forward_hook returns, and call its remove().",
    step_zh="保存 register_forward_hook 的返回值，用完调用 remove()。",
)
def leaves_its_hook(model, layer, images, targets):
    maps, slope = _maps(model, layer, images, targets, keep_hook=True)
    return relu((_mean(slope) * maps).sum(dim=1))


@wrong(
    "grad_cam",
    "Multiplies gradient and map place by place, without averaging the gradient first.",
    zh="梯度和特征图逐点相乘，没有先对梯度取平均。",
    caught_by="weighted_maps_positive_part",
    step="One weight for each channel: the mean of its gradient over height and width.",
    step_zh="每个通道只有一个权重：梯度在高和宽上的平均。",
)
def place_by_place(model, layer, images, targets):
    maps, slope = _maps(model, layer, images, targets)
    return relu((slope * maps).sum(dim=1))


@wrong(
    "grad_cam",
    "Scales each map so that its highest value is 1.",
    zh="把每张热力图缩放到最大值为 1。",
    caught_by="weighted_maps_positive_part",
    step="Return it as it is; scaling is for showing.",
    step_zh="原样返回；缩放只是为了显示。",
)
def scaled_to_one(model, layer, images, targets):
    maps, slope = _maps(model, layer, images, targets)
    cam = relu((_mean(slope) * maps).sum(dim=1))
    return cam / cam.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)


# --- occlusion ----------------------------------------------------------------------------


@torch.no_grad()
def _scores(model, rows, position, target, score=log_softmax):
    with _asked(model):
        return score(model(input_ids=rows).logits[:, position], dim=1)[:, target]


def _hidden(ids, mask_id):
    return ids.repeat(len(ids), 1).fill_diagonal_(mask_id)


def _falls(model, input_ids, position, target, mask_id, score=log_softmax):
    rows = torch.cat([input_ids[None], _hidden(input_ids, mask_id)])
    scores = _scores(model, rows, position, target, score)
    return scores[0] - scores[1:]


@wrong(
    "occlusion",
    "Returns what the last layer attends to, and takes that for what the answer depends on.",
    zh="返回最后一层的注意力，把它当成答案所依赖的东西。",
    caught_by="worth_is_the_fall",
    errata=("E079",),
    step="Attention says where a layer reads. Hide each token, and measure what changes.",
    step_zh="注意力只说明从哪里读。把每个 token 遮住，量一量结果变了多少。",
)
@torch.no_grad()
def attention_as_explanation(model, input_ids, position, target, mask_id):
    with _asked(model):
        layers = model(input_ids=input_ids[None], output_attentions=True).attentions
    return layers[-1][0, :, position].mean(dim=0)


@wrong(
    "occlusion",
    "Takes the probability of the target instead of its logarithm.",
    zh="用的是目标词的概率，没有取对数。",
    caught_by="worth_is_the_fall",
    step="The score is the log-probability: log_softmax over the vocabulary.",
    step_zh="分数是对数概率：在词表上做 log_softmax。",
)
def fall_of_the_probability(model, input_ids, position, target, mask_id):
    return _falls(model, input_ids, position, target, mask_id, softmax)


@wrong(
    "occlusion",
    "Takes the logit of the target for its log-probability.",
    zh="把目标词的 logit 当成了对数概率。",
    caught_by="worth_is_the_fall",
    step="Hiding a token changes the other logits too: log_softmax over the vocabulary.",
    step_zh="遮住一个词，其他 logits 也会变：要在词表上做 log_softmax。",
)
def fall_of_the_logit(model, input_ids, position, target, mask_id):
    return _falls(model, input_ids, position, target, mask_id, lambda logits, dim: logits)


# --- deletion_curve -----------------------------------------------------------------------


def _curve(score, ids, order, mask_id):
    rows = [ids.clone()]
    for place in order:
        rows.append(rows[-1].clone())
        rows[-1][place] = mask_id
    return score(torch.stack(rows))


def _order(importance, keep):
    return [place for place in np.argsort(-np.asarray(importance)) if place not in keep]


@wrong(
    "deletion_curve",
    "Begins with the least important token.",
    zh="从最不重要的 token 开始遮。",
    caught_by="most_important_first",
    step="Sort by falling importance.",
    step_zh="按重要性从大到小排序。",
)
def least_important_first(score, input_ids, importance, mask_id, keep=()):
    return _curve(score, input_ids, _order(importance, keep)[::-1], mask_id)


@wrong(
    "deletion_curve",
    "Sorts by size without the sign, so that what speaks against the answer comes early.",
    zh="按绝对值排序，把反对答案的 token 也提前了。",
    caught_by="most_important_first",
    step="Negative values are the least important: they come last.",
    step_zh="负数最不重要，排在最后。",
)
def by_absolute_value(score, input_ids, importance, mask_id, keep=()):
    return _curve(score, input_ids, _order(np.abs(np.asarray(importance)), keep), mask_id)


@wrong(
    "deletion_curve",
    "Hides one token at a time and shows it again.",
    zh="每次只遮一个，遮完又恢复了。",
    caught_by="most_important_first",
    step="What is hidden stays hidden.",
    step_zh="遮住的不再恢复。",
)
def hides_one_at_a_time(score, input_ids, importance, mask_id, keep=()):
    rows = [input_ids]
    for place in _order(importance, keep):
        rows.append(input_ids.clone())
        rows[-1][place] = mask_id
    return score(torch.stack(rows))


# --- adversarial_training -----------------------------------------------------------------


def _train(model, images, labels, attack, epochs, rate, size, loss=None, order=torch.randperm,
           optimizer=torch.optim.AdamW, mode=True):  # fmt: skip
    """Train with one thing changed; return the mean loss of each epoch."""
    steps, means = optimizer(model.parameters(), lr=rate), []
    loss = loss or (lambda model, clean, attacked, y: cross_entropy(model(attacked), y))
    for _ in range(epochs):
        total = 0.0
        for rows in order(len(images)).split(size):
            attacked = attack(model, images[rows], labels[rows])
            model.train(mode)
            value = loss(model, images[rows], attacked, labels[rows])
            steps.zero_grad()
            value.backward()
            steps.step()
            total += value.item() * len(rows)
        means.append(total / len(images))
    model.eval()
    return means


@wrong(
    "adversarial_training",
    "Trains on the clean pictures, and leaves the attacked ones lying.",
    zh="在原图上训练，攻击后的图片没用上。",
    caught_by="withstands_an_attack",
    step="Compute the loss on what the attack returned.",
    step_zh="在攻击返回的图片上算损失。",
    looks_like=lambda seen: seen["under attack"] < 0.2 and seen["clean"] > 0.9,
)
def trains_on_clean(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    def loss(model, clean, attacked, y):
        return cross_entropy(model(clean), y)

    return _train(model, images, labels, attack, epochs, learning_rate, batch_size, loss)


@wrong(
    "adversarial_training",
    "Distils at a high temperature instead of learning from the attack.",
    zh="用高温蒸馏代替向攻击学习。",
    caught_by="losses_are_means_over_pictures",
    errata=("E080",),
    step="Distillation only hides the gradient from weak attacks: train on the attacked pictures.",
    step_zh="蒸馏只是让弱攻击看不到梯度：要在攻击后的图片上训练。",
)
def distils_instead(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    hot = 20.0
    with torch.no_grad():
        model.eval()
        taught = softmax(model(images) / hot, dim=1)

    def loss(model, clean, attacked, y):
        same = (images[:, None] == clean[None]).flatten(2).all(dim=2)  # (N, B)
        soft = taught[same.int().argmax(dim=0)]
        return kl_div(log_softmax(model(clean) / hot, dim=1), soft, reduction="batchmean") * hot**2

    return _train(model, images, labels, attack, epochs, learning_rate, batch_size, loss)


@wrong(
    "adversarial_training",
    "Averages the batches' mean losses, though the last batch is smaller.",
    zh="对各批的平均损失再求平均，可最后一批更小。",
    caught_by="losses_are_means_over_pictures",
    step="Weight each batch by the number of its pictures.",
    step_zh="按每批的图片数加权。",
)
def mean_of_batch_means(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    seen = []

    def loss(model, clean, attacked, y):
        seen.append(cross_entropy(model(attacked), y))
        return seen[-1]

    _train(model, images, labels, attack, epochs, learning_rate, batch_size, loss)
    return torch.stack(seen).detach().reshape(epochs, -1).mean(dim=1)


@wrong(
    "adversarial_training",
    "Attacks all pictures once before training, when the weights are still the old ones.",
    zh="训练之前一次性攻击全部图片，用的还是旧权重。",
    caught_by="attacks_meet_the_weights_of_the_moment",
    step="Call the attack inside the loop, for each batch, with the weights as they now are.",
    step_zh="在循环里对每个批次调用攻击，用此刻的权重。",
)
def attacks_beforehand(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    parts = zip(images.split(batch_size), labels.split(batch_size), strict=True)
    ready = torch.cat([attack(model, x, y) for x, y in parts])

    def passed_on(model, x, y):
        return x

    return _train(model, ready, labels, passed_on, epochs, learning_rate, batch_size)


@wrong(
    "adversarial_training",
    "Learns in the evaluation mode in which the attack was made.",
    zh="攻击时切到评估模式，学习时没有切回训练模式。",
    caught_by="learns_from_attacked_pictures_only",
    step="Call model.train() after the attack, before the step.",
    step_zh="攻击之后、更新之前调用 model.train()。",
)
def learns_in_evaluation_mode(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    return _train(model, images, labels, attack, epochs, learning_rate, batch_size, mode=False)


@wrong(
    "adversarial_training",
    "Never clears the gradients, so that every step follows all batches before it.",
    zh="从不清零梯度，每一步都混进了之前所有批次的梯度。",
    caught_by="steps_are_adamws",
    step="Call optimizer.zero_grad() before backward().",
    step_zh="在 backward() 之前调用 optimizer.zero_grad()。",
)
def never_clears_gradients(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    class Hoarder(torch.optim.AdamW):
        def zero_grad(self, set_to_none=True):
            pass

    Hoarder.__name__ = "AdamW"
    return _train(
        model, images, labels, attack, epochs, learning_rate, batch_size, optimizer=Hoarder
    )


@wrong(
    "adversarial_training",
    "Learns from the clean pictures as well as from the attacked ones.",
    zh="攻击后的图片和原图一起拿来训练。",
    caught_by="learns_from_attacked_pictures_only",
    step="Compute the loss on what the attack returned, and on nothing else.",
    step_zh="只在攻击返回的图片上算损失。",
    looks_like=lambda seen: {True, False} == {x for y in seen["learned"] for x in y["attacked"]},
)
def learns_from_both(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    def loss(model, clean, attacked, y):
        return (cross_entropy(model(clean), y) + cross_entropy(model(attacked), y)) / 2

    return _train(model, images, labels, attack, epochs, learning_rate, batch_size, loss)


@wrong(
    "adversarial_training",
    "Takes another optimizer than AdamW.",
    zh="用的优化器不是 AdamW。",
    caught_by="steps_are_adamws",
    step="Use torch.optim.AdamW.",
    step_zh="用 torch.optim.AdamW。",
    looks_like=lambda seen: any(step[0] != "AdamW" for step in seen),
)
def takes_adam(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    return _train(
        model, images, labels, attack, epochs, learning_rate, batch_size, optimizer=torch.optim.Adam
    )


@wrong(
    "adversarial_training",
    "Draws no new order for each epoch.",
    zh="没有每轮重新打乱顺序。",
    caught_by="every_picture_once_an_epoch",
    step="Draw a new random order at the beginning of each epoch.",
    step_zh="每轮开始时重新随机排序。",
    looks_like=lambda seen: seen["orders"] <= 1 and len(seen["each once"]) == 3,
)
def one_order_for_all(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    order = torch.randperm(len(images))
    return _train(
        model, images, labels, attack, epochs, learning_rate, batch_size, order=lambda _: order
    )


# --- calibration_under_shift --------------------------------------------------------------


def _report(model, shifts, labels, temperature, bins, error, sure_of=None, number=None):
    """Three numbers for each shift, the calibration error by `error`."""
    found = {}
    for name, images in shifts.items():
        with torch.no_grad():
            chances = softmax(model(images) / temperature, dim=1).double()
        sure, said = chances.max(dim=1)
        hits = (said == labels).double()
        sure = sure if sure_of is None else sure_of(chances)
        which = number(sure) if number else (sure * bins).ceil().long().clamp(min=1)
        boxes = [which == number for number in range(1, bins + 1)]
        gaps = [(hits[box].mean() - sure[box].mean()).abs() for box in boxes if box.any()]
        shares = [box.double().mean() for box in boxes if box.any()]
        found[name] = {
            "accuracy": hits.mean(),
            "confidence": sure.mean(),
            "ece": error(torch.stack(gaps), torch.stack(shares)),
        }
    return found


def _weighted(gaps, shares):
    return gaps @ shares


@wrong(
    "calibration_under_shift",
    "Averages the gaps of the bins without their weights.",
    zh="各箱的差距直接平均，没有加权。",
    caught_by="each_shift_has_three_numbers",
    step="Weight each gap by its share of the pictures.",
    step_zh="按每箱所占的图片比例加权。",
)
def bins_unweighted(model, shifts, labels, temperature=1.0, bins=10):
    with _asked(model):
        return _report(model, shifts, labels, temperature, bins, lambda gaps, _: gaps.mean())


@wrong(
    "calibration_under_shift",
    "Takes the probability of the true class for the confidence.",
    zh="把真实类别的概率当成置信度。",
    caught_by="each_shift_has_three_numbers",
    step="Confidence is the highest probability: the model does not know the truth.",
    step_zh="置信度是最大的概率：模型并不知道真实类别。",
)
def confidence_in_the_truth(model, shifts, labels, temperature=1.0, bins=10):
    with _asked(model):
        return _report(
            model, shifts, labels, temperature, bins, _weighted,
            lambda chances: chances.gather(1, labels[:, None])[:, 0],
        )  # fmt: skip


@wrong(
    "calibration_under_shift",
    "Closes the bins on the left, so that a confidence at an edge counts one bin too high.",
    zh="区间写成了左闭右开，落在边界上的置信度算进了高一格。",
    caught_by="bins_are_as_many_as_asked",
    step="Open on the left, closed on the right: ceil(confidence · bins) − 1.",
    step_zh="左开右闭：ceil(置信度 · bins) − 1。",
)
def closed_on_the_left(model, shifts, labels, temperature=1.0, bins=10):
    def number(sure):
        return (sure * bins).floor().long().clamp(max=bins - 1) + 1

    with _asked(model):
        return _report(model, shifts, labels, temperature, bins, _weighted, number=number)


# --- every function that asks a model -----------------------------------------------------


def _fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    return (images + epsilon * _slope(model, images, labels).sign()).clamp(low, high)


def _pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    project = _ball(images, epsilon, low, high)
    x = project(_noise(images, epsilon) if start is None else start)
    for _ in range(steps):
        x = project(x + step * _slope(model, x, labels).sign())
    return x


def _robust(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    return _hits(model, images, labels, attacks, epsilon, low, high).amin(dim=0).mean()


def _shares(model, images, targets, baseline, steps=100):
    points = [baseline + (n + 0.5) / steps * (images - baseline) for n in range(steps)]
    slopes = [_slope(model, x, targets, _logits) for x in points]
    return (images - baseline) * torch.stack(slopes).mean(dim=0)


@torch.no_grad()
def _worth(model, input_ids, position, target, mask_id):
    torch.manual_seed(0)
    rows = torch.cat([input_ids[None], _hidden(input_ids, mask_id)])
    scores = model(input_ids=rows).logits[:, position].log_softmax(dim=1)[:, target]
    return scores[0] - scores[1:]


def _calibration(model, shifts, labels, temperature=1.0, bins=10):
    return _report(model, shifts, labels, temperature, bins, _weighted)


for _name, _check, _answer in (
    ("fgsm", "fgsm_leaves_no_trace", _fgsm),
    ("pgd", "pgd_leaves_no_trace", _pgd),
    ("robust_accuracy", "robust_in_evaluation_mode", _robust),
    ("integrated_gradients", "shares_leave_no_trace", _shares),
    ("occlusion", "occlusion_leaves_no_trace", _worth),
    ("calibration_under_shift", "shifted_digits", _calibration),
):
    _answer.__name__ = f"{_name}_in_training_mode"
    wrong(
        _name,
        "Asks the model in the mode in which it comes: in training mode, batch statistics and "
        "dropout answer otherwise.",
        zh="模型来时是什么模式，就在什么模式下询问；训练模式下结果不同。",
        caught_by=_check,
        step="Switch to evaluation mode first, and give the mode back.",
        step_zh="先切到评估模式，用完还原。",
    )(_answer)
del _name, _check, _answer
