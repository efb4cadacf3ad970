"""The shell in which a worker runs a learner's cells: IPython without a kernel or a terminal.

Magics, `display`, plots and progress bars work as they do in Jupyter; what they show is
recorded, up to a limit.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import io
import linecache
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from autograder._parsing import parse
from autograder.engine.claims import MAX_OUTPUTS, MAX_SHOWN, MAX_TEXT, checked_png
from autograder.engine.probing import one_line
from autograder.engine.timing import Overtime, deadline

# Magics, commands and help, ends of lines of other kinds, prompts at the beginning of lines, blanks
# before the first word, and lines of blanks only.
_MORE = re.compile(
    r"[%!?\r\v\f\x1c-\x1e\x85\u2028\u2029]"
    r"|\A\s|^[^\S\n]*(?:[,;/]|>>>|\.\.\.|In\s*\[|\[)|^[^\S\n]+$",
    re.MULTILINE,
)


class Recorder:
    """What one cell showed, as plain maps, up to the limits of the protocol."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, str]] = []
        self._to_print = MAX_TEXT
        self._room = MAX_SHOWN

    def stream(self, text: str) -> None:
        """Add printed text; consecutive prints are one output."""
        text = text[: self._to_print]
        self._to_print -= len(text)
        if not text:
            return
        if self.outputs and self.outputs[-1]["kind"] == "stream":
            self.outputs[-1]["text"] += text
        else:
            self._add("stream", text)

    def rich(self, kind: str, data: dict[str, Any]) -> None:
        """Add a displayed value: its plain text, and its picture if it has one."""
        text = data.get("text/plain")
        shown = str(text)[:MAX_TEXT] if text is not None else ""
        self._add(kind, shown, _png(data.get("image/png")))

    def _add(self, kind: str, text: str, png: str = "") -> None:
        # A character takes up to four bytes, and a frame that is too long would cost all points.
        text = text[: self._room // 4]
        png = png if 4 * len(text) + len(png) <= self._room else ""
        if len(self.outputs) < MAX_OUTPUTS:
            self._room -= 4 * len(text) + len(png)
            self.outputs.append({"kind": kind, "text": text, "png": png})


def _png(data: object) -> str:
    """Base64 of `data` if it is a PNG, which a formatter gives as bytes or as base64."""
    if isinstance(data, bytes):
        data = base64.b64encode(data).decode("ascii")
    return checked_png(data)


class _Stream(io.TextIOBase):
    """Standard output or error of the learner's code."""

    encoding = "utf-8"

    def __init__(self, shell: LearnerShell) -> None:
        self._shell = shell

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._shell.recorder.stream(str(text))
        return len(text)


def _recorder(part: DisplayHook | DisplayPublisher) -> Recorder:
    recorder: Recorder = part.shell.recorder  # type: ignore[union-attr]
    return recorder


class _Publisher(DisplayPublisher):
    def publish(self, data: dict[str, Any], *_: Any, **__: Any) -> None:
        _recorder(self).rich("display", data)

    def clear_output(self, wait: bool = False) -> None:
        pass


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        _recorder(self).rich("result", format_dict)

    def finish_displayhook(self) -> None:
        pass


class _Compiler(CachingCompiler):
    """Names the code of a cell after the cell, so that tracebacks tell where."""

    cell = "cell"

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return f"<{self.cell}>"


class LearnerShell(InteractiveShell):
    """An IPython shell that records and never writes to the terminal or the disk."""

    compiler_class = Type(_Compiler)
    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)

    def __init__(self, **keywords: Any) -> None:
        self.recorder = Recorder()
        super().__init__(**keywords)  # type: ignore[no-untyped-call]
        assert self.display_formatter is not None
        self.display_formatter.active_types = ["text/plain", "image/png"]

    @classmethod
    def make(cls) -> LearnerShell:
        """Create the one shell of this process, reading no user's profile."""
        config = Config()
        config.HistoryManager.enabled = False
        HistoryManager.enabled = False  # type: ignore[assignment]
        os.environ["IPYTHONDIR"] = os.path.join(os.getcwd(), ".ipython")
        shell: LearnerShell = cls.instance(config=config, ipython_dir=os.environ["IPYTHONDIR"])
        for base in cls.__mro__[1:]:
            if issubclass(base, InteractiveShell):
                base._instance = shell  # type: ignore[assignment]
        # Of this process: one that was there before a fork belongs to the parent.
        shell.loop_runner = asyncio.new_event_loop().run_until_complete
        return shell

    def enable_gui(self, gui: Any = None) -> None:
        """Graphical event loops have no place here; ``%matplotlib inline`` needs none."""

    def showtraceback(self, *_: Any, **__: Any) -> None:
        """Errors are reported with the cell, not printed."""

    showsyntaxerror = showtraceback

    def system(self, cmd: str) -> None:
        """Run ``!command`` and record what it prints, which by default goes past Python."""
        command = self.var_expand(cmd, depth=1)  # type: ignore[no-untyped-call]
        done = subprocess.run(command, shell=True, capture_output=True, text=True, errors="replace")
        self.recorder.stream(done.stdout + done.stderr)
        self.user_ns["_exit_code"] = done.returncode

    def should_run_async(self, raw_cell: str, **_: Any) -> bool:
        """Cells run in an event loop, as in a kernel: what needs that or refuses it is alike."""
        return True

    def transform_cell(self, raw_cell: str) -> str:
        """As IPython; a cell that can hold nothing but Python is not looked through for more.

        A single line may be a magic that does not say so, such as ``cd data``.
        """
        is_one_line = "\n" not in raw_cell.strip()
        if is_one_line or _MORE.search(raw_cell) or self.input_transformers_post:
            return str(super().transform_cell(raw_cell))  # type: ignore[no-untyped-call]
        return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"

    def run(
        self, id: str, source: str, seconds: float, handed_out: str | None = None
    ) -> dict[str, Any]:
        """Run one cell and describe how it went, as a map for a frame.

        Parameters
        ----------
        handed_out
            What a locked cell was, if it was changed: that is run, and then what was added to it,
            each statement in its own right.
        """
        self.recorder = Recorder()
        self.compile.cell = id  # type: ignore[attr-defined]
        stdout, stderr = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = _Stream(self)
        started = time.perf_counter()
        stop = Stop()
        try:
            with deadline(seconds):
                for first, part in self._parts(source, handed_out):
                    error = self._run_part(part)
                    stop = stop if stop.error else Stop.of(error, id, first)
        except BaseException as raised:
            stop = Stop.of(raised, id, 1)
        finally:
            sys.stdout, sys.stderr = stdout, stderr
        return {
            "id": id, "outputs": self.recorder.outputs, "error": stop.error,
            "message": stop.message, "number": stop.number, "line": stop.line,
            "seconds": round(time.perf_counter() - started, 6),
        }  # fmt: skip

    def _run_part(self, source: str) -> BaseException | None:
        result = self.run_cell(source, store_history=False)  # type: ignore[no-untyped-call]
        error: BaseException | None = result.error_before_exec or result.error_in_exec
        if isinstance(error, Overtime):
            raise error
        return error

    def _parts(self, source: str, handed_out: str | None) -> Iterator[tuple[int, str]]:
        """What is to be run, each with the number of its first line."""
        if handed_out is None:
            yield 1, source
            return
        yield 1, handed_out
        try:
            python = self.transform_cell(source)
            known = {ast.dump(node) for node in parse(handed_out).body}
            body = parse(python).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            yield 1, source
            return
        for node in body:
            if ast.dump(node) not in known:
                yield node.lineno, ast.get_source_segment(python, node) or ""


