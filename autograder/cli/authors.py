"""Commands for authors: make, build and verify exercises."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated, Any

import typer

from autograder.cli.shared import say

app = typer.Typer(
    help=say("For authors: make, build and verify exercises.", "写给作者：新建、生成、验证练习。"),
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command("new", help=say("Scaffold an exercise.", "新建练习的骨架。"))
def new_exercise(slug: str) -> None:
    from autograder.dev.new import new
    from autograder.exercise import catalog
    from autograder.report import messages

    for path in new(slug, catalog.content_root()):
        messages.say(str(path))


@app.command(
    "build", help=say("Generate notebooks, figures and index.", "生成 notebook、插图和索引。")
)
def build_notebooks(
    slugs: Annotated[list[str] | None, typer.Argument()] = None,
    check: Annotated[
        bool, typer.Option("--check", help=say("Only say what is stale.", "只检查是否过期。"))
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help=say("Execute everything again.", "全部重新执行。"))
    ] = False,
) -> None:
    from autograder.dev.build import build
    from autograder.dev.rules.figures import figures
    from autograder.dev.whole import build_index
    from autograder.report import messages

    changes: list[object] = []
    for exercise in _chosen(slugs):
        changes += build(exercise, check=check, force=force)
        changes += figures(exercise) if check else ()
    changes += build_index(check=check)
    for change in changes:
        messages.say(str(change), "yellow" if check else "")
    raise typer.Exit(1 if check and changes else 0)


Slugs = Annotated[list[str] | None, typer.Argument()]
Afresh = Annotated[
    bool, typer.Option("--afresh", help=say("Prove everything again.", "全部重新验证。"))
]
Mutants = Annotated[
    bool,
    typer.Option(
        "--mutants",
        help=say(
            "Instead, change the solution in small ways and list what no check notices.",
            "改为对答案做各种小改动，列出没有检查能发现的改动。",
        ),
    ),
]
Redundant = Annotated[
    bool,
    typer.Option(
        "--redundant",
        help=say(
            "Instead, list checks and misconceptions that tell nothing of their own.",
            "改为列出没有独立作用的检查和误解。",
        ),
    ),
]
UnderSecret = Annotated[
    bool,
    typer.Option(
        "--secret",
        help=say(
            "Instead, list what a teacher's secret does not change, with the reason.",
            "改为列出教师密钥改变不了的检查及原因。",
        ),
    ),
]


@app.command(
    "verify",
    help=say(
        "Prove exercises. What was proven before, of the same content, is not proven again.",
        "验证练习。内容没变、已经验证过的，不再重复。",
    ),
)
def verify_exercises(
    slugs: Slugs = None,
    afresh: Afresh = False,
    mutants: Mutants = False,
    redundant: Redundant = False,
    secret: UnderSecret = False,
) -> None:
    asked = ((redundant, _redundant), (secret, _secret), (mutants, _survey))
    instead = next((act for is_asked, act in asked if is_asked), None)
    act = instead or partial(_prove, afresh=afresh)
    well = [act(exercise) for exercise in _chosen(slugs)]
    if not slugs and instead is None:
        well.append(_prove_course())
    raise typer.Exit(0 if all(well) else 1)


def _prove(exercise: Any, *, afresh: bool) -> bool:
    """Prove one exercise, and say what a secret would change of it; whether all holds."""
    from autograder.dev.verify import verify
    from autograder.report import messages

    started = time.perf_counter()
    found = verify(exercise, afresh=afresh)
    well = messages.show_promises(exercise.slug, found, time.perf_counter() - started)
    if not found:
        _tell_share(exercise)
    return well


def _prove_course() -> bool:
    """Prove what holds of all exercises together."""
    from autograder.dev.whole import verify_course
    from autograder.report import messages

    started = time.perf_counter()
    found = verify_course()
    return messages.show_promises("the course", found, time.perf_counter() - started)


def _redundant(exercise: Any) -> bool:
    """List what tells nothing of its own, which is no fault by itself."""
    from autograder.dev.redundant import redundant
    from autograder.report import messages

    for finding in redundant(exercise):
        messages.say(str(finding))
    return True


def _survey(exercise: Any) -> bool:
    """Show the mutants of one exercise that survive; return whether each has its reason."""
    from autograder.dev.survivors import survey
    from autograder.report import messages

    found = survey(exercise, told=lambda task: messages.complain(f"{exercise.slug}: {task} …"))
    for survivor in found.survivors:
        messages.say(str(survivor), "" if survivor.reason else "yellow")
    set_aside = len(found.survivors) - len(found.unexplained)
    meant = found.total - set_aside
    share = 1 - len(found.unexplained) / meant if meant else 1.0
    messages.say(
        f"{exercise.slug}: {share:.1%} of {meant} mutants are noticed; {set_aside} are set aside."
    )
    return not found.unexplained


@app.command(
    "train-models",
    help=say(
        "Train the tiny models again, where they are shipped: minutes each. By default all.",
        "重新训练随课程附带的小模型并就地覆盖，每个要几分钟。默认全部。",
    ),
)
def train_models(names: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    from autograder.dev.train import train, trainable

    for name in names or trainable():
        train(name)


def _chosen(slugs: list[str] | None) -> list:  # type: ignore[type-arg]
    from autograder.exercise import catalog

    return [catalog.exercise(slug) for slug in slugs] if slugs else list(catalog.exercises())


def _tell_share(exercise: Any) -> Any:
    """Say what share of an exercise's points a secret changes, and return it."""
    from autograder.dev.secrecy import GOAL, REASONS, changed_by_a_secret
    from autograder.report import messages

    share = changed_by_a_secret(exercise)
    rest = {reason: share.because(reason) for reason in REASONS}
    en = ", ".join(f"{part:.0%} {REASONS[name]['en']}" for name, part in rest.items() if part)
    zh = "，".join(f"{part:.0%} {REASONS[name]['zh']}" for name, part in rest.items() if part)
    messages.say(
        say(
            f"{share.slug}: a secret changes {share.changed:.0%} of the points"
            + (f"; {en}" if en else ""),
            f"{share.slug}：密钥会改变 {share.changed:.0%} 的分值" + (f"；{zh}" if zh else ""),
        ),
        "" if share.changed >= GOAL else "yellow",
    )
    return share


def _secret(exercise: Any) -> bool:
    """List what a secret does not change of an exercise, which is no fault by itself."""
    from autograder.dev.secrecy import REASONS
    from autograder.report import messages

    for item in _tell_share(exercise).unchanged:
        messages.say(
            say(
                f"  {item.points:5.2f}  {item.check}: {REASONS[item.reason]['en']}",
                f"  {item.points:5.2f}  {item.check}：{REASONS[item.reason]['zh']}",
            )
        )
    return True
