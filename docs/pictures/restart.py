"""The README's picture: two who chat, and a restart of the server between two lines.

It is drawn from a real session, of a real server and real clients:
C{python -m docs.pictures.restart} has them say it again, and draws C{restart.svg} anew.

Strategy: one step after the other. Each program is read until it says what the next step waits for,
so that the session is told in the same words each time.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from docs.pictures.drawing import SERVER, Kind, Line, draw

_TITLE = "A line that is typed while the server is down arrives after its restart."

_SCRIPTS = Path(sys.executable).parent

_SERVE = "twistd --nodaemon achat --mailbox sqlite:mail"

_PATIENCE = 60
"""Seconds that a session may take; it takes five."""

_DEFAULT_PORT = 8080
"""The port that the picture shows, instead of the free one on which the session was held."""


class Program:
    """A program that runs in somebody's terminal, and puts on record all that is seen there."""

    def __init__(self, record: list[Line], where: str, words: str, folder: Path, port: int) -> None:
        """Start it.

        @param where: see L{Line}.
        @param words: what somebody types for that, and means the default port.
        @param folder: where it runs.
        @param port: the server's.
        """
        self._record = record
        self._where = where
        self._port = port
        record.append(Line(where, "command", words))
        program, *arguments = words.replace("@localhost", f"@localhost:{port}").split()
        if where == SERVER:
            arguments += ["--port", str(port)]
        self._process = subprocess.Popen(
            [_SCRIPTS / program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            cwd=folder,
        )

    def types(self, text: str) -> None:
        """Have somebody type a line."""
        assert self._process.stdin
        self._record.append(Line(self._where, "typed", text))
        print(text, file=self._process.stdin)

    def shows(self, beginning: str) -> None:
        """Put on record what it prints, up to a line that begins so."""
        while not (line := self._read()).startswith(beginning):
            self._show(line)
        self._show(line)

    def logs(self, beginning: str, *, shown: bool = False) -> None:
        """Read the log of a server, up to a message that begins so.

        @param shown: whether that message is put on record.
        """
        while not (message := self._read().partition("] ")[2]).startswith(beginning):
            pass
        if shown:
            self._show(message)

    def stop(self) -> None:
        """Stop a server, and put its balance on record."""
        self._process.terminate()
        self.logs("stopped; ", shown=True)
        self._process.communicate()

    def close(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._where} ends before it says what was waited for")
        return line.rstrip("\n")

    def _show(self, line: str) -> None:
        kind: Kind = "message" if line.startswith("from ") else "notice"
        text = re.sub(rf":{self._port}\b", f":{_DEFAULT_PORT}", line)
        self._record.append(Line(self._where, kind, text))


def session() -> list[Line]:
    """Hold the session; all that is seen of it, in order.

    @raise TimeoutError: if it takes longer than a minute.
    """
    record: list[Line] = []
    with ExitStack() as stack:
        stack.enter_context(_patience())
        folder = Path(stack.enter_context(TemporaryDirectory()))
        with socket.socket() as some:
            some.bind(("127.0.0.1", 0))
            port: int = some.getsockname()[1]

        def start(where: str, words: str) -> Program:
            program = Program(record, where, words, folder, port)
            stack.callback(program.close)
            return program

        server = start(SERVER, _SERVE)
        server.logs("listening on ", shown=True)
        ci = start("ci", "achat chat ci@localhost")
        server.logs("ci logged in")
        alice = start("alice", "achat chat alice@localhost")
        server.logs("alice logged in")
        ci.types("alice: build 17 is green")
        alice.shows("from ci: ")
        alice.types("ci: ship it, I am off")
        ci.shows("from alice: ")
        alice.types("/quit")
        server.logs("alice left")
        server.stop()
        ci.shows("achat: ")
        ci.types("alice: build 17 is live")
        server = start(SERVER, _SERVE)
        server.logs("listening on ", shown=True)
        ci.shows("! kept ")
        alice = start("alice", "achat chat alice@localhost")
        alice.shows("from ci: ")
    return record


@contextmanager
def _patience() -> Iterator[None]:
    def strike(_number: int, _frame: object) -> None:
        raise TimeoutError(f"the session takes longer than {_PATIENCE} seconds")

    signal.signal(signal.SIGALRM, strike)
    signal.alarm(_PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)


def main() -> None:
    parser = ArgumentParser(description="Draw the README's picture from a session of now.")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("restart.svg"))
    given = parser.parse_args()
    given.out.write_text(draw(_TITLE, session()))


if __name__ == "__main__":
    main()
