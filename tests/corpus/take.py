"""Submissions that take too much, or end themselves and try to take others with them."""

from __future__ import annotations

from corpus import RIGHT, Case, in_a_cell, taking

_TIME = [
    taking("loops", "while True:\n    pass", "timeout"),
    taking("loops in C", "sum(iter(int, 1))", "timeout"),
    taking("matches without end", "import re\nre.match('(a+)+$', 'a' * 64 + 'b')", "timeout"),
    taking("computes a power without end", "return 7 ** 10 ** 9", "timeout"),
    taking("sleeps", "import time\ntime.sleep(600)", "timeout"),
    taking("waits for a lock", "import threading\nthreading.Semaphore(0).acquire()", "timeout"),
    taking("reads from where nothing comes", """
import os
os.read(os.pipe()[0], 1)""", "timeout"),
    taking("swallows whatever is raised", """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass""", "timeout"),
    taking("ignores every signal and stops the clock", """
import signal
for n in range(1, 64):
    try:
        signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.setitimer(signal.ITIMER_REAL, 0)
while True:
    pass""", "timeout"),
    taking("blocks every signal", """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
while True:
    pass""", "timeout"),
    taking("stops itself", """
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
return -1.0""", "fail", "timeout"),
    taking("never ends its message", """
class Endless(Exception):
    def __str__(self):
        while True:
            pass
raise Endless""", "timeout"),
    taking("yields without end", "while True:\n    yield 1.0", "fail"),
    in_a_cell("loops in a cell", "while True:\n    pass"),
    in_a_cell("loops in a cell and swallows", """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass"""),
    in_a_cell("never ends its representation", """
class Endless:
    def __repr__(self):
        while True:
            pass
Endless()"""),
    in_a_cell("waits in a command of the shell", "!sleep 600"),
    in_a_cell("closes its channel and lives on", """
import os, time
os.closerange(3, 256)
while True:
    try:
        time.sleep(600)
    except BaseException:
        pass"""),
    in_a_cell("has the kernel kill it", """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
while True:
    try:
        while True:
            pass
    except BaseException:
        pass"""),
]  # fmt: skip

_SPACE = [
    taking("allocates", """
import numpy
kept = []
while True:
    kept.append(numpy.ones(2**22))""", "memory"),
    taking("allocates everything at once", "return len(bytearray(10**15))", "memory"),
    taking("doubles a text", "text = 'x'\nwhile True:\n    text += text", "memory"),
    taking("allocates in many processes", """
import os, time
for _ in range(40):
    if os.fork() == 0:
        kept = bytes(2**25).replace(b'\\0', b'x')
        time.sleep(600)
time.sleep(600)""", "memory", "timeout"),
    taking("unpacks a bomb", """
import zlib
bomb = zlib.compress(bytes(2**24), 9)
return len(b''.join(zlib.decompress(bomb) for _ in range(10**4)))""", "memory", "timeout"),
    in_a_cell("allocates in a cell", """
kept = []
while True:
    kept.append(bytes(2**24).replace(b'\\0', b'x'))"""),
    taking("shares memory that nobody holds", """
import mmap
while True:
    shared = mmap.mmap(-1, 2**24)
    for at in range(0, 2**24, 4096):
        shared[at] = 1
    shared.madvise(mmap.MADV_DONTNEED)""", "error", "memory"),
    taking("keeps memory that nobody holds", """
import mmap
kept = []
while True:
    kept.append(mmap.mmap(-1, 2**24))
    for at in range(0, 2**24, 4096):
        kept[-1][at] = 1
    kept[-1].madvise(mmap.MADV_DONTNEED)""", "error"),
    taking("shares a device of zeros", """
import mmap
kept = []
with open('/dev/zero', 'r+b') as zeros:
    while True:
        kept.append(mmap.mmap(zeros.fileno(), 2**24))
        for at in range(0, 2**24, 4096):
            kept[-1][at] = 1
        kept[-1].madvise(mmap.MADV_DONTNEED)""", "error"),
    taking("allocates in a thread when its first has ended", """
import ctypes, threading
def fill():
    kept = []
    while True:
        kept.append(bytes(2**24).replace(b'\\0', b'x'))
threading.Thread(target=fill).start()
ctypes.CDLL(None).pthread_exit(None)""", "memory"),
    taking("allocates in a process whose first thread has ended", """
import ctypes, os, threading, time
def fill():
    kept = []
    while True:
        kept.append(bytes(2**24).replace(b'\\0', b'x'))
if os.fork() == 0:
    threading.Thread(target=fill).start()
    ctypes.CDLL(None).pthread_exit(None)
time.sleep(600)""", "memory"),
    taking("hides its processes behind dead ones", """
import os, time
for _ in range(16):
    if os.fork() == 0:
        if os.fork() == 0:
            os.setpgrp()
            kept = bytes(2**25).replace(b'\\0', b'x')
            time.sleep(600)
        os._exit(0)
time.sleep(600)""", "memory"),
    taking("fills the disk", """
while True:
    with open('left', 'ab') as file:
        file.write(bytes(2**20))""", "error"),
    taking("fills the disk with many files", """
import itertools
for n in itertools.count():
    with open(f'/dev/shm/{n}', 'wb') as file:
        file.write(bytes(2**20))""", "error"),
    taking("makes files without end", """
import itertools
for n in itertools.count():
    open(str(n), 'w').close()""", "error"),
    taking("makes a file with a large hole", """
with open('left', 'wb') as file:
    file.truncate(10**13)
return -1.0""", "error"),
    taking("opens without end", """
kept = []
while True:
    kept.append(open('/dev/null'))""", "error"),
    taking("makes pipes without end", """
import os
kept = []
while True:
    kept.append(os.pipe())""", "error"),
    taking("fills sockets without end", """
import socket
kept = []
while True:
    one, two = socket.socketpair()
    one.setblocking(False)
    kept += [one, two]
    try:
        while True:
            one.send(bytes(2**16))
    except BlockingIOError:
        pass""", "error"),
]  # fmt: skip

