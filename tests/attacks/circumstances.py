"""Circumstances of a siege: the clients' limits, the gate, and the hosts they come from."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.login.gate import FORGET, LONGEST, PortalGate
from achat_twisted.tools.backoff import Backoff
from tests.simulation.network import TICK

HOSTS = (
    ("127.0.0.1",) * 4,
    ("192.0.2.1",) * 4,
    ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"),
    ("127.0.0.1", "127.0.0.1", "192.0.2.1", "192.0.2.1"),
)
"""The hosts of the assailants, one of these for each. The IPv6 ones count as one."""


def draw_options(rng: Random) -> dict[str, Any]:
    """The options that a reload may change; small limits mostly, as little happens without any."""
    return {
        "connections": rng.choice([2, 3, 20_000, 20_000]),
        "connections-per-host": rng.choice([0, 1, 2, 3]),
        "logins-per-host": rng.choice([0, 3, 10]),
        "rate": rng.choice([0, 20, 200]),
        "burst": rng.choice([1, 50, 2000]),
        "room-rate": rng.choice([1, 100, 10_000]),
        "outbox-total": rng.choice([0, 1000, 10_000]),
        "limit-local": rng.random() < 0.5,
        "max-line": rng.choice([64, 300, wire.MAX_LINE]),
        "login-timeout": rng.choice([0.1, 2.0, 30.0]),
        "duplicate": rng.choice(list(Duplicate)),
        "outbox-limit": rng.choice([400, 2000, 20_000]),
    }


@implementer(ICredentialsChecker)
class Moody:
    """A checker that takes its time, and then says what it likes."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, clock: IReactorTime, rng: Random) -> None:
        self._clock = clock
        self._rng = rng

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes | tuple[()]]:
        wait = self._rng.choice([0.0, TICK, 0.1, 3.0, 60.0])
        return deferLater(self._clock, wait, self._answer, credentials.username)

    def _answer(self, name: bytes) -> bytes | tuple[()]:
        mood = self._rng.random()
        if mood < 0.2:
            raise UnauthorizedLogin
        if mood < 0.3:
            raise wire.busy()
        return b"no name:" if mood < 0.35 else name


def moody_gate(clock: IReactorTime, rng: Random) -> PortalGate:
    """The gate of a server with secrets, of which nobody knows whether they are right."""
    return PortalGate([Moody(clock, rng)], Backoff(clock, longest=LONGEST, forget=FORGET), clock)
