"""The worker: runs a learner's cells, then the probes, and sends back what it saw.

It holds no reference and no expected value when it serves a notebook. It is started as
``python -m autograder.engine.worker`` with a request on standard input and speaks frames on
what was its standard output; the learner's code gets neither.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from autograder._begun import begin
from autograder._silence import silence
from autograder.engine import limits
from autograder.engine.calling import MAX_CALLS, Call, Stand, few_enough
from autograder.engine.claims import outcome_from, outcome_to
from autograder.engine.files import lay_out
from autograder.engine.probing import prepare, run_probe
from autograder.engine.protocol import BUILT, Request, write_frame
from autograder.engine.variants import SECONDS, variants_of
from autograder.exercise.catalog import Exercise, exercise
from autograder.exercise.declaring import Answer, Check
from autograder.exercise.suite import Suite, answers, references


def main() -> None:
    """Serve the one request on standard input."""
    limits.lift_addresses()
    request = Request.parse(sys.stdin.buffer.read())
    with _claimed_stdout() as channel:
        if request.mode == "notebook":
            _warm_and_limited(request)
        serve(request, channel)
    # Threads that a submission left running would keep the process alive.
    os._exit(0)


def _warm_and_limited(request: Request) -> None:
    """Load what is ours first: the limits are on what the learner's code takes."""
    found = exercise(request.slug, Path(request.course))
    _load(found)
    warm(found)
    limits.limit(seconds=request.total_seconds, memory=request.memory, alone=False)


_WARM: dict[str, Suite] = {}


def warm(found: Exercise) -> None:
    """Make ready what every submission to an exercise needs, before children are forked."""
    suite = Suite(found)
    prepare(suite)
    _know_the_processor()
    _WARM[found.slug] = suite


def _know_the_processor() -> None:
    """Have libraries look at the processor now: behind the walls there is no ``/proc`` to read.

    Without that, a child's first float16 fails in torch ("Failed to initialize cpuinfo!"), and its
    first nearest neighbour in scikit-learn (threadpoolctl reads ``/proc/self/maps``, once).
    """
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "ones"):
        torch.ones(1).half()
    if "sklearn" in sys.modules:
        from sklearn.metrics import pairwise_distances_argmin

        pairwise_distances_argmin([[0.0]], [[0.0]])


def serve(request: Request, channel: BinaryIO) -> None:
    """Do what `request` asks and report every step on `channel`."""
    begin()
    suite = _suite(request)
    found = suite.exercise
    _load(found)
    if request.mode == "notebook":
        _serve_notebook(suite, request, channel)
    else:
        _serve_ours(suite, found, request, channel)
    write_frame(channel, {"type": "end"})


def _suite(request: Request) -> Suite:
    warm = _WARM.get(request.slug)
    if warm is not None:
        return warm.with_salt(request.salt)
    return Suite(exercise(request.slug, Path(request.course)), request.salt)


def _load(found: Exercise) -> None:
    for name in found.imports:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _serve_notebook(suite: Suite, request: Request, channel: BinaryIO) -> None:
    from autograder.engine.running import Notebook
    from autograder.engine.shell import LearnerShell

    prepare(suite)
    silence()
    shell = LearnerShell.make()
    if request.pictures:
        shell.enable_matplotlib("inline")  # type: ignore[no-untyped-call]
    lay_out(request.files)
    begin()
    write_frame(channel, {"type": "ready"})
    Notebook(suite, request, channel, shell).run()


def _serve_ours(suite: Suite, found: Exercise, request: Request, channel: BinaryIO) -> None:
    """Run probes with our own answers; what keeps them from running is told."""
    serve = _serve_yours if request.mode == "yours" else _serve_key
    try:
        serve(suite, found, request, channel)
    except Exception as error:
        write_frame(channel, {"type": "failed", "why": f"{type(error).__name__}: {error}"})
        raise


def _serve_key(suite: Suite, found: Exercise, request: Request, channel: BinaryIO) -> None:
    """Run every probe with the reference, with each misconception, and with what follows."""
    right = references(found)
    known = _known(suite, found, right, request)
    table = [
        {"name": a.name, "stands_for": a.stands_for, "text": dict(a.text), "step": dict(a.step),
         "caught_by": a.caught_by, "errata": list(a.errata),
         "looks_like": a.looks_like is not None}
        for a in known
    ]  # fmt: skip
    write_frame(channel, {"type": "misconceptions", "table": table})
    built = request.mode.startswith(BUILT)
    for name in request.checks or suite.checks:
        check = suite.checks[name]
        if built and not check.costly:
            continue  # the key holds it
        environments = _built_below if built else _environments
        for label, names in environments(suite, check, right, known):
            seconds = SECONDS if request.mode == "variants" else request.check_seconds
            outcome = run_probe(suite, check, names, seconds=seconds)
            write_frame(channel, {"type": "answer", "label": label, "outcome": outcome_to(outcome)})


