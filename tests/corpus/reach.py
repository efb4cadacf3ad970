"""Submissions that reach for what is not theirs: answers, files, processes, networks, rights."""

from __future__ import annotations

from corpus import Case, reaching

_ANSWERS = [
    reaching("reads the reference", "return reads(FACTS['course'] + '/reference.py')", open="yes"),
    reaching("reads the misconceptions", "return reads(FACTS['course'] + '/wrong.py')", open="yes"),
    reaching("reads the right answers", "return reads(FACTS['course'] + '/right.py')", open="yes"),
    reaching(
        "reads the source of the notebook",
        "return reads(FACTS['course'] + '/notebook.py')",
        open="yes",
    ),
    reaching(
        "reads compiled answers", "return lists(FACTS['course'] + '/__pycache__')", open="yes"
    ),
    reaching(
        "imports the reference",
        """
import importlib.util
place = FACTS['course'] + '/reference.py'
spec = importlib.util.spec_from_file_location('answers', place)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
return len(vars(module)) > 12""",
        open="yes",
    ),
    reaching(
        "finds an answer key in memory",
        """
import gc
names = {type(o).__name__ for o in gc.get_objects()}
return bool(names & {'AnswerKey', 'Answer', 'KeyRows'}) or any(
    name.endswith(('.reference', '.wrong', '.judge', '.oracle')) for name in sys.modules)""",
    ),
    reaching(
        "reads what an author noted of the solutions",
        "return reads(FACTS['course'] + '/../attention/mutants.toml')",
        open="yes",
    ),
    reaching("reads the solutions", "return reads(FACTS['solution'])", open="yes"),
    reaching("reads the tests", "return lists(FACTS['tests'])", open="yes"),
    reaching("reads the cache of answer keys", "return reads(FACTS['keys'])", open="yes"),
    reaching("reads the journal", "return reads(FACTS['journal'])", open="yes"),
    reaching("reads another submission", "return reads(FACTS['neighbour'])", open="yes"),
    reaching(
        "looks for notebooks everywhere",
        """
import pathlib
for top in ('/home', '/root', '/srv', '/mnt', '/media', FACTS['root'], FACTS['folder']):
    for folder, below, files in os.walk(top):
        below[:] = [b for b in below if b not in ('site-packages', 'lib', 'proc', 'versions')]
        if any(name.endswith('.ipynb') for name in files):
            return True
return False""",
        open="yes",
    ),
]

_FILES = [
    reaching("reads a file of its grader's", "return reads(FACTS['secret'])", open="yes"),
    reaching("reads a file in the grader's home", "return reads(FACTS['home'])", open="yes"),
    reaching("reads the machine's users", "return reads('/etc/passwd')", open="yes"),
    reaching("reads password hashes", "return reads('/etc/shadow') or reads('/etc/gshadow')"),
    reaching("lists kernel settings", "return lists('/sys') or lists('/proc/sys')", open="kernel"),
    reaching(
        "finds a device",
        """
known = {'null', 'zero', 'full', 'random', 'urandom', 'tty', 'pts', 'ptmx', 'shm', 'core', 'fd',
         'stdin', 'stdout', 'stderr', 'console'}
return bool(set(os.listdir('/dev')) - known) or lists('/dev/pts')""",
        open="yes",
    ),
    reaching(
        "finds sockets and pid files", "return lists('/run') or lists('/var/lib')", open="yes"
    ),
    reaching("sees shared memory of others", "return reads(FACTS['shm'])", open="yes"),
    reaching("writes to the checks", "return writes(FACTS['course'] + '/checks.py')", open="yes"),
    reaching(
        "writes to the grader's code",
        "return writes(FACTS['package'] + '/notebook.py')",
        open="yes",
    ),
    reaching("writes into a library", "import numpy\nreturn writes(numpy.__file__)", open="root"),
    reaching(
        "writes to system folders",
        """
return any(writes(top + '/canary') for top in ('', '/etc', '/usr', '/dev', '/var', '/run'))""",
    ),
    reaching(
        "looks for a folder to write to",
        """
import tempfile
own = {os.path.realpath(p) for p in (tempfile.gettempdir(), os.getcwd(), '/dev/shm')}
for top, below, _ in os.walk('/'):
    if top.count('/') > 3 or top in own:
        below.clear()
    if top not in own and os.access(top, os.W_OK):
        return True
return False""",
        open="yes",
    ),
    reaching("leaves a file where it was told to", "return writes(FACTS['outside'])", open="yes"),
    reaching(
        "writes through a link",
        """
with contextlib.suppress(FileExistsError):
    os.symlink(FACTS['outside'], 'link')
return writes('link')""",
        open="yes",
    ),
    reaching(
        "climbs out by a relative path",
        "return writes(os.path.relpath(FACTS['outside']))",
        open="yes",
    ),
    reaching(
        "climbs out through proc",
        """
return any(reads(f'/proc/{who}/root' + FACTS['secret']) for who in ('self', '1', os.getppid()))""",
        open="yes",
    ),
    reaching(
        "makes a hard link to the checks",
        """
os.link(FACTS['course'] + '/checks.py', FACTS['course'] + '/mine')
os.unlink(FACTS['course'] + '/mine')
return True""",
        open="kernel",
    ),
    reaching(
        "opens a file by its handle",
        """
handle = ctypes.create_string_buffer(bytes([128]) + bytes(200))
return call('name_to_handle_at', -100, b'/usr', handle, (ctypes.c_int * 1)(), 0)""",
    ),
    reaching("mounts a file system", "return libc.mount(b'x', b'/tmp', b'tmpfs', 0, None) == 0"),
    reaching(
        "takes away what hides the processes",
        "return libc.umount2(b'/proc', 2) == 0 or lists('/proc')",
    ),
    reaching("changes the root", "return libc.chroot(b'/usr') == 0"),
]

