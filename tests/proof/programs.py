"""Programs with a file of their own: the client that C{docs/lossless.md} prints, as it stands."""

from __future__ import annotations

import re
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from tests.functional.processes import Process

PAGE = Path(__file__).parents[2] / "docs" / "lossless.md"

_SOCKET = "socket.create_connection((host, int(port)), timeout=10)"

_PATIENCE = 60.0
"""Seconds to wait for a file that the program is writing to."""


def client(certificate: Path | None = None, silence: float = 1.0) -> str:
    """The code of the page.

    @param certificate: the server's, if the client is to talk through TLS.
    @param silence: seconds without a line after which it looks for lines to send, and asks
        whether the server is there.
    """
    code: str
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert _SOCKET in code, "the page connects in another way"
    connects = _SOCKET.replace("timeout=10", f"timeout={silence}")
    if certificate is not None:
        context = f"ssl.create_default_context(cafile={str(certificate)!r})"
        connects = f'{context}.wrap_socket({connects}, server_hostname="localhost")'
        code = f"import ssl\n{code}"
    return code.replace(_SOCKET, connects)


class Program:
    """One name's client, in process after process, all with the same file.

    @ivar kills: how often it was killed.
    @ivar port: the port to connect to.
    """

    port = 0

    def __init__(self, run: Callable[..., Process], code: str, file: Path, name: str) -> None:
        """@param run: starts a process with the arguments that it is called with.
        @param code: that of the client, from L{client}.
        """
        self.name = name
        self.kills = 0
        self._run = run
        self._code = code
        self._file = file

    async def start(self) -> None:
        file, where = str(self._file), ("127.0.0.1", str(self.port))
        self._process = self._run(sys.executable, "-c", self._code, file, self.name, *where)

    async def kill(self) -> None:
        """The end without a warning.

        @raise AssertionError: if it had ended by itself.
        """
        assert not self._process.ended.called, self._process.output.whole
        self.kills += 1
        self._process.send(signal.SIGKILL)
        await self._process.ended

    @property
    def is_known(self) -> bool:
        """True as soon as it has been told where to go on, for the first time."""
        return self._file.exists() and bool(
            self._select("SELECT name FROM sqlite_master WHERE name = 'me'")
            and self._select("SELECT era FROM me WHERE era != ''")
        )

    def post(self, lines: Iterable[str]) -> None:
        """Write into its file what it is to say."""
        with closing(self._open()) as db, db:
            db.executemany("INSERT INTO line (text) VALUES (?)", ((line,) for line in lines))

    def done(self, since: int) -> list[tuple[str, str]]:
        """Senders and texts of the messages that it has worked off, but for so many."""
        return self._select("SELECT sender, text FROM done WHERE rowid > ? ORDER BY rowid", since)

    def refused(self) -> list[tuple[str, str]]:
        """Its lines that were refused, and why."""
        return self._select("SELECT text, why FROM refused ORDER BY place, why")

    @property
    def unsettled(self) -> int:
        """The number of its lines whose fate it does not know."""
        return len(self._select("SELECT place, text FROM line"))

    def _select(self, query: str, *arguments: int) -> list[tuple[str, str]]:
        with closing(self._open()) as db:
            return db.execute(query, arguments).fetchall()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=_PATIENCE)
