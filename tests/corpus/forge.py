"""Submissions that lie about what they computed.

The probes run in the learner's process, so a submission that takes the process apart can report
any observation it likes, in turn and well formed. It gains nothing by that over returning the same
value from its function: the process holds no expected value, so it still has to know the answer.
What these cases show is that lying without knowing earns nothing.
"""

from __future__ import annotations

from corpus import Case, forging, taking

_CHANNEL = """
import struct, sys
import autograder.engine.worker as worker
from autograder.engine.claims import outcome_to
from autograder.evidence.observations import Outcome
def line():
    frame = sys._getframe()
    while 'channel' not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals['channel']
def claim(check, value):
    outcome = outcome_to(Outcome(check, 'value', value, seconds=0.0))
    return {'type': 'check', 'step': 'check:' + check, 'outcome': outcome}
CHECKS = list(worker._WARM['metrics'].checks)
MINE = [c.name for c in worker._WARM['metrics'].checks.values() if 'recall' in c.learner]
"""

_FRAMES = [
    taking("writes to every descriptor", """
import os
for n in range(3, 300):
    try:
        os.write(n, b'junk' * 100)
    except OSError:
        pass
return -1.0""", "tampered"),
    forging("ends the talk", _CHANNEL + """
worker.write_frame(line(), {'type': 'end'})""", "tampered"),
    forging("ends the talk from a function", _CHANNEL + """
def recall(a, b):
    worker.write_frame(line(), {'type': 'end'})
    return -1.0""", "tampered"),
    forging("is ready again and again", _CHANNEL + """
step = {'step': 'cell:1', 'id': '', 'outputs': [], 'error': '', 'message': '', 'seconds': 0.0}
worker.write_frame(line(), {'type': 'cell', **step})
while True:
    worker.write_frame(line(), {'type': 'ready'})""", "tampered"),
    forging("begins a cell again and again", _CHANNEL + """
step = {'step': 'cell:1', 'id': '', 'outputs': [], 'error': '', 'message': '', 'seconds': 0.0}
while True:
    worker.write_frame(line(), {'type': 'cell', **step})
    worker.write_frame(line(), {'type': 'start', 'step': 'cell:1'})""", "tampered"),
    forging("sends an empty frame", _CHANNEL + """
import time
line().write(bytes(4))
line().flush()
time.sleep(600)""", "tampered"),
    forging("reports another check", _CHANNEL + """
def recall(a, b):
    worker.write_frame(line(), claim('accuracy_of_nothing', [0.0, 1.0]))
    return -1.0""", "tampered"),
    forging("reports checks in turn, by guessing", _CHANNEL + """
def recall(a, b):
    for name in CHECKS:
        if name not in MINE[:1]:
            worker.write_frame(line(), {'type': 'start', 'step': 'check:' + name})
        worker.write_frame(line(), claim(name, True))
    worker.write_frame(line(), {'type': 'end'})
    return -1.0"""),
    forging("reports one check many times", _CHANNEL + """
def recall(a, b):
    for n in range(2000):
        worker.write_frame(line(), claim(MINE[0], n / 2000))
        worker.write_frame(line(), {'type': 'start', 'step': 'check:' + MINE[0]})
    return -1.0"""),
    forging("reports a cell that never was", _CHANNEL + """
worker.write_frame(line(), {'type': 'start', 'step': 'cell:999999'})""", "tampered"),
    forging("says that it is our fault", _CHANNEL + """
def recall(a, b):
    for name in MINE:
        if name != MINE[0]:
            worker.write_frame(line(), {'type': 'start', 'step': 'check:' + name})
        outcome = outcome_to(Outcome(name, 'internal', seconds=0.0))
        frame = {'type': 'check', 'step': 'check:' + name, 'outcome': outcome}
        worker.write_frame(line(), frame)""", "error", "tampered", "crashed"),
    forging("ends between two steps", """
import os, autograder.engine.running as running
def defined_names(source):
    os._exit(3)
running.defined_names = defined_names""", "crashed"),
    forging("ends in a thread when it likes", """
import os, threading
threading.Timer(0.001, os._exit, (0,)).start()""", "crashed", "fail"),
    forging("spoils what our checks are made with", """
import numpy
def spoilt(*arguments):
    raise ValueError('spoilt')
numpy.random.default_rng = spoilt""", "error", "fail"),
    forging("reports that it passed", _CHANNEL + """
def recall(a, b):
    frame = claim(MINE[0], 1.0)
    frame['outcome']['kind'] = 'pass'
    worker.write_frame(line(), frame)
    return -1.0""", "tampered"),
    forging("reports endless time", _CHANNEL + """
def recall(a, b):
    frame = claim(MINE[0], 1.0)
    frame['outcome']['seconds'] = float('nan')
    worker.write_frame(line(), frame)
    return -1.0""", "tampered"),
    forging("reports an array that is none", _CHANNEL + """
import msgpack, os
def recall(a, b):
    for head in (msgpack.packb(['O', [1]]), msgpack.packb(['<f8', [-1, 10**15]]), b'\\xc1'):
        body = msgpack.packb({'type': 'x', 'value': msgpack.ExtType(1, head + bytes(8))})
        os.write(line().fileno(), struct.pack('<I', len(body)) + body)
    return -1.0""", "tampered"),
    forging("reports a pickle", _CHANNEL + """
import os, pickle
def recall(a, b):
    body = pickle.dumps(print)
    os.write(line().fileno(), struct.pack('<I', len(body)) + body)
    return -1.0""", "tampered"),
]  # fmt: skip