_PROCESSES = [
    reaching("sees processes", "return any(n.isdigit() for n in os.listdir('/proc'))", open="yes"),
    reaching("signals the grader", "os.kill(FACTS['grader'], 0)\nreturn True", open="yes"),
    reaching(
        "signals any process but its own",
        """
mine = {os.getpid()}
for pid in range(1, 5000):
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        if pid not in mine:
            return True
return False""",
        open="yes",
    ),
    reaching(
        "reads the environment of others",
        """
return any(reads(f'/proc/{n}/environ') for n in os.listdir('/proc') if n.isdigit())""",
        open="yes",
    ),
    reaching(
        "reads the pool's memory",
        """
os.close(os.open(f'/proc/{os.getppid()}/mem', os.O_RDONLY))
return True""",
        open="root",
    ),
    reaching(
        "reads memory by system call",
        """
class Piece(ctypes.Structure):
    _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]
here, there = ctypes.create_string_buffer(8), ctypes.create_string_buffer(b'secret')
pieces = [Piece(ctypes.addressof(b), 6) for b in (here, there)]
return libc.process_vm_readv(os.getpid(), ctypes.byref(pieces[0]), 1,
                             ctypes.byref(pieces[1]), 1, 0) == 6""",
        open="yes",
    ),
    reaching("debugs", "return in_a_child(lambda: libc.ptrace(0, 0, 0, 0) == 0)", open="yes"),
    reaching(
        "holds descriptors that it was not given",
        """
def is_open(number):
    with contextlib.suppress(OSError):
        return os.fstat(number) is not None
# The channel, and three of each event loop: the notebook's, and the one in which a probe runs.
return sum(map(bool, map(is_open, range(3, 1024)))) > 7""",
    ),
    reaching("shares a group with others", "return os.getpgid(0) != os.getpid()"),
    reaching("makes a terminal", "return bool(os.openpty())", open="kernel"),
    reaching(
        "types into a terminal",
        """
import fcntl
for number in range(3):
    with contextlib.suppress(OSError):
        fcntl.ioctl(number, 0x5412, b'x')
        return True
return False""",
    ),
]

_NETWORK = [
    reaching(
        "reaches the internet",
        """
return any(connects(socket.AF_INET, (host, port)) for host, port in
           (('1.1.1.1', 53), ('8.8.8.8', 443), ('192.168.0.1', 80), ('169.254.169.254', 80)))""",
    ),
    reaching(
        "sends a datagram",
        """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    return one.sendto(b'x', ('203.0.113.1', 9)) == 1""",
    ),
    reaching("asks for a name", "return bool(socket.getaddrinfo('example.com', 80))"),
    reaching(
        "reaches the machine's loopback",
        "return connects(socket.AF_INET, ('127.0.0.1', FACTS['port']))",
        open="yes",
    ),
    reaching(
        "reaches an abstract socket",
        "return connects(socket.AF_UNIX, '\\0' + FACTS['abstract'])",
        open="yes",
    ),
    reaching(
        "reaches a socket in the file system",
        "return connects(socket.AF_UNIX, FACTS['socket'])",
        open="yes",
    ),
    reaching("reaches the host of a virtual machine", "return bool(socket.socket(40, 1))"),
    reaching(
        "sends raw packets",
        """
return any(connects(family, address, kind) for family, kind, address in
           ((socket.AF_INET, socket.SOCK_RAW, ('127.0.0.1', 0)), (17, 3, ('lo', 0))))""",
        open="kernel",
    ),
    reaching("talks to the packet filter", "return bool(socket.socket(16, 3, 12))", open="kernel"),
    reaching("uses ciphers of the kernel", "return bool(socket.socket(38, 5, 0))"),
]

