"""The learner's folder: notebooks that are brought up to date and never overwritten."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from autograder import _files
from autograder._errors import WorkbookError as WorkbookError
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES, Language, Text
from autograder.learner.workbook import carrying, nbfile, reading, resetting, shipped
from autograder.learner.workbook.nbfile import Cell, Notebook, Unreadable
from autograder.learner.workbook.shipped import Release, Store

_MARK = ".touchstone"
_LEFT_OVER: Text = {
    "en": "These cells of your former notebook have no place in the present one. Copy over what "
    "you still need; then you may delete this file.",
    "zh": "下面这些单元格来自你原来的 notebook，新版里没有对应的位置。还需要的内容请复制过去，"
    "之后就可以删除本文件。",
}


@dataclass(frozen=True)
class Workbook:
    """A folder with the learner's notebooks."""

    folder: Path
    language: Language

    @cached_property
    def notebooks(self) -> tuple[Path, ...]:
        """The learner's notebooks in the order of the course, without the copies beside them."""
        paths = (self.folder / f"{exercise.slug}.ipynb" for exercise in catalog.exercises())
        return tuple(path for path in paths if path.is_file())

    @property
    def journal(self) -> Path:
        """Where its journal is, or will be."""
        return self.folder / _MARK / "journal.sqlite"


@dataclass(frozen=True)
class Placed:
    """What `start` did for one exercise.

    Attributes
    ----------
    path
        The learner's notebook.
    action
        ``updated`` if another edition took its place, with the learner's work in it.
    carried
        Ids of the cells of that edition which hold the learner's work.
    left_over
        Notebook beside it with the learner's cells that did not fit.
    former
        Copy of the whole former notebook, kept unless all work simply went to its own place.
    problem
        Why the file that is there was left alone, and what to do; None if all is well.
    """

    path: Path
    action: Literal["created", "kept", "updated"]
    carried: tuple[str, ...] = ()
    left_over: Path | None = None
    former: Path | None = None
    problem: Text | None = None


def find(folder: Path) -> Workbook | None:
    """The workbook that `folder` is, or lies in; None if there is none.

    Raises
    ------
    WorkbookError
        If there is one whose language cannot be read.
    """
    inner = folder.resolve()
    for place in (inner, *inner.parents):
        if (place / _MARK).is_dir():
            return Workbook(place, _read_language(place))
    return None


def start(
    folder: Path, language: Language, *, exercises: Sequence[Exercise] | None = None
) -> list[Placed]:
    """Make `folder` a workbook, or bring the one there up to date.

    A notebook of the present edition stays as it is, byte for byte. One of another edition or
    language becomes the present one with the learner's work in it; what does not fit is kept
    beside it. A file that is no notebook of the exercise is left alone. The lessons lie in
    ``lessons``; one that the learner wrote in stays as it is.

    Parameters
    ----------
    exercises
        Those to place; by default all of them.

    Raises
    ------
    WorkbookError
        If a file cannot be written, or the course is incomplete. All work is then as it was.
    """
    if language not in LANGUAGES:
        raise WorkbookError(
            f"There is no course in {language!r}. Choose one of: {', '.join(LANGUAGES)}.",
            f"课程没有 {language!r} 版本，请从 {'、'.join(LANGUAGES)} 中选择。",
        )
    chosen = catalog.exercises() if exercises is None else exercises
    releases = [shipped.present(exercise, language) for exercise in chosen]
    try:
        _write_language(folder, language)
        store = _store(folder)
        reading.place(folder, folder / _MARK / "lessons.json", language, chosen)
        return [_place(folder / f"{release.slug}.ipynb", release, store) for release in releases]
    except OSError as error:
        raise _unwritten(folder, error) from error


def reset(path: Path, *, tasks: Collection[str] | None = None) -> Path:
    """Restore the stubs of a notebook, or of some of its tasks, after keeping a copy.

    The edition stays the learner's where the workbook has kept it. With `tasks`, whatever does
    not belong to them stays, the cells that the learner added among it.

    Returns
    -------
    Path
        The copy of the notebook as it was.

    Raises
    ------
    WorkbookError
        If the notebook is missing, a task is unknown, or a file cannot be written.
    """
    try:
        data = _files.read(path)
        book = find(path.parent)
        origin = shipped.origin_of(path, data, book.language if book else "en")
        release = _store(book.folder).get(origin) if book else None
        if release is None:
            exercise = shipped.exercise_called(origin["exercise"])
            release = shipped.present(exercise, origin["language"])
        restored = release.data if tasks is None else _restored(path, data, release, tasks)
        kept = _files.create_dated(path, "before-reset", data)
        _overwrite(path, restored, former=data)
        return kept
    except FileNotFoundError:
        raise WorkbookError(
            f"There is no notebook {path}. Run `touchstone start` to get it.",
            f"找不到 notebook {path}。请运行 `touchstone start` 生成。",
        ) from None
    except OSError as error:
        raise _unwritten(path, error) from error


