"""A process's use of resources, as seen from outside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Vitals:
    """A process at one moment.

    @ivar resident: bytes of memory.
    @ivar cpu: seconds of one core since it began.
    @ivar descriptors: how many are open.
    """

    resident: int
    cpu: float
    descriptors: int
    threads: int


NO_VITALS = Vitals(resident=0, cpu=0.0, descriptors=0, threads=0)
"""Those of no process."""


def take(pid: int) -> Vitals:
    """See C{proc(5)}."""
    process = Path(f"/proc/{pid}")
    stat = (process / "stat").read_text().rpartition(")")[2].split()
    return Vitals(
        resident=int((process / "statm").read_text().split()[1]) * _PAGE,
        cpu=(int(stat[11]) + int(stat[12])) * _TICK,
        descriptors=len(os.listdir(process / "fd")),
        threads=int(stat[17]),
    )


def tcp_memory() -> int:
    """Bytes that the kernel has for all TCP sockets of this machine."""
    words = Path("/proc/net/sockstat").read_text().split("TCP:")[1].splitlines()[0].split()
    return int(words[words.index("mem") + 1]) * _PAGE