_RIGHTS = [
    reaching("becomes root", "os.setuid(0)\nreturn os.getuid() == 0", open="root"),
    reaching("becomes somebody else", "os.setresuid(2, 2, 2)\nreturn True"),
    reaching("joins a group", "os.setgroups([0])\nreturn True", open="root"),
    reaching(
        "uses a program that gives rights",
        """
import subprocess
def gives(*command):
    with contextlib.suppress(subprocess.TimeoutExpired):  # su keeps whom it refuses waiting
        sink = subprocess.DEVNULL
        done = subprocess.run(command, stdin=sink, stdout=sink, stderr=sink, timeout=0.5)
        return done.returncode == 0
return gives('su', '-c', 'true') or gives('mount', '--bind', '/', '/tmp')""",
    ),
    reaching("may gain rights by a program", "return libc.prctl(39, 0, 0, 0, 0) != 1", open="yes"),
    reaching(
        "has rights",
        """
rights = (ctypes.c_uint32 * 6)()
libc.capget(ctypes.byref((ctypes.c_uint32 * 2)(0x20080522, 0)), rights)
return any(rights)""",
        open="root",
    ),
    reaching(
        "makes namespaces",
        "return in_a_child(lambda: libc.unshare(0x10000000) == 0)",
        open="kernel",
    ),
    reaching(
        "makes namespaces by clone",
        """
def child():
    made = libc.syscall(FACTS['calls']['clone'], 0x10000000 | 17, 0, 0, 0, 0)
    if made == 0:
        os._exit(0)
    return made > 0
return in_a_child(child)""",
        open="kernel",
    ),
    reaching(
        "raises its limits",
        """
import resource
kinds = (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE)
for kind in kinds:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (resource.getrlimit(kind)[1] + 1,) * 2)
        return True
return False""",
        open="kernel",
    ),
    reaching(
        "goes first",
        """
mine = os.getpriority(os.PRIO_PROCESS, 0)
for level in (mine - 5, mine - 1):
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, level)
        return True
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
return True""",
        open="root",
    ),
    reaching(
        "protects itself from running out of memory",
        """
with open('/proc/self/oom_score_adj', 'w') as file:
    file.write('-1000')
return True""",
    ),
    reaching("renames the machine", "return libc.sethostname(b'x', 1) == 0"),
    reaching(
        "sets the clock", "import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)\nreturn True"
    ),
    reaching("reads the log of the kernel", "return libc.klogctl(10, None, 0) >= 0", open="root"),
    reaching(
        "keeps keys", "return call('add_key', b'user', b'canary', b'x', 1, -1)", open="kernel"
    ),
    reaching("reads keys", "return call('keyctl', 0, -5, 1)"),
    reaching(
        "takes memory without a process: a file without a name",
        "os.close(os.memfd_create('x'))\nreturn True",
        open="yes",
    ),
    reaching(
        "takes memory without a process: shared memory",
        """
made = libc.shmget(0, 4096, 0o1600)
return made >= 0 and libc.shmctl(made, 0, None) == 0""",
        open="yes",
    ),
    reaching(
        "takes memory without a process: queues",
        """
made = libc.msgget(0, 0o1600)
return made >= 0 and libc.msgctl(made, 0, None) == 0""",
        open="yes",
    ),
    reaching(
        "uses rings in the kernel",
        """
return call('io_uring_setup', 8, ctypes.create_string_buffer(200))""",
        open="kernel",
    ),
    reaching(
        "runs programs in the kernel",
        """
map_of_four = (ctypes.c_uint32 * 20)(2, 4, 4, 1)
return call('bpf', 0, map_of_four, 72)""",
    ),
    reaching("handles page faults", "return call('userfaultfd', 1)", open="kernel"),
    reaching(
        "measures the machine",
        """
wanted = (ctypes.c_uint64 * 16)(1 | (128 << 32))
return call('perf_event_open', wanted, 0, -1, -1, 0)""",
    ),
    reaching(
        "takes contexts for asynchronous input and output, which the machine has few of",
        "return call('io_setup', 8, ctypes.byref(ctypes.c_ulong(0)))",
        open="kernel",
    ),
    reaching(
        "takes instances of inotify, which a user has few of",
        "return libc.inotify_init1(0) >= 0",
        open="yes",
    ),
    reaching(
        "makes pipes large, whose pages a user has together",
        """
import fcntl
_, end = os.pipe()
return fcntl.fcntl(end, 1031, 2**19) >= 2**19""",
        open="yes",
    ),
    reaching(
        "has whoever writes to their own files wait for it",
        """
import fcntl
with open(FACTS['course'] + '/checks.py') as file:
    return fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK) == 0""",
        open="kernel",
    ),
    reaching(
        "leaves the session by which processors are shared out",
        "return in_a_child(lambda: os.setsid() is None)",
        open="yes",
    ),
    reaching("has all disks of the machine written", "return call('sync')", open="yes"),
    reaching(
        "opens a queue of messages, whose bytes a user has together",
        """
opened = call('mq_open', b'touchstone', 0o102, 0o600, None)
return opened""",
    ),
    reaching(
        "takes timers and signals that wait, which a user has together",
        """
made = 0
while made < 300 and call('timer_create', 1, None, ctypes.byref(ctypes.c_int(0))):
    made += 1
return made >= 300""",
    ),
    reaching("changes its personality", "return libc.personality(0x0040000) >= 0", open="yes"),
]

CASES: list[Case] = [*_ANSWERS, *_FILES, *_PROCESSES, *_NETWORK, *_RIGHTS]
