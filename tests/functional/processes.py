"""Real processes and real clients, for the tests of this folder."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone, ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import ProcessProtocol, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

SCRIPTS = Path(sys.executable).parent

TWISTD = (str(SCRIPTS / "twistd"), "--nodaemon", "--pidfile=", "achat")


class Watched:
    """Text that grows, and callers that wait for something in it.

    @ivar text: what has come since the last L{turn_page}.
    @ivar whole: all that has ever come.
    """

    def __init__(self) -> None:
        self.text = self.whole = ""
        self._waiting: list[tuple[Callable[[str], bool], Deferred[str]]] = []

    def grow(self, text: str) -> None:
        self.text += text
        self.whole += text
        self.check()

    def turn_page(self) -> None:
        """Look only at what comes from now on."""
        self.text = ""

    def check(self) -> None:
        waiting, self._waiting = self._waiting, []
        for condition, deferred in waiting:
            if condition(self.text):
                deferred.callback(self.text)
            else:
                self._waiting.append((condition, deferred))

    def end(self) -> None:
        """Nothing more will come: anyone who still waits has waited in vain."""
        waiting, self._waiting = self._waiting, []
        for _, deferred in waiting:
            deferred.errback(AssertionError(f"ended without what was waited for:\n{self.text}"))

    def until(self, condition: Callable[[str], bool]) -> Deferred[str]:
        """Fires with the text when it meets the condition."""
        deferred: Deferred[str] = Deferred()
        self._waiting.append((condition, deferred))
        self.check()
        return deferred

    def contains(self, text: str) -> Deferred[str]:
        return self.until(lambda grown: text in grown)


class Process(ProcessProtocol):
    """A process of the test's own, with all that it prints."""

    transport: Any

    def __init__(self) -> None:
        self.output = Watched()
        self.ended: Deferred[int] = Deferred()

    def outReceived(self, data: bytes) -> None:
        self.output.grow(data.decode())

    def errReceived(self, data: bytes) -> None:
        self.output.grow(data.decode())

    def processEnded(self, reason: Failure) -> None:
        """C{ended} fires with the exit code, or with the negative number of a deadly signal."""
        assert isinstance(reason.value, ProcessDone | ProcessTerminated)
        self.output.end()
        code = reason.value.exitCode
        self.ended.callback(-(reason.value.signal or 0) if code is None else code)

    def port(self) -> int:
        """The TCP port that a server says it listens on."""
        ports = re.findall(r"listening on \S+:(\d+)$", self.output.whole, re.MULTILINE)
        return int(ports[0])

    def send(self, number: signal.Signals) -> None:
        self.transport.signalProcess(number)

    def kill(self) -> Deferred[int] | None:
        """End it if it still runs; to be called when the test is over."""
        if self.ended.called:
            return None
        self.send(signal.SIGKILL)
        return self.ended


def spawn(
    process: Process,
    *arguments: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    descriptors: Mapping[int, int] | None = None,
) -> None:
    """Start a process.

    @param process: what watches it.
    @param folder: where it runs; where the test runs, if none is given.
    @param environment: what it has besides the test's own.
    @param descriptors: what it inherits, by the number that it is to have.
    """
    reactor.spawnProcess(
        process,
        arguments[0],
        arguments,
        env={**os.environ, **(environment or {})},
        path=str(folder) if folder else None,
        childFDs={0: "w", 1: "r", 2: "r", **(descriptors or {})},
    )


class Client(Protocol):
    """A client that remembers what it was told, and how the connection ended."""

    transport: Any

    def __init__(self) -> None:
        self.heard = Watched()
        self.lost: Deferred[BaseException] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard.grow(data.decode())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.heard.end()
        assert reason.value is not None
        self.lost.callback(reason.value)

    def abort(self) -> None:
        """Reset the connection, if there still is one."""
        if not self.lost.called:
            self.transport.abortConnection()

    def say(self, *lines: str) -> None:
        self.transport.write("".join(f"{line}\n" for line in lines).encode())

    def hears(self, size: int) -> Deferred[str]:
        """Fires when so many characters have come."""
        return self.heard.until(lambda text: len(text) >= size)

    def lines(self) -> list[str]:
        return self.heard.text.split("\n")[:-1]

    def messages(self) -> list[str]:
        return [line for line in self.lines() if line.startswith("from ")]


class FunctionalTestCase(TestCase):
    """A test with servers and clients that are gone when it is over."""

    timeout = 120

    async def start(self, *options: str) -> Process:
        """A twistd that listens on a port of its own, unless the options say where."""
        if "--listen" not in options:
            options = ("--port", "0", *options)
        server = self.run_twistd(*options)
        await server.output.contains("listening on ")
        return server

    def folder(self) -> Path:
        """A folder of the test's own; its path is short enough for a unix socket."""
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(folder.name)

    def run_twistd(self, *options: str) -> Process:
        """A twistd with these options, which may be wrong."""
        return self.run_process(*TWISTD, *options)

    def run_process(
        self,
        *arguments: str,
        process: Process | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        descriptors: Mapping[int, int] | None = None,
    ) -> Process:
        """A process that is gone when the test is over.

        @param process: what watches it, if that is to be something special.
        @param folder: where it runs; where the test runs, if none is given.
        @param environment: what it has besides the test's own.
        @param descriptors: what it inherits, by the number that it is to have.
        """
        process = process or Process()
        spawn(process, *arguments, folder=folder, environment=environment, descriptors=descriptors)
        self.addCleanup(process.kill)
        return process

    async def call(self, server: Process | IStreamClientEndpoint, name: str = "") -> Client:
        """A client that has connected, and logged in if it has a name."""
        client = Client()
        await self.connect(server, client)
        if name:
            client.say(name)
            await client.heard.contains("\n")
        return client

    async def connect(self, server: Process | IStreamClientEndpoint, client: Client) -> None:
        """Connect a client, and take care that its connection ends with the test."""
        if isinstance(server, Process):
            server = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port())
        await connectProtocol(server, client)
        self.addCleanup(client.abort)

    async def bye(self, client: Client) -> int:
        """Waits for a connection's orderly end, and returns the number of lines taken in."""
        reason = await client.lost
        self.assertIsInstance(reason, ConnectionDone)
        word, number = client.lines()[-1].rsplit(" ", 1)
        self.assertEqual(word, "! bye")
        return int(number)

    def assert_ledger(self, server: Process, pattern: str) -> None:
        """The last balance in the log adds up, and looks as it should."""
        ledger = re.findall(r"stopped; (accepted .*)", server.output.text)
        self.assertEqual(len(ledger), 1, server.output.text)
        self.assertRegex(ledger[0], pattern)
