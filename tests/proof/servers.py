"""A server with many lives: process after process, on the same port and the same mailbox."""

from __future__ import annotations

import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.functional.processes import Process

_LEDGER = re.compile(
    r"stopped; accepted \d+ \+ inherited (?P<inherited>\d+) = .* kept (?P<kept>\d+) .*flight 0$",
    re.MULTILINE,
)
"""The line in the log at the end of an ordered stop when all is well."""


class Server:
    """A server at one port for the peers, whichever process runs it.

    @ivar port: its port, which the first process was given by the kernel.
    @ivar cut: how many stops took longer than the grace period.
    @ivar kills: how often it was killed.
    """

    name = "server"

    def __init__(
        self, run: Callable[..., Process], *options: str, certificate: Path | None = None
    ) -> None:
        """@param run: starts C{twistd achat} with the options that it is called with.
        @param certificate: the key and certificate to use, if it is to listen for TLS.
        """
        self.port = self.cut = self.kills = 0
        self._run = run
        self._options = options
        self._certificate = certificate
        self._kept: str | None = None  # copies, as the last process said, if it said so

    async def start(self) -> None:
        self._process = self._run(*self._where(), *self._options)
        await self._process.output.contains("listening on ")
        self.port = self._process.port()

    def _where(self) -> tuple[str, str]:
        if self._certificate is None:
            return "--port", str(self.port)
        pem = f"privateKey={self._certificate}:certKey={self._certificate}"
        return "--listen", f"ssl:{self.port}:{pem}:interface=127.0.0.1"

    async def stop(self) -> None:
        """An ordered stop.

        @raise AssertionError: if the log has not what it should have, or what it should not.
        """
        self._process.send(signal.SIGTERM)
        code = await self._process.ended
        log = self._process.output.whole
        assert code == -signal.SIGTERM, log
        assert "Traceback" not in log, log
        ledger = _LEDGER.search(log)
        assert ledger is not None, log
        assert self._kept in (None, ledger["inherited"]), f"{self._kept} were kept\n{log}"
        self._kept = ledger["kept"]
        self.cut += "not waiting any longer" in log

    async def kill(self) -> None:
        """The end without a warning."""
        self.kills += 1
        self._process.send(signal.SIGKILL)
        await self._process.ended
        self._kept = None
        assert "Traceback" not in self._process.output.whole, self._process.output.whole


Ending = Callable[[Server], Awaitable[None]]
"""A way to end a server."""