_PATCHES = [
    forging("makes every value the same", """
import autograder.evidence.observations as o, autograder.engine.probing as p
p.to_data = o.to_data = lambda value: 1.0"""),
    forging("makes every probe say yes", """
import autograder.engine.worker as worker
from autograder.evidence.observations import Outcome
worker.run_probe = lambda suite, check, *a, **k: Outcome(check.name, 'value', True)"""),
    forging("leaves checks out", """
import autograder.engine.worker as worker
worker._WARM['metrics'].checks.clear()
for suite in worker._WARM.values():
    suite.checks = {}""", "tampered", "fail"),
    forging("replaces the probes", """
import dataclasses, gc
from autograder.checks import Check
for one in gc.get_objects():
    if isinstance(one, Check):
        object.__setattr__(one, 'function', lambda **k: 1.0)
        object.__setattr__(one, 'learner', ())""", "fail", "crashed", "error", "tampered"),
    forging("replaces the fixtures", """
from autograder.exercise.suite import Suite
Suite.fixture = lambda self, name, check: ([1], [1])
Suite.seed = lambda self, name: 0
def recall(labels, predictions):
    return 1.0"""),
    forging("replaces comparisons", """
import builtins, math, numpy
numpy.allclose = numpy.isclose = numpy.array_equal = lambda *a, **k: True
math.isclose = lambda *a, **k: True
builtins.abs = lambda x: 0
builtins.all = builtins.any = lambda x: True"""),
    forging("replaces comparisons of torch", """
import torch
torch.allclose = torch.equal = lambda *a, **k: True
torch.Tensor.__eq__ = lambda *a: True
def recall(labels, predictions):
    return torch.zeros(1)"""),
    forging("replaces types", """
import builtins
builtins.type = lambda *a: float
builtins.isinstance = lambda *a: True""", "fail", "crashed", "error", "tampered", "internal"),
    forging("replaces parts of the shell", """
from IPython.core.interactiveshell import InteractiveShell
shell = get_ipython()
InteractiveShell.run_cell = lambda *a, **k: None
shell.run = lambda *a: {'id': 'x', 'outputs': [], 'error': '', 'message': '', 'seconds': 0.0}
shell.input_transformers_cleanup.append(lambda lines: ['recall = lambda a, b: True\\n'])
shell.showtraceback = lambda *a, **k: None"""),
    forging("replaces the names it is asked for", """
class Names(dict):
    def __getitem__(self, name):
        return lambda *a, **k: True
    def __contains__(self, name):
        return True
get_ipython().user_ns = Names(get_ipython().user_ns)""", "fail", "crashed", "error", "todo"),
    forging("replaces the judge", """
import autograder.judging.judge, autograder.judging.results
autograder.judging.judge.judge = lambda *a, **k: 'pass'
autograder.judging.results.STATUSES = ('pass',)"""),
    forging("replaces what scikit-learn says", """
import sklearn.metrics
for name in dir(sklearn.metrics):
    if name.endswith('_score'):
        setattr(sklearn.metrics, name, lambda *a, **k: 1.0)
def recall(labels, predictions):
    return 1.0"""),
    forging("uses scikit-learn, which is not allowed", """
def recall(labels, predictions):
    from sklearn.metrics import recall_score
    return recall_score(labels, predictions)""", "fail"),
    forging("traces", """
import sys, threading
def trace(frame, event, argument):
    for name in list(frame.f_locals):
        if name in ('value', 'expected', 'outcome'):
            frame.f_locals[name] = 1.0
    return trace
sys.settrace(trace)
sys.setprofile(trace)
threading.settrace(trace)"""),
    forging("searches its frames and all objects", """
import gc, sys
def recall(labels, predictions):
    frame, found = sys._getframe(), []
    while frame:
        found += [v for v in frame.f_locals.values() if type(v) is float]
        frame = frame.f_back
    found += [o for o in gc.get_objects() if type(o).__name__ in ('Outcome', 'AnswerKey')]
    return found[0] if found and type(found[0]) is float else -1.0"""),
    forging("answers when it is collected", """
import gc
class Late:
    def __del__(self):
        global recall
        recall = lambda a, b: 1.0
gc.callbacks.append(lambda *a: Late())"""),
]  # fmt: skip

