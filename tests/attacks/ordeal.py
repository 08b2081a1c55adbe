"""An ordeal: a crowd attacks a real server, and meanwhile an honest pair wants to converse."""

from __future__ import annotations

import math
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.internet.protocol import connectionDone
from twisted.internet.task import LoopingCall, deferLater
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from achat_twisted.login.passwords import VERIFIERS
from tests.attacks.vitals import NO_VITALS, Vitals, take, tcp_memory
from tests.functional.certificates import write_certificate
from tests.functional.processes import TWISTD, Process
from tests.scratch import TREE

Run = Callable[..., Process]
"""Starts a process with these arguments, and sees to it that it ends with its caller."""

_PAUSE = 0.01
"""Seconds between two exchanges of the honest pair."""

_SAMPLE = 0.05
"""Seconds between two looks at the server."""

_ASIDE = 60.0
"""Seconds in which the server must be rid of the crowd when that is gone."""

_HONEST = ("alice", "bob", "carol")
"""The pair, and the newcomer."""

_LEDGER = re.compile(r"stopped; accepted .* flight 0$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack to try.

    @ivar crowd: its word in L{tests.attacks.crowd}.
    @ivar size: how many attack at once.
    @ivar seconds: for how long.
    @ivar options: the server's.
    @ivar descriptors: how many the server may have; 0 for as many as this process.
    @ivar tls: whether the crowd goes to a port for TLS; the pair never does.
    @ivar hosts: from how many addresses the crowd comes; 0 for the pair's own.
    @ivar auth: whether who logs in needs a secret; the pair has one.
    """

    crowd: str
    size: int
    seconds: float
    options: tuple[str, ...] = ()
    descriptors: int = 0
    tls: bool = False
    hosts: int = 0
    auth: bool = False


_IN_ROOMS = ("--limit-local", "--rate", "200")
"""The limits for crowds in rooms, which are the usual ones but for the pair's rate."""

ATTACKS = (
    Attack("slow-logins", 3000, 20, ("--login-timeout", "5")),
    Attack("connections", 1, 10),
    Attack("logins", 1, 10),
    Attack("hoard", 500, 5, descriptors=200),
    Attack("deaf", 1000, 40),
    Attack("deaf-and-curious", 200, 15),
    Attack("curious-and-gone", 1000, 30),
    Attack("confirming-each", 200, 20, ("--limit-local", "--rate", "200")),
    Attack("confirming-nothing", 200, 20, ("--limit-local", "--rate", "200")),
    Attack("half-open", 1000, 40),
    Attack("many-tags", 3000, 20),
    Attack("made-up-tags", 1, 10),
    Attack("million-rooms", 20, 20, _IN_ROOMS),
    Attack("member-of-all", 50, 20),
    Attack("joins-and-parts", 200, 20, _IN_ROOMS),
    Attack("unread-room", 1000, 30, _IN_ROOMS, hosts=50),
    Attack("curious-members", 500, 20, _IN_ROOMS, hosts=50),
    Attack("curious-readers", 500, 20, _IN_ROOMS, hosts=50),
    Attack("made-up-devices", 10, 20),
    Attack("made-up-names", 1, 20),
    Attack("oversized", 1, 60),
    Attack("garbage", 1, 10),
    Attack("half-handshakes", 1000, 20, ("--login-timeout", "5"), tls=True),
    Attack("tls-garbage", 1, 10, tls=True),
)
"""All attacks, at full size."""


class Honest(LineOnlyReceiver):
    """One of the pair. It answers each message, and knows how long its own took to be answered."""

    delimiter = b"\n"
    transport: Any

    def __init__(self, name: str, on_message: Callable[[], None]) -> None:
        self.welcome: Deferred[None] = Deferred()
        self.notices: list[bytes] = []
        self._name = name
        self._on_message = on_message

    def connectionMade(self) -> None:
        self.say(f"{self._name}:{self._name}")  # the secret, where one is asked for

    def say(self, line: str) -> None:
        self.transport.write(f"{line}\n".encode())

    def lineReceived(self, line: bytes) -> None:
        if line.startswith(b"from "):
            self._on_message()
        elif line.startswith(b"! welcome"):
            self.welcome.callback(None)
        else:
            self.notices.append(line)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.notices.append(b"gone")
        if not self.welcome.called:
            self.welcome.callback(None)


class Pair:
    """Two who converse: one line, one answer, and after a moment the next.

    @ivar times: seconds that each exchange took.
    """

    def __init__(self, reactor: Any) -> None:
        self.times: list[float] = []
        self._reactor = reactor
        self._alice = Honest("alice", self._answered)
        self._bob = Honest("bob", lambda: self._bob.say("alice: and here"))
        self._asked = 0.0
        self._next: IDelayedCall | None = None

    async def begin(self, server: IStreamClientEndpoint) -> None:
        for one in (self._bob, self._alice):
            await connectProtocol(server, one)
            await one.welcome
        self._ask()

    @property
    def waits(self) -> float:
        """Seconds since the line that is not answered yet."""
        return float(self._reactor.seconds()) - self._asked

    @property
    def notices(self) -> list[bytes]:
        """Anything else that they were told; there should be nothing."""
        return self._alice.notices + self._bob.notices

    def end(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()
        for one in (self._alice, self._bob):
            one.transport.abortConnection()

    def _ask(self) -> None:
        self._asked = self._reactor.seconds()
        self._alice.say("bob: all is well here")

    def _answered(self) -> None:
        self.times.append(self._reactor.seconds() - self._asked)
        self._asked = self._reactor.seconds() + _PAUSE
        self._next = self._reactor.callLater(_PAUSE, self._ask)


@dataclass(slots=True)
class Findings:
    """The effects of an attack.

    @ivar said: what the crowd has seen.
    @ivar times: seconds that the exchanges of the pair took which began before the end.
    @ivar notices: what the pair was told besides.
    @ivar newcomer: seconds that a login took in the middle of it.
    @ivar before: the server, with the pair alone.
    @ivar peak: the most of each while it lasted; but the CPU at its end.
    @ivar after: the server when the crowd has gone, with the pair alone again.
    @ivar kernel: bytes that the kernel had more for TCP at the worst moment.
    @ivar log: all that the server has logged.
    """

    said: str = ""
    times: list[float] = field(default_factory=list)
    notices: list[bytes] = field(default_factory=list)
    newcomer: float = 0.0
    before: Vitals = NO_VITALS
    peak: Vitals = NO_VITALS
    after: Vitals = NO_VITALS
    kernel: int = 0
    log: str = ""

    def faults(self) -> list[str]:
        """The faults that the attack has caused; there should be none."""
        found = []
        if "Traceback" in self.log:
            found.append("a traceback is logged")
        if not _LEDGER.search(self.log):
            found.append("the ledger does not balance")
        found += _left(self.before, self.after)
        if self.notices:
            found.append(f"the pair was told {self.notices[:3]}")
        return found


def _left(before: Vitals, after: Vitals) -> list[str]:
    """The things that a crowd has left behind, in words."""
    left = []
    if after.descriptors > before.descriptors:
        left.append(f"{after.descriptors - before.descriptors} descriptors are left")
    if after.threads >= before.threads + VERIFIERS:  # one has verified the pair's secrets
        left.append("threads are left")
    return left


async def undergo(reactor: Any, run: Run, attack: Attack, folder: Path) -> Findings:
    """Starts a server, has it attacked, watches the pair meanwhile, and stops it.

    @param folder: for certificates and secrets, if there are to be any.
    """
    findings = Findings()
    server = run(*_server(attack, folder))
    await server.output.until(lambda text: text.count("listening on ") == 1 + attack.tls)
    here = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port())
    pair = Pair(reactor)
    await pair.begin(here)
    await deferLater(reactor, 0.5)
    pid, calm = server.transport.pid, tcp_memory()
    findings.before = findings.peak = take(pid)
    pair.times.clear()

    def look() -> None:
        now, peak = take(pid), findings.peak
        findings.peak = Vitals(
            max(peak.resident, now.resident),
            now.cpu,
            max(peak.descriptors, now.descriptors),
            max(peak.threads, now.threads),
        )
        findings.kernel = max(findings.kernel, tcp_memory() - calm)

    looking = LoopingCall(look)
    looking.start(_SAMPLE)
    ports = re.findall(r"listening on \S+:(\d+)$", server.output.whole, re.MULTILINE)
    crowd = run(
        *(sys.executable, "-m", "tests.attacks.crowd", attack.crowd, ports[-1]),
        *("--size", str(attack.size), "--seconds", str(attack.seconds)),
        *("--hosts", str(attack.hosts)),
        folder=TREE,
    )
    newcomer = ensureDeferred(_log_in(reactor, here, attack.seconds / 2))
    assert await crowd.ended == 0, crowd.output.whole
    findings.said = crowd.output.whole.strip()
    findings.times = [*pair.times, pair.waits]
    findings.newcomer = await newcomer
    findings.after = await _calm(reactor, pid, findings.before)
    looking.stop()
    answered = len(pair.times)
    while len(pair.times) == answered:
        await deferLater(reactor, _PAUSE)
    findings.notices = pair.notices
    pair.end()
    server.send(signal.SIGTERM)
    await server.ended
    findings.log = server.output.whole
    return findings


def _server(attack: Attack, folder: Path) -> tuple[str, ...]:
    where = _with_tls(folder / "localhost.pem") if attack.tls else ("--port", "0")
    auth = _with_secrets(folder / "passwords") if attack.auth else ()
    command = (*TWISTD, *where, *auth, *attack.options)
    if attack.descriptors:
        return ("sh", "-c", f'ulimit -n {attack.descriptors}; exec "$0" "$@"', *command)
    return command


def _with_tls(pem: Path) -> tuple[str, ...]:
    """Two ports, the second of which speaks TLS."""
    write_certificate(pem)
    endpoint = f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1:backlog=1024"
    return ("--listen", "tcp:0:interface=127.0.0.1:backlog=1024", "--listen", endpoint)


def _with_secrets(path: Path) -> tuple[str, ...]:
    """The secrets of the honest, which are as expensive as real ones."""
    path.write_text("".join(f"{name}:{PasswordHasher().hash(name)}\n" for name in _HONEST))
    path.chmod(0o600)
    return ("--auth", f"argon2:{path}")


async def _log_in(reactor: Any, server: IStreamClientEndpoint, delay: float) -> float:
    """Measures how long a newcomer, who comes after a while and leaves at once, waits to be let in.

    @return: seconds; infinity, if they are not let in.
    """
    await deferLater(reactor, delay)
    began = reactor.seconds()
    newcomer = Honest("carol", lambda: None)
    await connectProtocol(server, newcomer)
    await newcomer.welcome
    newcomer.transport.abortConnection()
    if newcomer.notices:
        return math.inf
    waited: float = reactor.seconds() - began
    return waited


async def _calm(reactor: Any, pid: int, before: Vitals) -> Vitals:
    """The server when it is rid of the crowd, or has had the time for that.

    A secret that is being verified has threads of its own, even if nobody waits for it any more.
    """
    until = reactor.seconds() + _ASIDE
    while _left(before, now := take(pid)) and reactor.seconds() < until:
        await deferLater(reactor, _SAMPLE)
    return now