def _known(suite: Suite, found: Exercise, right: dict[str, Any], request: Request) -> list[Answer]:
    """The wrong answers that a key of the request's mode is to hold."""
    if request.mode == "key":
        return answers(found, "wrong")
    if request.mode.startswith(BUILT):
        return [a for a in answers(found, "wrong") if a.name == request.mode.removeprefix(BUILT)]
    if request.mode == "variants":
        asked = {name for check in request.checks for name in suite.checks[check].learner}
        return [variant for name in sorted(asked) for variant in variants_of(name, right[name])]
    return []


def _serve_yours(suite: Suite, found: Exercise, request: Request, channel: BinaryIO) -> None:
    """Run probes with the reference, built on the answers of a learner's functions.

    Told are the checks for which all answers are there, and the calls that each other one still
    wants; one that wants far too many, since it draws thousands of times, is left out.
    """
    right = references(found)
    answers = {Call(name, values).key: outcome_from(o) for name, values, o in request.answers}
    stands = {name: Stand(name, answers, right[name]) for name, _ in request.calls}
    for name in request.checks:
        check = suite.checks[name]
        mine = {n: stands[n] for n in suite.names_below(check) - {*check.learner} if n in stands}
        if not mine:
            continue
        built = _built_on(right, dict(mine))
        outcome = run_probe(suite, check, built, seconds=request.check_seconds)
        asked = {call.key: call for stand in mine.values() for call in stand.asked()}
        if not asked:
            label = ["yours", *mine]
            told = outcome_to(outcome)
            write_frame(channel, {"type": "answer", "label": label, "outcome": told})
        elif len(asked) <= MAX_CALLS:
            calls = [[call.name, call.values] for call in few_enough(asked.values())]
            write_frame(channel, {"type": "wanted", "check": name, "calls": calls})


def _environments(
    suite: Suite, check: Check, right: dict[str, Any], known: list[Answer]
) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """The answers to run a check with: ``[]`` is the reference, else names of misconceptions.

    Those of the check's own task, and for one that rests on other names what is built below it. For
    a costly check that is done when somebody has the mistake (``built``); on several at once, or on
    one that nobody knows, with the learner's own functions (``yours``).
    """
    yield [], right
    task_of = suite.exercise.task_of
    task = task_of[check.learner[0]]
    for answer in known:
        # A function of another task that the probe calls too has its mistakes named there.
        own = answer.stands_for in check.learner and task_of[answer.stands_for] is task
        if answer.caught_by == check.name or (own and not check.costly):
            yield [answer.name], {**right, answer.stands_for: answer.value}
    if not check.costly:
        yield from _built_below(suite, check, right, known)


def _built_below(
    suite: Suite, check: Check, right: dict[str, Any], known: list[Answer]
) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """The reference, built on each misconception about a name below the check, at any depth."""
    below = suite.names_below(check) - {*check.learner}
    for answer in known:
        if answer.caught_by and answer.stands_for in below:
            yield [answer.name], _built_on(right, {answer.stands_for: answer.value})


def _built_on(right: dict[str, Any], wrong: dict[str, Any]) -> dict[str, Any]:
    """The reference's answers, each built on `wrong` ones or on what is built on them."""
    needs = {n: set(_taken(right[n])) & set(right) for n in right if n not in wrong}
    changed = set(wrong)
    while more := {name for name in needs if name not in changed and needs[name] & changed}:
        changed |= more
    built, waiting = {**right, **wrong}, changed - set(wrong)
    # In the order in which they rest on each other; a circle among them is left as it is.
    while ready := [name for name in waiting if not needs[name] & waiting]:
        for name in ready:
            parts = {need: built[need] for need in needs[name] & changed}
            built[name] = functools.partial(right[name], **parts)
        waiting.difference_update(ready)
    return built


def _taken(function: Any) -> Iterator[str]:
    """Names that a function of the reference takes by keyword only."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return iter(())
    return (p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


@contextlib.contextmanager
def _claimed_stdout() -> Iterator[BinaryIO]:
    """Keep standard output for frames, and give the rest of the process a sink."""
    sys.stdout.flush()
    private = os.dup(1)
    os.set_inheritable(private, False)
    sink = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(sink, descriptor)
    with os.fdopen(private, "wb") as channel:
        yield channel


if __name__ == "__main__":
    main()
