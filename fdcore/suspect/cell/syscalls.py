"""System calls by number, and which of them a cell may make. Numbers: the kernel's own tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """An architecture's number in the kernel's audit interface, and its system calls by name."""

    audit: int
    numbers: dict[str, int]


ALLOWED = (
    # reading and writing what is open
    "read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "close", "close_range", "dup", "dup2",
    "dup3", "fcntl", "ioctl", "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "eventfd2", "pipe", "pipe2", "fadvise64", "fsync",
    # files, as far as Landlock lets through
    "open", "openat", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
    "faccessat2", "readlink", "readlinkat", "getcwd", "getdents64",
    # memory
    "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "msync", "mincore", "membarrier", "get_mempolicy",
    "set_mempolicy", "mbind",
    # threads and time
    "futex", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "sched_yield", "sched_getaffinity",
    "sched_getscheduler", "sched_getparam", "getcpu", "gettid", "getpid", "getppid", "clock_gettime",
    "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "exit", "exit_group",
    "restart_syscall",
    # signals to itself
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack",
    # what it is
    "uname", "sysinfo", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
    "getrlimit", "getrusage", "times", "getrandom", "prctl", "arch_prctl", "capget", "getpriority",
)  # fmt: skip

_X86_64 = {
    "read": 0, "write": 1, "readv": 19, "writev": 20, "pread64": 17, "pwrite64": 18, "lseek": 8, "close": 3,
    "close_range": 436, "dup": 32, "dup2": 33, "dup3": 292, "fcntl": 72, "ioctl": 16, "poll": 7, "ppoll": 271,
    "select": 23, "pselect6": 270, "epoll_create1": 291, "epoll_ctl": 233, "epoll_wait": 232, "epoll_pwait": 281,
    "eventfd2": 290, "pipe": 22, "pipe2": 293, "fadvise64": 221, "fsync": 74, "open": 2, "openat": 257, "stat": 4,
    "fstat": 5, "lstat": 6, "newfstatat": 262, "statx": 332, "statfs": 137, "fstatfs": 138, "access": 21,
    "faccessat": 269, "faccessat2": 439, "readlink": 89, "readlinkat": 267, "getcwd": 79, "getdents64": 217,
    "mmap": 9, "munmap": 11, "mremap": 25, "mprotect": 10, "madvise": 28, "brk": 12, "msync": 26, "mincore": 27,
    "membarrier": 324, "get_mempolicy": 239, "set_mempolicy": 238, "mbind": 237, "futex": 202,
    "set_robust_list": 273, "get_robust_list": 274, "rseq": 334, "set_tid_address": 218, "sched_yield": 24,
    "sched_getaffinity": 204, "sched_getscheduler": 145, "sched_getparam": 143, "getcpu": 309, "gettid": 186,
    "getpid": 39, "getppid": 110, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230,
    "nanosleep": 35, "gettimeofday": 96, "time": 201, "exit": 60, "exit_group": 231, "restart_syscall": 219,
    "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "rt_sigpending": 127, "rt_sigtimedwait": 128,
    "sigaltstack": 131, "uname": 63, "sysinfo": 99, "getuid": 102, "geteuid": 107, "getgid": 104, "getegid": 108,
    "getresuid": 118, "getresgid": 120, "getgroups": 115, "getrlimit": 97, "getrusage": 98, "times": 100,
    "getrandom": 318, "prctl": 157, "arch_prctl": 158, "capget": 125, "getpriority": 140, "clone": 56,
    "clone3": 435, "tgkill": 234, "prlimit64": 302,
}  # fmt: skip

_AARCH64 = {
    "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "pwrite64": 68, "lseek": 62, "close": 57,
    "close_range": 436, "dup": 23, "dup3": 24, "fcntl": 25, "ioctl": 29, "ppoll": 73, "pselect6": 72,
    "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "eventfd2": 19, "pipe2": 59, "fadvise64": 223,
    "fsync": 82, "openat": 56, "fstat": 80, "newfstatat": 79, "statx": 291, "statfs": 43, "fstatfs": 44,
    "faccessat": 48, "faccessat2": 439, "readlinkat": 78, "getcwd": 17, "getdents64": 61, "mmap": 222,
    "munmap": 215, "mremap": 216, "mprotect": 226, "madvise": 233, "brk": 214, "msync": 227, "mincore": 232,
    "membarrier": 283, "get_mempolicy": 236, "set_mempolicy": 237, "mbind": 235, "futex": 98, "set_robust_list": 99,
    "get_robust_list": 100, "rseq": 293, "set_tid_address": 96, "sched_yield": 124, "sched_getaffinity": 123,
    "sched_getscheduler": 120, "sched_getparam": 121, "getcpu": 168, "gettid": 178, "getpid": 172, "getppid": 173,
    "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "nanosleep": 101, "gettimeofday": 169,
    "exit": 93, "exit_group": 94, "restart_syscall": 128, "rt_sigaction": 134, "rt_sigprocmask": 135,
    "rt_sigreturn": 139, "rt_sigpending": 136, "rt_sigtimedwait": 137, "sigaltstack": 132, "uname": 160,
    "sysinfo": 179, "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "getresuid": 148,
    "getresgid": 150, "getgroups": 158, "getrlimit": 163, "getrusage": 165, "times": 153, "getrandom": 278,
    "prctl": 167, "capget": 90, "getpriority": 141, "clone": 220, "clone3": 435, "tgkill": 131, "prlimit64": 261,
}  # fmt: skip

TABLES = {"x86_64": Table(0xC000003E, _X86_64), "aarch64": Table(0xC00000B7, _AARCH64)}