_PROCESSES = [
    taking("forks without end", "import os\nwhile True:\n    os.fork()",
           "error", "crashed", "tampered", "timeout", "memory"),
    taking("forks busy children", """
import os
for _ in range(200):
    try:
        if os.fork() == 0:
            while True:
                pass
    except OSError:
        pass
return -1.0""", "fail", "timeout", "memory"),
    taking("starts threads without end", """
import threading, time
while True:
    threading.Thread(target=time.sleep, args=(600,)).start()""", "error", "timeout", "memory"),
    # What they share by `fork` counts once.
    Case("starts many that do little", (RIGHT + """
import os, time
made = []
data = bytes(2**27).replace(b'\\0', b'x')
def recall(labels, predictions):
    while len(made) < 12:
        made.append(os.fork())
        if made[-1] == 0:
            time.sleep(0.3)
            os._exit(0)
    return _right(labels, predictions)""",), frozenset({"pass"})),
    in_a_cell("leaves a process behind", """
import subprocess
subprocess.Popen(['sleep', '612'], process_group=0)"""),
    in_a_cell("leaves a daemon behind", """
import os, time
if os.fork() == 0:
    os.setpgrp()
    if os.fork() == 0:
        for n in range(1024):
            try:
                os.close(n)
            except OSError:
                pass
        while True:
            time.sleep(1)
    os._exit(0)"""),
    in_a_cell("leaves a thread behind", """
import threading
def busy():
    while True:
        sum(range(1000))
threading.Thread(target=busy, daemon=False).start()"""),
    in_a_cell("leaves something to do at the end", """
import atexit, signal
@atexit.register
def never():
    while True:
        pass
signal.signal(signal.SIGTERM, signal.SIG_IGN)"""),
]  # fmt: skip

