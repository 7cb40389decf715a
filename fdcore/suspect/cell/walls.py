"""The layers that close a cell, each tried and each reported. They are applied from inside, before a byte is read.

Every layer can be missing: containers forbid namespaces, old kernels lack Landlock. So several of them stop the same
thing, and what counts is what the probe finds afterwards (`fdcore.suspect.cell.probe`).
"""

import contextlib
import ctypes
import errno
import os
import platform
import resource
import site
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fdcore.suspect.cell import syscalls

NOBODY = 65534
MAX_DESCRIPTORS = 256
MAX_PROCESSES = 512  # threads of all cells together, where they run as nobody
CPU_S = 4 * 3600  # of one cell; a suspect that is queried for longer gets a new one
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
MACHINE = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system", "/sys/fs/cgroup", "/etc/ld.so.cache")
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
GPU = "/dev/nvidia"

_libc = ctypes.CDLL(None, use_errno=True)

# prctl(2)
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP, _CAPBSET_DROP, _SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
# unshare(2)
_NEWUSER, _NEWNET, _NEWIPC, _NEWUTS = 0x10000000, 0x40000000, 0x08000000, 0x04000000


def close_cell(*, memory: int, gpu: bool) -> list[tuple[str, str]]:
    """Apply every layer to this process.

    Args:
        memory: bytes that it may allocate from now on.
        gpu: whether it computes on a GPU, whose driver needs its devices, and address space without a limit.

    Returns:
        (layer, "" or why it could not be applied) in the order of application.
    """
    layers: tuple[tuple[str, Callable[[], None]], ...] = (
        ("network namespace", _leave_network),
        ("unprivileged user", _become_nobody),
        ("no new privileges", _no_new_privileges),
        ("limits", lambda: _limit(memory, gpu=gpu)),
        ("Landlock", lambda: _landlock(gpu=gpu)),
        ("seccomp", _seccomp),
    )
    return [(name, _tried(apply)) for name, apply in layers]


def _tried(apply: Callable[[], None]) -> str:
    try:
        apply()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _prctl(option: int, value: int = 0, *rest: int) -> None:
    arguments = [ctypes.c_ulong(one) for one in (value, *rest, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *arguments), "prctl")


def _leave_network() -> None:
    """A network namespace of its own has no interface but a loopback that is down; as a user, in a user namespace."""
    alone = _NEWNET | _NEWIPC | _NEWUTS
    if os.geteuid() == 0 and _libc.unshare(alone) == 0:
        return
    _checked(_libc.unshare(alone | _NEWUSER), "unshare")


def _become_nobody() -> None:
    """Give up root's identity, where it is held and where the libraries can be read without it."""
    if os.geteuid() != 0:
        return
    if not all(map(_open_to_all, _library_folders())):
        raise OSError(errno.EACCES, "root without privileges instead, as only root can read Python's libraries")
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _open_to_all(folder: Path) -> bool:
    return all(one.stat().st_mode & 0o005 == 0o005 for one in (folder, *folder.parents))


def _no_new_privileges() -> None:
    """No set-user-ID programs, no capabilities, no debugger, no core dump; first to be killed when memory runs out."""
    with contextlib.suppress(OSError):  # a container may not allow it; the limits hold without it
        Path("/proc/self/oom_score_adj").write_text("1000")
    _prctl(_SET_NO_NEW_PRIVS, 1)
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, ctypes.c_ulong(capability), *[ctypes.c_ulong(0)] * 3) < 0:
            break  # beyond the kernel's last, or not held
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(nothing)), "capset")
    _prctl(_SET_DUMPABLE, 0)


def _limit(memory: int, *, gpu: bool) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: MAX_DESCRIPTORS,
        resource.RLIMIT_CPU: CPU_S,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if not gpu:
        limits[resource.RLIMIT_AS] = _address_space() + memory
    if os.getuid() == NOBODY:
        limits[resource.RLIMIT_NPROC] = MAX_PROCESSES
    for name, wanted in limits.items():
        hard = resource.getrlimit(name)[1]
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(name, (most, most))


def _address_space() -> int:
    """Bytes of address space in use."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


# Landlock (Linux 5.13; TCP since 6.7, signals since 6.12)

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_READ_FILE, _READ_DIR, _WRITE_FILE, _IOCTL = 1 << 2, 1 << 3, 1 << 1, 1 << 15
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many bits each version of the interface knows
_TCP, _SCOPES = 0b11, 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _landlock(*, gpu: bool) -> None:
    """Allow reading the libraries and facts about the machine, and nothing else in the file system; no TCP."""
    version = _checked(_libc.syscall(_CREATE_RULESET, None, 0, 1), "Landlock")
    handled = (1 << _FILE_RIGHTS[min(version, 5)]) - 1
    rules = _Ruleset(handled, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0), "Landlock")
    for path in (*_library_folders(), *map(Path, (*MACHINE, *DEVICES))):
        _allow(ruleset, path, _READ_FILE | _READ_DIR)
    for path in Path("/dev").glob("nvidia*") if gpu else ():
        _allow(ruleset, path, (_READ_FILE | _READ_DIR | _WRITE_FILE | _IOCTL) & handled)
    _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0), "Landlock")
    os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # this machine has no such file
        return
    rule = _Beneath(rights if path.is_dir() else rights & ~_READ_DIR, opened)
    _checked(_libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0), f"Landlock, {path}")
    os.close(opened)


def _library_folders() -> Sequence[Path]:
    """Where Python, its packages and the system's libraries lie."""
    ours = Path(__file__).resolve().parents[3]
    packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    roots = [sys.prefix, sys.base_prefix, *site.getsitepackages(), *packages, *LIBRARIES, ours / "fdcore"]
    resolved = (Path(root).resolve() for root in dict.fromkeys(map(str, roots)))
    return [root for root in dict.fromkeys(resolved) if root.is_dir()]


# seccomp: a program for the kernel that lets calls on a list pass and answers all others with "not permitted"


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


_LOAD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # offsets in what the kernel hands to the program
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_THREAD = 0x00010000  # CLONE_THREAD
_FILTER_MODE = 2


def _seccomp() -> None:
    """Let through what a computation needs; of processes, only threads of this one."""
    table = syscalls.TABLES.get(platform.machine())
    if table is None:
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    denied, allowed = (_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ALLOW)
    steps: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT), (_JUMP_EQUAL, 1, 0, table.audit), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        # Without clone3, the C library falls back to clone, whose flags can be seen here.
        (_JUMP_EQUAL, 0, 1, table.numbers["clone3"]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_JUMP_EQUAL, 0, 4, table.numbers["clone"]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_JUMP_SET, 0, 1, _THREAD), allowed, denied,
        (_JUMP_EQUAL, 0, 4, table.numbers["tgkill"]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_JUMP_EQUAL, 0, 1, os.getpid()), allowed, denied,
        (_JUMP_EQUAL, 0, 4, table.numbers["prlimit64"]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_JUMP_EQUAL, 0, 1, 0), allowed, denied,
    ]  # fmt: skip
    for name in syscalls.ALLOWED:
        if name in table.numbers:
            steps += [(_JUMP_EQUAL, 0, 1, table.numbers[name]), allowed]
    steps.append(denied)
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    _checked(
        _libc.prctl(
            _SET_SECCOMP, ctypes.c_ulong(_FILTER_MODE), ctypes.byref(program), ctypes.c_ulong(0), ctypes.c_ulong(0)
        ),
        "seccomp",
    )


def die_with_parent() -> None:
    """Be killed when the process that forked this one ends."""
    _prctl(_SET_PDEATHSIG, 9)
