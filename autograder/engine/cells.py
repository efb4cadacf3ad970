"""Reading a notebook that somebody hands in: which exercise it is, and its code cells."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder._files import decoded
from autograder.engine.files import NOTHING, Beside, Taken, in_folder_of, take
from autograder.engine.sources import setup_variables
from autograder.evidence.packing import pack, unpack
from autograder.exercise import catalog
from autograder.language import LANGUAGES, Language, Text

MAX_BYTES = 64 * 2**20
MAX_PARTS = 4_000_000
"""Commas and opening brackets in the JSON of a notebook: each may cost the memory of an object."""
MAX_SOURCE = 2**18
MAX_CELLS = 2_000


class UnreadableNotebook(Exception):
    """A notebook that cannot be graded; ``text`` says why and what to do, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text: Text = {"en": en, "zh": zh}


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell: a stable id where the notebook has one, and its source."""

    id: str
    source: str


@dataclass(frozen=True, slots=True)
class Notebook:
    """The code of a notebook and what it is an answer to.

    Attributes
    ----------
    beside
        What lies beside it and goes along, and what its code names that does not.
    code
        The exercise, the code cells and what goes along, as bytes: the same for two notebooks that
        differ in outputs or prose, and for no others, whatever characters they hold.
    digest
        Its hash.
    """

    path: Path
    exercise: str
    language: Language
    cells: tuple[Cell, ...]
    beside: Taken = NOTHING

    @property
    def code(self) -> bytes:
        # Names may hold halves of surrogate pairs, of which `pack` would make one and the same.
        files = [[_exactly(name), content] for name, content in self.beside.files]
        left = [[_exactly(name), why["en"]] for name, why in self.beside.left]
        cells = [[_exactly(cell.id), _exactly(cell.source)] for cell in self.cells]
        return pack([self.exercise, cells, files, left])

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.code).hexdigest()

    def packed(self) -> bytes:
        """Serialise, to be graded elsewhere."""
        cells = [[cell.id, cell.source] for cell in self.cells]
        # As JSON, in which a name that is no text can be written down too.
        path = json.dumps(self.path.as_posix())
        return pack(
            {"path": path, "exercise": self.exercise, "language": self.language,
             "cells": cells, "files": [list(file) for file in self.beside.files],
             "left": [[name, dict(why)] for name, why in self.beside.left]}
        )  # fmt: skip

    @classmethod
    def parse(cls, body: bytes) -> Notebook:
        """Read what `packed` wrote."""
        table = unpack(body)
        cells = tuple(Cell(id, source) for id, source in table["cells"])
        files = tuple((name, content) for name, content in table["files"])
        left = tuple((name, why) for name, why in table["left"])
        path = Path(json.loads(table["path"]))
        return cls(path, table["exercise"], table["language"], cells, Taken(files, left))


def _exactly(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read_notebook(path: Path, *, course: Path = catalog.COURSE) -> Notebook:
    """Read the notebook at `path`.

    Raises
    ------
    UnreadableNotebook
        If it is not there, is no notebook, is too large, or answers no exercise of `course`.
    """
    read = _notebook(_read(path), path, course)
    return replace(read, beside=_taken(read, in_folder_of(path)))


def parse_notebook(
    content: bytes,
    name: str,
    *,
    course: Path = catalog.COURSE,
    beside: Iterable[Beside] = (),
) -> Notebook:
    """Read a notebook that is no file here, such as one in an archive, from its `content`.

    `name` says where it was, with forward slashes; it becomes the notebook's `path`. `beside` is
    what lay there with it.

    Raises
    ------
    UnreadableNotebook
        As `read_notebook` does.
    """
    read = _notebook(content, Path(name), course)
    return replace(read, beside=_taken(read, beside))


def _taken(notebook: Notebook, beside: Iterable[Beside]) -> Taken:
    return take("\n".join(cell.source for cell in notebook.cells), beside)


def _notebook(data: bytes, path: Path, course: Path) -> Notebook:
    content = _parse(_text(data))
    raw = [cell for cell in content["cells"] if cell.get("cell_type") == "code"]
    if len(raw) > MAX_CELLS:
        raise UnreadableNotebook(
            f"It has {len(raw):,} code cells; at most {MAX_CELLS:,} are graded. Delete some.",
            f"共有 {len(raw):,} 个代码单元，最多评 {MAX_CELLS:,} 个，请删去多余的。",
        )
    cells = tuple(Cell(_cell_id(cell, n), _source(cell)) for n, cell in enumerate(raw, 1))
    size = sum(len(cell.source) for cell in cells)
    if size > MAX_SOURCE:
        raise UnreadableNotebook(
            f"Its code is {size // 2**10:,} KB long; at most {MAX_SOURCE // 2**10} KB are graded. "
            "Move data out of the code.",
            f"代码长达 {size // 2**10:,} KB，最多评 {MAX_SOURCE // 2**10} KB。请把数据移出代码。",
        )
    slug, language = _identify(path, content, cells, course)
    return Notebook(path, slug, language, cells)


def too_large(size: int) -> UnreadableNotebook:
    """Return the error for a file of `size` bytes, more than `MAX_BYTES`."""
    return UnreadableNotebook(
        f"It is {size / 2**20:.0f} MB large; at most {MAX_BYTES // 2**20} MB are read. "
        "Clear its outputs and save it again.",
        f"文件有 {size / 2**20:.0f} MB，最多读 {MAX_BYTES // 2**20} MB。请清除输出后重新保存。",
    )


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # A pipe would never answer, and a device never end.
            raise UnreadableNotebook(
                "It is no ordinary file. Hand in the .ipynb file itself.",
                "它不是普通文件。请提交 .ipynb 文件本身。",
            )
        size = status.st_size
        if size > MAX_BYTES:
            raise too_large(size)
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableNotebook(
            "There is no such file. Check the path.", "没有这个文件，请检查路径。"
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnreadableNotebook(
            f"It cannot be read: {reason}. Check what it is and who may read it.",
            f"无法读取：{reason}。请检查文件及其权限。",
        ) from None


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise too_large(len(content))
    try:
        return decoded(content)
    except UnicodeDecodeError:
        raise UnreadableNotebook(
            "It is not text, so not a notebook. Hand in the .ipynb file itself.",
            "它不是文本，因而不是 notebook。请提交 .ipynb 文件本身。",
        ) from None


def _parse(text: str) -> Mapping[str, Any]:
    if not text.strip():
        raise UnreadableNotebook(
            "The file is empty. Save the notebook again, or restore it with `touchstone reset`.",
            "文件是空的。请重新保存 notebook，或用 `touchstone reset` 恢复。",
        )
    if sum(map(text.count, ",[{")) > MAX_PARTS:
        raise UnreadableNotebook(
            "It holds too much to be read safely. Clear its outputs and save it again.",
            "内容过多，无法安全读取。请清除输出后重新保存。",
        )
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        at = error.lineno if isinstance(error, json.JSONDecodeError) else 0
        en, zh = (f" (line {at})", f"（第 {at} 行）") if at else ("", "")
        raise UnreadableNotebook(
            f"It is not valid JSON{en}, so not a notebook. Open it in Jupyter and save it again.",
            f"它不是合法的 JSON{zh}，因而不是 notebook。请在 Jupyter 中打开并重新保存。",
        ) from None
    if isinstance(content, dict) and content.get("nbformat") in (1, 2, 3):
        content = _upgrade(content)
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise UnreadableNotebook(
            "It is JSON, but no notebook: it has no list of cells.",
            "它是 JSON，但不是 notebook：没有单元列表。",
        )
    return content  # type: ignore[no-any-return]


def _upgrade(content: dict[str, Any]) -> Any:
    """Old formats keep their cells elsewhere; nbformat knows where."""
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old = nbformat.from_dict(content)  # type: ignore[no-untyped-call]
            upgraded = nbformat.convert(old, 4)  # type: ignore[no-untyped-call]
        for cell in upgraded["cells"]:
            # It had none; nbformat makes one up, another each time.
            cell.pop("id", None)
        return upgraded
    except Exception as error:
        version = content.get("nbformat")
        raise UnreadableNotebook(
            f"It is in the old notebook format {version} and cannot be converted "
            f"({type(error).__name__}). Open it in Jupyter and save it again.",
            f"它是旧格式 {version} 的 notebook，无法转换（{type(error).__name__}）。"
            "请在 Jupyter 中打开并重新保存。",
        ) from None


def _cell_id(cell: Mapping[str, Any], number: int) -> str:
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    given = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    for candidate in (given, cell.get("id")):
        if isinstance(candidate, str) and re.fullmatch(r"[\w.-]{1,64}", candidate):
            return candidate
    return f"cell-{number}"


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    # Half of a surrogate pair, which JSON can hold and no file of Python: a question mark.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else ""


def _identify(
    path: Path, content: Mapping[str, Any], cells: tuple[Cell, ...], course: Path
) -> tuple[str, Language]:
    """Say which exercise and language a notebook is, from the first of these that tells.

    Its metadata, the variables of its setup cell (metadata may be lost on the way), its name.
    """
    metadata = content.get("metadata")
    marked = metadata.get("touchstone") if isinstance(metadata, dict) else None
    candidates = [
        (marked.get("exercise"), marked.get("language")) if isinstance(marked, dict) else None,
        next(filter(None, map(setup_variables, (cell.source for cell in cells))), None),
        (path.stem, path.parent.name),
    ]
    languages = [language for _, language in filter(None, candidates) if language in LANGUAGES]
    for slug, _ in filter(None, candidates):
        if isinstance(slug, str) and re.fullmatch(r"[a-z0-9-]{1,64}", slug):
            if (course / slug / "exercise.toml").is_file():
                return slug, languages[0] if languages else "en"
    known = ", ".join(sorted(p.parent.name for p in course.glob("*/exercise.toml")))
    raise UnreadableNotebook(
        f"It answers no exercise known here. Start from `touchstone start`; there are: {known}.",
        f"它不对应任何已知练习。请从 `touchstone start` 开始；现有练习：{known}。",
    )
