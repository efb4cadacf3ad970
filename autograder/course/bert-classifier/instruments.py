"""What the probes of `bert-classifier` watch with: passes, gradients, and steps of optimizers."""

from contextlib import contextmanager

from autograder.probes import watch


def watch_rows(model):
    """Note each forward pass: its rows without padding, the model's mode, and gradients."""
    return watch(model.base_model.embeddings, _unpadded)


def _unpadded(ids):
    return [tuple(i for i in row if i) for row in ids.tolist()]


@contextmanager
def watched_gradients(model, most):
    """Note at each step whether the gradient is of what arrived since the step before, and no more.

    Beside the word stands of how many sentences. It is "gathered" if these are more than `most`,
    however many passes they took; and "never used" if there is no step after it. Directions are
    compared: whoever clips changes the length.
    """
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    calls, arrived, notes = watch_rows(model), [], []
    bias = model.classifier.bias
    bias.register_hook(lambda gradient: arrived.append(gradient.detach().clone()))

    def note(optimizer, _arguments, _keywords):
        if not any(p is bias for group in optimizer.param_groups for p in group["params"]):
            return
        own, used = sum(arrived), bias.grad
        rows = sum(len(call["rows"]) for call in calls if call["grad"])
        if not arrived:
            kind = "none arrived"
        elif used is None or not used.any():
            kind = "lost"
        elif rows > most:
            kind = "gathered"
        else:
            alike = torch.allclose(used / used.norm(), own / own.norm(), atol=1e-3)
            kind = "fresh" if alike else "stale"
        notes.append((kind, rows))
        calls.clear()
        arrived.clear()

    handle = register_optimizer_step_post_hook(note)
    try:
        yield notes
    finally:
        handle.remove()
    if arrived:
        notes.append(("never used", len(arrived)))


def kind_of(optimizer):
    """The name of its kind; whatever decays weights as AdamW does is AdamW."""
    decoupled = optimizer.defaults.get("decoupled_weight_decay")
    return "AdamW" if decoupled else type(optimizer).__name__


class Steps:
    """Notes the kind of optimizer and its learning rate at every step in the body."""

    def __enter__(self):
        from torch.optim.optimizer import register_optimizer_step_pre_hook

        self.rates, self.kinds = [], set()
        self._handle = register_optimizer_step_pre_hook(self._note)
        return self

    def _note(self, optimizer, _arguments, _keywords):
        # The head may learn faster than the rest.
        self.rates.append(min(float(group["lr"]) for group in optimizer.param_groups))
        self.kinds.add(kind_of(optimizer))

    def __exit__(self, *_):
        self._handle.remove()
