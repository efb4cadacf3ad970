"""An ordinary user, who has subordinate ids or not, while root runs the tests.

Nobody is added to this machine: what says who is who (`/etc/passwd`, `/etc/subuid`) is another file
for the processes in question only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.exercise import catalog

USER = 12345
_NAME = "touchstone-teacher"
_FILES = {
    "/etc/passwd": f"root:x:0:0::/root:/bin/sh\n{_NAME}:x:{USER}:{USER}::/nowhere:/bin/sh\n",
    "/etc/group": f"root:x:0:\n{_NAME}:x:{USER}:\n",
    "/etc/subuid": "",
    "/etc/subgid": "",
}
_IDS = f"{_NAME}:{0x60000000}:65536\n"


def python() -> str | None:
    """A Python with our libraries that an ordinary user may run, if there is one."""
    usual = f"/usr/bin/python3.{sys.version_info.minor}"
    runs = (
        p for p in (sys.executable, usual) if says("import autograder.engine, sklearn", p) == ""
    )
    return next(runs, None)


def says(code: str, python: str, *, subordinate: bool = False) -> str:
    """What `code` prints when an ordinary user runs it, errors too."""
    paths = [str(catalog.PACKAGE.parent), *(p for p in sys.path if p.endswith("-packages"))]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        shown = []
        for number, (path, text) in enumerate(_FILES.items()):
            file = home / f"shown-{number}"
            file.write_text(_IDS if subordinate and "sub" in path else text)
            shown += [f"mount --bind {file} {path}"] if os.path.exists(path) else []
        os.chown(home, USER, USER)
        environment = {
            "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(paths), "HOME": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        who = f"--reuid {USER} --regid {USER} --clear-groups"
        # With a shell between them: setpriv finds what it starts with root's rights.
        last = f'exec setpriv {who} sh -c \'exec "$0" -c "$1"\' "$0" "$1"'
        script = " && ".join([*shown, last])
        line = [shutil.which("unshare") or "unshare", "--mount", "sh", "-c", script, python, code]
        try:
            return subprocess.run(
                line, cwd=home, env=environment, text=True, timeout=120,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            ).stdout  # fmt: skip
        except OSError as error:
            return str(error)