@dataclass(frozen=True, slots=True)
class Stop:
    """What stopped a cell: the error's name and message, and the line of the cell."""

    error: str = ""
    message: str = ""
    number: int = 0
    line: str = ""

    @classmethod
    def of(cls, error: BaseException | None, cell: str, first: int) -> Stop:
        """From an exception in code whose first line is the cell's line `first`."""
        if error is None:
            return cls()
        number, line = _line_of(error, f"<{cell}>")
        return cls(*describe_error(error), number + first - 1 if number else 0, line[:200])


def _line_of(error: BaseException, filename: str) -> tuple[int, str]:
    """Number and text of the line of a cell at which an exception left it."""
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno, (error.text or "").strip()
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == filename:
            line = linecache.getline(filename, traceback.tb_lineno).strip()
            return traceback.tb_lineno, line
        traceback = traceback.tb_next
    return 0, ""


def describe_error(error: BaseException) -> tuple[str, str]:
    """Name and one-line message of what stopped a cell."""
    if isinstance(error, Overtime):
        what = " of processor time" if error.computed else ""
        return "Timeout", f"still running after {error.seconds:g} s{what}"
    if isinstance(error, SyntaxError):
        return type(error).__name__, f"{error.msg} (line {error.lineno})"
    return type(error).__name__[:80], one_line(error)


def locate(traceback: TracebackType | None) -> tuple[str, str]:
    """The innermost place in a learner's cell: ``("recall:3", "return tp / 0")``."""
    place = ("", "")
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if filename.startswith("<") and filename.endswith(">") and "frozen" not in filename:
            line = linecache.getline(filename, traceback.tb_lineno).strip()
            if line:
                place = (f"{filename[1:-1]}:{traceback.tb_lineno}", line[:200])
        traceback = traceback.tb_next
    return place
