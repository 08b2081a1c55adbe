"""C{twistd achat}, but for twistd: the same service, in a process that says how it is.

Each line on standard input is answered by one on standard output, which is a L{Look} in JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.logger import globalLogBeginner, textFileLogObserver

from achat_twisted.tap import Options, makeService
from tests.attacks import vitals


@dataclass(frozen=True, slots=True)
class Look:
    """A process at one moment, seen from inside.

    @ivar resident: bytes of memory.
    @ivar objects: how many the garbage collector knows, when it has collected.
    @ivar timers: how many calls are to come.
    """

    resident: int
    descriptors: int
    threads: int
    objects: int
    timers: int


class Mirror(Protocol):
    """Says how the process is, whenever it is asked."""

    transport: Any

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def dataReceived(self, data: bytes) -> None:
        for _ in range(data.count(b"\n")):
            self.transport.write(json.dumps(asdict(self._look())).encode() + b"\n")

    def _look(self) -> Look:
        gc.collect()
        from_outside = vitals.take(os.getpid())
        return Look(
            from_outside.resident,
            from_outside.descriptors,
            from_outside.threads,
            len(gc.get_objects()),
            len(self._reactor.getDelayedCalls()),
        )


def main(arguments: list[str]) -> None:
    from twisted.internet import reactor

    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    options = Options()
    options.parseOptions(arguments)
    service = makeService(options)
    service.privilegedStartService()
    service.startService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    StandardIO(Mirror(reactor))
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