def _restored(path: Path, data: bytes, release: Release, tasks: Collection[str]) -> bytes:
    try:
        mine = nbfile.parse(data)
    except Unreadable as error:
        raise WorkbookError(
            f"{path} cannot be read: {error}. Reset the whole notebook instead; a copy is kept.",
            f"无法读取 {path}：{error.text['zh']}。请改为重置整个 notebook，原文件会另存一份。",
        ) from None
    return nbfile.dump(resetting.restore(mine, release.notebook, tasks))


def _place(path: Path, release: Release, store: Store) -> Placed:
    """Create, keep or update one notebook."""
    store.add(release)
    try:
        _files.create(path, release.data)
        return Placed(path, "created")
    except FileExistsError:
        pass
    try:
        data = _files.read(path)
        mine = nbfile.parse(data)
    except OSError as error:
        return _left_alone(path, f"it cannot be read ({error.strerror})", "文件无法读取")
    except Unreadable as error:
        return _left_alone(path, error.text["en"], error.text["zh"])
    if mine.origin == release.notebook.origin:
        return Placed(path, "kept")
    done = carrying.carry(mine, release.notebook, store.all(release.slug))
    if mine.origin.get("exercise", release.slug if done.matched else None) != release.slug:
        return _left_alone(path, "it is not of this exercise", "它不是这个练习的 notebook")
    return _update(path, data, mine, done)


def _update(path: Path, data: bytes, mine: Notebook, done: carrying.Carried) -> Placed:
    """Write the new edition, but first whatever might be missed in it."""
    left_over = former = None
    if done.left_over:
        beside = nbfile.dump(_left_over(mine, done))
        left_over = _files.create_dated(path, "left-over", beside)
    if not done.pure:
        former = _files.create_dated(path, "former", data)
    _overwrite(path, nbfile.dump(done.notebook), former=data)
    return Placed(path, "updated", done.ids, left_over, former)


def _left_over(mine: Notebook, done: carrying.Carried) -> Notebook:
    language: Language = done.notebook.origin["language"]
    note: Cell = {"cell_type": "markdown", "id": "note", "source": _LEFT_OVER[language]}
    # Without the course's mark, for this is not to be graded.
    about = {key: value for key, value in mine.metadata.items() if key != "touchstone"}
    cells = carrying.adopt([note, *done.left_over], set())
    return Notebook(tuple(cells), {"nbformat": 4, "nbformat_minor": 5, "metadata": about})


def _overwrite(path: Path, data: bytes, *, former: bytes) -> None:
    """Replace a notebook, unless JupyterLab, say, has saved it since it was read."""
    if path.read_bytes() != former:
        raise WorkbookError(
            f"{path} was saved by another program at this moment and is left as it is. Save and "
            "close it there, then run the command again.",
            f"{path} 刚刚被其他程序保存过，因此没有改动。请先在那边保存并关闭，再重新运行本命令。",
        )
    _files.replace(path, data)


def _store(folder: Path) -> Store:
    return Store(folder / _MARK / "editions")


def _read_language(folder: Path) -> Language:
    path = folder / _MARK / "workbook.json"
    try:
        state = json.loads(path.read_text("utf-8"))
        language: Language = state["language"]
        if language in LANGUAGES:
            return language
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise WorkbookError(
        f"{path} is missing or damaged; your notebooks are not touched by that. Run "
        f"`touchstone start` in {folder} to write it again.",
        f"{path} 缺失或损坏，你的 notebook 不受影响。请在 {folder} 里重新运行 `touchstone start`。",
    )


def _write_language(folder: Path, language: Language) -> None:
    path = folder / _MARK / "workbook.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    _files.replace(path, json.dumps({"language": language}).encode() + b"\n")


def _left_alone(path: Path, en: str, zh: str) -> Placed:
    problem: Text = {
        "en": f"{path.name} was left alone: {en}. Move it away and run `touchstone start` again "
        "to get a fresh one.",
        "zh": f"{path.name} 未作改动：{zh}。请先把它移走，再运行 `touchstone start` 生成新的一份。",
    }
    return Placed(path, "kept", problem=problem)


def _unwritten(path: Path, error: OSError) -> WorkbookError:
    where = error.filename or path
    return WorkbookError(
        f"{where} cannot be written: {error.strerror or error}. All notebooks are whole and no "
        "work is lost. Free space or mend the rights, then run the command again.",
        f"无法写入 {where}：{error.strerror or error}。所有 notebook 完好，没有内容丢失。"
        "请检查磁盘空间和写入权限，再重新运行本命令。",
    )
