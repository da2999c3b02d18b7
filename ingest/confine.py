"""What the process that reads documents is kept from: memory and time without end, files, sockets.

On Linux the kernel refuses sockets (seccomp), whoever asks: a parser in C too. Elsewhere, and where a kernel has no
such filters, Python's audit hook stands alone, which sees what is asked for in Python only.
"""

from __future__ import annotations

import errno
import os
import platform
import resource
import signal
import struct
import sys

from corpus.ports import Limits

GRACE_SECONDS = 10
"""So much longer than its limit a document may take, in case the parent that stops it is gone."""
MOST_FILES = 64
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REFUSED = frozenset(
    f"os.{what}"
    for what in (
        *("chflags", "chmod", "chown", "link", "mkdir", "remove", "removexattr", "rename", "rmdir", "setxattr"),
        *("symlink", "truncate", "utime"),
    )
)
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_FOREIGN = 0x40000000
"""From here on the numbers of system calls are those of a second ABI of x86-64."""
_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 43, 49, 50, 101, 288, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 200, 201, 202, 203, 117, 242, 270, 271, 425)),
}
"""By machine its number, and those of socket, connect, accept, bind, listen, ptrace, accept4, process_vm_readv,
process_vm_writev and io_uring_setup, in an order of its own (Linux, `asm/unistd.h`, `linux/audit.h`)."""


def confine() -> None:
    """Keep this process, for good, from writing files and opening sockets; those that are open stay so."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_FILES, MOST_FILES))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    _filter()
    sys.addaudithook(_hear)


def bound(limits: Limits) -> None:
    """Let this process take so much memory more than it has, and die of itself if nobody stops it."""
    signal.setitimer(signal.ITIMER_REAL, limits.seconds + GRACE_SECONDS)
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + limits.seconds) + GRACE_SECONDS, resource.RLIM_INFINITY))
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 -- not a path of ours
            now = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + limits.memory, resource.RLIM_INFINITY))


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse what would open a socket, write a file or change a folder."""
    if event.startswith("socket.") or event in _REFUSED:
        raise PermissionError(errno.EACCES, f"Not while documents are read: {event}")
    if event != "open" or isinstance(path := arguments[0], int) or path == os.devnull:  # a number is a pipe of its own
        return
    if isinstance(flags := arguments[2], int) and flags & _WRITING:
        raise PermissionError(errno.EACCES, "Not while documents are read: writing a file")


def _filter() -> None:
    """Have the kernel refuse sockets, and looking into other processes; without effect where it cannot."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return
    import ctypes  # noqa: PLC0415 -- in the child process only

    machine, calls = _CALLS[platform.machine()]
    steps = [
        *((_LOAD, 0, 0, 4), (_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _REFUSE)),
        *((_LOAD, 0, 0, 0), (_AT_LEAST, 0, 1, _FOREIGN), (_RETURN, 0, 0, _REFUSE)),
    ]
    for call in calls:
        steps += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, _REFUSE)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        libc.prctl(_SECCOMP, _FILTER, program, 0, 0)
