"""The real C{achat chat}, for the tests of this folder."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.interfaces import IPushProducer

from tests.functional.processes import SCRIPTS, FunctionalTestCase, Process, Watched


class Chat(Process):
    """A command that runs C{achat chat}, with a pipe to each of its standard files.

    @ivar shown: what has come on standard output.
    @ivar told: what has come on standard error.
    """

    transport: Any  # which has more than IProcessTransport promises

    def __init__(self) -> None:
        super().__init__()
        self.shown, self.told = Watched(), Watched()

    def outReceived(self, data: bytes) -> None:
        self.shown.grow(data.decode())

    def errReceived(self, data: bytes) -> None:
        self.told.grow(data.decode())

    def outConnectionLost(self) -> None:
        self.shown.end()

    def errConnectionLost(self) -> None:
        self.told.end()

    def types(self, *lines: str) -> None:
        self.transport.write("".join(f"{line}\n" for line in lines).encode())

    def ends_input(self) -> None:
        self.transport.closeStdin()

    def stops_reading(self) -> None:
        """Let standard output fill up."""
        self._output().pauseProducing()

    def reads_on(self) -> None:
        self._output().resumeProducing()

    def numbers(self) -> list[int]:
        """The numbers that messages on standard output end with, in order."""
        return [int(number) for number in re.findall(r"^from .*: (\d+)$", self.shown.whole, re.M)]

    def _output(self) -> IPushProducer:
        output: IPushProducer = self.transport.pipes[1]
        return output


class ChatTestCase(FunctionalTestCase):
    """A test with users at their terminals."""

    def chat(self, name: str, port: int, *options: str) -> Chat:
        chat = Chat()
        command = [str(SCRIPTS / "achat"), "chat", *options, f"{name}@127.0.0.1:{port}"]
        self.run_process(*command, process=chat)
        return chat

    async def come(self, name: str, port: int, *options: str) -> Chat:
        """A user who is logged in, and has posted a line to itself to be sure of that."""
        chat = self.chat(name, port, *options)
        chat.types(f"{name}: is here")
        await chat.shown.contains("is here\n")
        return chat