_ENDS = [
    taking("exits", "raise SystemExit(0)", "error"),
    taking("interrupts", "raise KeyboardInterrupt", "error"),
    taking("exits at once", "import os\nos._exit(0)", "crashed"),
    taking("aborts", "import os\nos.abort()", "crashed"),
    taking("reads nowhere", "import ctypes\nctypes.string_at(0)", "crashed"),
    taking("kills itself", "import os\nos.kill(os.getpid(), 9)\nreturn -1.0", "crashed", "fail"),
    taking("kills its parent", """
import os
os.kill(os.getppid(), 9)
return -1.0""", "crashed", "fail"),
    taking("kills its group", "import os\nos.killpg(0, 9)\nreturn -1.0", "crashed", "fail"),
    taking("kills everyone", "import os\nos.kill(-1, 9)\nreturn -1.0", "crashed", "fail", "error"),
    # Its guard was in its group, once; without a guard, nobody ends it and nobody counts.
    taking("ends its group and stays alone", """
import os, signal
for n in (1, 2, 3, 15):
    signal.signal(n, signal.SIG_IGN)
    os.kill(0, n)
kept = []
while True:
    kept.append(bytes(2**24).replace(b'\\0', b'x'))""", "memory"),
    in_a_cell("exits in a cell", "import os\nos._exit(0)"),
    in_a_cell("raises in a cell", "raise SystemExit(3)"),
    in_a_cell("reads nowhere in a cell", "import ctypes\nctypes.string_at(0)"),
    taking("recurses without end", """
import sys
sys.setrecursionlimit(10**9)
return recall(labels, predictions)""", "crashed", "memory", "error", "timeout"),
    in_a_cell("nests its source", "x = " + "(" * 20_000 + "1" + ")" * 20_000),
    in_a_cell("repeats its source", "x = 1" + " + 1" * 50_000),
]  # fmt: skip

_TALK = [
    taking("prints without end", "while True:\n    print('x' * 10**6)", "timeout"),
    in_a_cell("prints without end in a cell", "while True:\n    print('x' * 10**6)"),
    in_a_cell("displays without end", """
from IPython.display import display
for n in range(10**4):
    display('x' * 10**5)"""),
    taking("returns a long list", "return [0.5] * 10**6", "fail"),
    taking("returns a long text", "return 'x' * 10**7", "fail"),
    taking("returns a deep list", """
deep = []
for _ in range(10**5):
    deep = [deep]
return deep""", "fail", "crashed"),
    taking("returns itself", "loop = []\nloop.append(loop)\nreturn loop", "fail"),
    taking("returns a large map", "return {n: n for n in range(10**6)}", "fail", "memory"),
    taking("returns a large number", "return 1 << 10**7", "fail"),
    taking("returns an array without memory", """
import numpy
return numpy.broadcast_to(0.5, (10**6, 10**6))""", "fail"),
    taking("returns an array of objects", """
import numpy
held = numpy.empty(2, object)
held[:] = [held, held]
return held""", "fail", "error"),
    taking("returns ranks without end", """
import numpy
return numpy.zeros((1,) * 64)""", "fail"),
    taking("sends half a frame and waits", """
import os, struct, time
for n in range(3, 64):
    try:
        os.write(n, struct.pack('<I', 1000) + b'x')
    except OSError:
        pass
time.sleep(600)""", "timeout", "tampered"),
    taking("sends a frame that is too long", """
import os, struct
for n in range(3, 64):
    try:
        os.write(n, struct.pack('<I', 2**32 - 1) + b'x' * 100)
    except OSError:
        pass
return -1.0""", "tampered"),
    taking("sends frames without end", """
import autograder.engine.worker as worker, sys
frame = sys._getframe()
while 'channel' not in frame.f_locals:
    frame = frame.f_back
name = next(iter(worker._WARM['metrics'].checks))
while True:
    for kind in ('start', 'cell'):
        worker.write_frame(frame.f_locals['channel'], {
            'type': kind, 'step': 'cell:0', 'id': '', 'outputs': [], 'error': '', 'message': '',
            'seconds': 0.0, 'filling': 'x' * 10**6})""", "timeout", "tampered"),
    taking("has descriptors under way from fifty processes", """
import os, socket, array, time
for n in range(50):
    if os.fork() == 0:
        pairs = [socket.socketpair() for _ in range(8)]
        many = array.array('i', [pairs[0][0].fileno()] * 250)
        for one, _ in pairs:
            for _ in range(20):
                try:
                    one.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, many)], 64)
                except OSError:
                    break
        time.sleep(60)
        os._exit(0)
time.sleep(60)""", "timeout", "memory", "error"),
    taking("closes every descriptor", """
import os
for n in range(300):
    try:
        os.close(n)
    except OSError:
        pass
return -1.0""", "crashed", "fail", "error"),
]  # fmt: skip

CASES: list[Case] = [*_TIME, *_SPACE, *_PROCESSES, *_ENDS, *_TALK]
