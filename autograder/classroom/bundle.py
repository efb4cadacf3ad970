"""The grader packed for somebody else's platform."""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from autograder import _files
from autograder._errors import BilingualError
from autograder.exercise import catalog
from autograder.language import Language

_DISTRIBUTION = "touchstone-course"
_SCRIPTS = ("setup.sh", "run_autograder")
_ROOMS = ("lessons", "exercises", "solutions")
# The same content gives the same file, whenever it is packed.
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class BundleError(BilingualError):
    """A bundle that cannot be made; ``text`` says why and what to do."""


def write_gradescope_bundle(
    exercises: Sequence[str],
    target: Path,
    *,
    secret: str = "",
    language: Language | None = None,
) -> Path:
    """Write the ZIP that Gradescope takes as an autograder, and return its path.

    It holds this very copy of the course, answers and `secret` included, so it is the teacher's
    alone, and asks for the versions of the libraries that are installed here.

    Parameters
    ----------
    exercises
        Slugs of those that the assignment is about; one is best, for its limits are for one.
    target
        A file, or a folder that gets a file named after the exercises.
    secret
        Changes every seed; students then see no inputs and no expected values.
    language
        Of what students see; by default that of their notebook.

    Raises
    ------
    CatalogError
        If there is no such exercise.
    BundleError
        If it cannot be made or written.
    """
    if not exercises:
        raise BundleError(
            "Say which exercise the assignment is about.", "请指明这次作业对应哪个练习。"
        )
    slugs = tuple(dict.fromkeys(catalog.exercise(slug).slug for slug in exercises))
    path = target / f"gradescope-{'-'.join(slugs)}.zip" if target.is_dir() else target
    if path.is_file() and not _is_a_bundle(path):
        raise BundleError(
            f"{path} is a file of another kind, such as a class's work, and stays. Name another.",
            f"{path} 是别的文件（例如学生交来的作业），不会被覆盖。请换一个文件名。",
        )
    content = _packed(slugs, secret, language)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _files.replace(path, content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BundleError(
            f"{path} cannot be written: {reason}. Name another place.",
            f"无法写入 {path}：{reason}。请换一个位置。",
        ) from None
    return path


def _is_a_bundle(path: Path) -> bool:
    """Whether a file is one that was made here before."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {*_SCRIPTS} <= {*archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return False


def _packed(slugs: tuple[str, ...], secret: str, language: Language | None) -> bytes:
    from autograder.classroom.gradescope import SETTINGS, Settings, unfinished

    texts = {
        SETTINGS: Settings(slugs, secret, language).dumps(),
        "unfinished.json": json.dumps(unfinished(), ensure_ascii=False, indent=2) + "\n",
        "requirements.txt": "".join(f"{line}\n" for line in _requirements()),
        "python-version": f"{sys.version_info.major}.{sys.version_info.minor}\n",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in _SCRIPTS:
            script = catalog.PACKAGE / "classroom" / "gradescope" / name
            _add(archive, name, script.read_bytes(), mode=0o755)
        for name, text in texts.items():
            _add(archive, name, text.encode())
        for name, file in _course():
            _add(archive, f"course/autograder/{name}", file.read_bytes())
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int = 0o644) -> None:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.external_attr = (0o100000 | mode) << 16
    info.create_system = 3  # Unix, so that the mode counts wherever it is packed
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content)


def _course() -> Iterator[tuple[str, Path]]:
    """The files of this package, with the lessons and notebooks in it as in an installed copy."""
    yield from _files_of(catalog.PACKAGE)
    if catalog.content_root() == catalog.PACKAGE.parent:
        for room in _ROOMS:
            for name, file in _files_of(catalog.PACKAGE.parent / room):
                yield f"_content/{room}/{name}", file


def _files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not any(p.startswith((".", "__pycache__")) for p in relative.parts):
            yield relative.as_posix(), path


def _requirements() -> Iterator[str]:
    """What the course needs, in the versions that are installed here."""
    try:
        needed = metadata.requires(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        raise BundleError(
            f"{_DISTRIBUTION} is not installed, so it is not known what it needs. Install it, as "
            "README says.",
            f"尚未安装 {_DISTRIBUTION}，无法得知它的依赖。请按 README 安装。",
        ) from None
    for line in needed:
        match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
        if match and "extra ==" not in line:
            # Builds for one processor, such as 2.6.0+cu126, are told by what follows the plus.
            yield f"{match[0]}=={metadata.version(match[0]).partition('+')[0]}"
