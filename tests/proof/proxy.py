"""A proxy between clients and server: haproxy, which acknowledges what nobody has read yet."""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from tests.functional.processes import Process

_SETTINGS = """\
defaults
    mode tcp
    retries 0
    timeout connect 1s
    timeout client 1h
    timeout server 1h
listen achat
    bind 127.0.0.1:{port}
    server achat 127.0.0.1:{server}
"""


class Proxy:
    """haproxy at one port, in process after process.

    @ivar port: the port for the clients.
    @ivar kills: how often it was killed.
    """

    name = "proxy"

    def __init__(self, run: Callable[..., Process], folder: Path, server: int) -> None:
        """@param run: starts a process with the arguments that it is called with.
        @param server: the port that it hands connections on to.
        @raise FileNotFoundError: if haproxy is not installed.
        """
        program = shutil.which("haproxy")
        if program is None:
            raise FileNotFoundError("haproxy is not installed")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        settings = folder / "haproxy.cfg"
        settings.write_text(_SETTINGS.format(port=self.port, server=server))
        self.kills = 0
        self._run = run
        self._command = program, "-db", "-f", str(settings)

    async def start(self) -> None:
        self._process = self._run(*self._command)

    async def kill(self) -> None:
        """The end without a warning.

        @raise AssertionError: if it had ended by itself.
        """
        assert not self._process.ended.called, self._process.output.whole
        self.kills += 1
        self._process.send(signal.SIGKILL)
        await self._process.ended
