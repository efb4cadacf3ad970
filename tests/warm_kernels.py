"""Real kernels, forked from a process that has imported the heavy libraries already.

Importing torch and scikit-learn takes longer than most notebooks; nbgrader starts a kernel for each
of them. A kernel specification called ``python3`` makes `jupyter_client`, and nbgrader with it, ask
here for one: ``ipykernel`` itself runs in a child, in the folder and the environment asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# What stands for a kernel: it asks for one, and lives as long as that does.
_STAND_IN = """\
import json, os, socket, sys
asked = {"file": sys.argv[2], "folder": os.getcwd(), "environment": dict(os.environ)}
with socket.socket(socket.AF_UNIX) as line:
    line.connect(sys.argv[1])
    line.sendall(json.dumps(asked).encode() + b"\\n")
    line.recv(1)
"""


@contextlib.contextmanager
def warm_kernels(folder: Path, *imports: str) -> Iterator[dict[str, str]]:
    """Environment in which ``python3`` is a kernel that has imported the modules named."""
    address, stand_in = folder / "line", folder / "stand_in.py"
    stand_in.write_text(_STAND_IN, "utf-8")
    spec = folder / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    command = [sys.executable, "-S", "-E", str(stand_in), str(address), "{connection_file}"]
    table = {"argv": command, "display_name": "Python 3 (ipykernel)", "language": "python"}
    spec.write_text(json.dumps({**table, "interrupt_mode": "message"}), "utf-8")
    nursery = subprocess.Popen(
        [sys.executable, __file__, str(address), *imports],
        stdout=subprocess.PIPE, cwd=folder, start_new_session=True,
    )  # fmt: skip
    try:
        assert nursery.stdout is not None
        assert nursery.stdout.readline() == b"ready\n"
        yield {"JUPYTER_PATH": str(folder), "JUPYTER_PREFER_ENV_PATH": "0"}
    finally:
        os.killpg(nursery.pid, signal.SIGKILL)
        nursery.wait()


def main() -> None:
    """Serve until killed."""
    address, *imports = sys.argv[1:]
    for name in imports:
        importlib.import_module(name)
    importlib.import_module("ipykernel.kernelapp")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        print("ready", flush=True)
        lines: dict[int, tuple[int, socket.socket]] = {}
        while True:
            readable, _, _ = select.select([door, *(s for _, s in lines.values()), *lines], [], [])
            for found in readable:
                if found is door:
                    line, _ = door.accept()
                    process = _forked(line, [door, *(s for _, s in lines.values())])
                    lines[os.pidfd_open(process)] = (process, line)
                elif found in lines:
                    process, line = lines.pop(found)
                    os.close(found)
                    os.waitpid(process, 0)
                    line.close()
                else:
                    # Whoever asked is gone.
                    process = next((p for p, s in lines.values() if s is found), 0)
                    if process:
                        os.kill(process, signal.SIGKILL)


def _forked(line: socket.socket, others: list[socket.socket]) -> int:
    """A child that becomes the kernel asked for on `line`."""
    with line.makefile("rb") as stream:
        asked = json.loads(stream.readline())
    process = os.fork()
    if process:
        return process
    for other in [line, *others]:
        other.close()
    sink = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(sink, descriptor)
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"], JPY_PARENT_PID=str(os.getppid()))
    sys.path[0] = ""
    from ipykernel.kernelapp import IPKernelApp

    argv = ["-f", asked["file"], "--HistoryManager.enabled=False"]
    try:
        IPKernelApp.launch_instance(argv=argv)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