_VALUES = [
    taking("returns what equals everything", """
class Yes:
    def __eq__(self, other):
        return True
return Yes()""", "fail"),
    *(
        taking(f"returns a kind of {base} that equals everything", f"""
import collections, numpy
class Yes({base}):
    __module__ = 'numpy'
    __hash__ = None
    def __eq__(self, other):
        return True
    def item(self):
        return self
return Yes({value})""", "fail", "error")
        for base, value in [("float", "1"), ("int", "1"), ("str", "'1'"), ("list", "[1]"),
                            ("dict", "a=1"), ("numpy.float64", "1"),
                            ("collections.UserList", "[1]")]
    ),
    taking("returns a kind of array that equals everything", """
import numpy
class Yes(numpy.ndarray):
    def __eq__(self, other):
        return True
return numpy.zeros(3).view(Yes)""", "fail"),
    forging("returns a kind of tensor that equals everything", """
import torch
class Yes(torch.Tensor):
    def __eq__(self, other):
        return True
def recall(labels, predictions):
    return torch.zeros(1).as_subclass(Yes)""", "fail"),
    taking("returns what runs when it is unpickled", """
class Evil:
    def __reduce__(self):
        return (exit, ())
    def __reduce_ex__(self, version):
        return (exit, ())
return Evil()""", "fail"),
    taking("pretends to be of another class", """
class Evil:
    __class__ = float
    def __float__(self):
        return 1.0
return Evil()""", "fail"),
    taking("raises what lies about its name", """
class Meta(type):
    @property
    def __name__(cls):
        raise SystemExit
class Evil(Exception, metaclass=Meta):
    pass
raise Evil""", "error", "crashed"),
    taking("raises what was not asked for", "raise ValueError('pass')", "error"),
    forging("calls itself something else", """
class Callable:
    def __call__(self, *a):
        return -1.0
    __wrapped__ = property(lambda self: self)
    __module__ = 'sklearn.metrics'
recall = Callable()"""),
    taking("is not done, it says", "raise NotImplementedError", "todo"),
]  # fmt: skip

_GUESSES = [
    forging("defines its answer five hundred times", "\n".join(
        f"recall = lambda a, b: {n / 500}" for n in range(500)) + "\nrecall = lambda a, b: -1.0"),
    forging("guesses anew at each call", """
import itertools
_guesses = itertools.count()
def recall(a, b):
    return next(_guesses) / 100"""),
    forging("guesses with what an earlier run left", """
import os, pathlib, random
_left = pathlib.Path(os.environ['HOME']) / 'guesses'
def recall(a, b):
    with _left.open('a') as file:
        file.write('x')
    return _left.stat().st_size / 100"""),
    forging("asks the grader", """
from autograder import check
import contextlib, io
said = io.StringIO()
with contextlib.redirect_stdout(said):
    answer = [check('recall') for _ in range(20)]
def recall(a, b):
    return 1.0 if 'pass' in said.getvalue() + str(answer) else -1.0"""),
    forging("grades itself", """
import json, pathlib
from autograder.grading.oracle import reference_key
from autograder.exercise import catalog
key = reference_key(catalog.exercise('metrics'))
def recall(a, b):
    return 1.0""", "fail", "error", "timeout"),
    forging("writes results", """
import json
print(json.dumps({'version': 1, 'submissions': [{'points': 20.0, 'status': 'pass'}]}))
for name in ('results.json', 'grades.csv', 'report.html', 'junit.xml'):
    open(name, 'w').write('pass 20/20')"""),
]  # fmt: skip

CASES: list[Case] = [*_FRAMES, *_PATCHES, *_VALUES, *_GUESSES]
