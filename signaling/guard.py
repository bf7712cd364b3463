"""Runs a command that must not outlive the process that asked for it: `python guard.py PARENT NICE COMMAND…`.

On Linux the kernel is asked for that (prctl(2), PR_SET_PDEATHSIG, kept over exec) and the command takes
this process over; elsewhere this process stays, watches the parent and the command, and hands signals on. It
imports nothing of the project, so that it costs a child's start little.
"""

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

__all__ = ["become", "renice", "watch"]

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.5


def renice(by: int) -> None:
    """Adds to the niceness; a negative number only where it is permitted.

    Each child is a session of its own, which Linux may schedule as a group (sched(7), autogroup): then the group's
    niceness is what counts.
    """
    try:
        os.nice(by)
    except PermissionError:
        if by > 0:
            raise
    try:
        with open("/proc/self/autogroup", "w") as group:
            group.write(str(by))
    except OSError:
        return


def become(parent: int, command: list[str]) -> None:
    """Replaces this process by the command, which is killed when `parent` dies. Linux only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    # It may have died before the request was made.
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(command[0], command)


def watch(parent: int, command: list[str]) -> int:
    """Runs the command beside this process and kills it when `parent` dies.

    Returns:
        The command's exit status, 128 and more after a signal, as a shell has it.
    """
    child = subprocess.Popen(command, close_fds=False)

    def hand_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    while True:
        try:
            status = child.wait(_POLL_S)
            return status if status >= 0 else 128 - status
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()


if __name__ == "__main__":
    renice(int(sys.argv[2]))
    if sys.platform == "linux":
        become(int(sys.argv[1]), sys.argv[3:])
    sys.exit(watch(int(sys.argv[1]), sys.argv[3:]))
