"""The gate, made from C{--auth}."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.cred.checkers import FilePasswordDB, ICredentialsChecker
from twisted.cred.credentials import ICredentials, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.strcred import ICheckerFactory
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from achat_twisted import wire
from achat_twisted.login.credentials import IOwnChecker
from achat_twisted.login.gate import FORGET, LONGEST, OPEN, PATIENCE, PortalGate
from achat_twisted.login.interfaces import IGate
from achat_twisted.login.passwords import Argon2Checker, InPlace
from achat_twisted.login.plugins import Argon2Factory, TLSFactory
from achat_twisted.login.service import ReloadableGate
from achat_twisted.tools.backoff import Backoff
from achat_twisted.tools.errors import CannotStart
from tests.clientele import Authority
from tests.disk import FakeWorker, scratch_file
from tests.fakes import Bug, FakeLink
from tests.logged import Logged
from tests.passwords import password_file


@implementer(ICredentialsChecker)
class FakeChecker:
    """A checker that answers as it is told, and remembers the names it saw."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer
        self.seen: list[bytes] = []

    def requestAvatarId(self, credentials: ICredentials) -> Any:
        name: bytes = credentials.username  # type: ignore[attr-defined]
        self.seen.append(name)
        return self._answer(name)


def link_from(origin: str) -> FakeLink:
    link = FakeLink()
    link.origin = origin
    return link


def _says(answer: object) -> Callable[[bytes], object]:
    return lambda _name: answer


def _says_no(_name: bytes) -> bytes:
    raise UnauthorizedLogin


class GateTestCase(SynchronousTestCase):
    """A clock, and callers."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.guesses = Backoff(self.clock, longest=LONGEST, forget=FORGET)
        self.link = link_from("host")

    def gate(self, *checkers: Any) -> PortalGate:
        return PortalGate(checkers, self.guesses, self.clock)

    def file(self, text: str) -> Path:
        path = scratch_file(self)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def enters(self, gate: IGate, login: str, link: FakeLink | None = None) -> Deferred[str]:
        answer = gate.enter(wire.parse_login(login), link or self.link)
        assert answer is not None
        return answer

    def is_let_in(self, gate: IGate, login: str, name: str, link: FakeLink | None = None) -> None:
        self.assertEqual(self.successResultOf(self.enters(gate, login, link)), name)

    def is_refused(
        self, gate: IGate, login: str, why: str, link: FakeLink | None = None
    ) -> wire.Notice:
        failure = self.failureResultOf(self.enters(gate, login, link), wire.Refused)
        self.assertEqual(str(failure.value), why)
        notice: wire.Notice = failure.value.notice
        return notice


class TellTaleTests(GateTestCase):
    """The information in a denial."""

    def test_nothing(self) -> None:
        """For a known and an unknown name it is the same notice, after the same work and delay."""
        seen: list[list[object]] = []
        for name in ("alice", "nobody"):
            worker, guesses = FakeWorker(), Backoff(self.clock, longest=LONGEST, forget=FORGET)
            log: list[object] = []
            checker = Argon2Checker(
                self.file(password_file(alice="one")), partial(_looks_at_cost, log)
            )
            checker.open(worker)
            gate = PortalGate([checker], guesses, self.clock)
            for login in (name, f"{name}:", f"{name}:two", f"{name}:three"):
                answer = self.enters(gate, login)
                waits = guesses.wait("host")
                self.clock.advance(waits)
                refused = self.failureResultOf(answer, wire.Refused)
                log.append((waits, worker.jobs, refused.value.notice))
            seen.append(log)
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(len(seen[0]), 7)


def _looks_at_cost(log: list[object], hashed: str, _secret: bytes) -> bool:
    log.append(hashed.split("$")[:4])
    return False


class OpenGateTests(GateTestCase):
    """L{OPEN}."""

    def test_open(self) -> None:
        """Anybody may enter at once, and nobody is asked for anything."""
        gate: IGate = OPEN
        verifyObject(IGate, gate)
        gate.greet(self.link)
        self.assertFalse(self.link.asked)
        self.assertIsNone(gate.enter(wire.Login("alice", None), self.link))
        self.assertFalse(gate.knows("alice"))


class PortalGateTests(GateTestCase):
    """L{PortalGate}, with one checker or another."""

    def argon2(self, **secrets: str) -> Argon2Checker:
        checker = Argon2Checker(self.file(password_file(**secrets)))
        checker.open(InPlace())
        return checker

    def test_secret(self) -> None:
        """A client that says the secret of a name is let in under it."""
        gate = self.gate(self.argon2(alice="on:e "))
        verifyObject(IGate, gate)
        self.is_let_in(gate, "alice:on:e ", "alice")
        gate.greet(self.link)
        self.assertFalse(self.link.asked)

    def test_denied(self) -> None:
        """All denials are alike; only the log knows what was wrong."""
        gate = self.gate(self.argon2(alice="one"))
        for login, why in [
            ("alice:two", "denied: the secret of alice is wrong"),
            ("carol:two", "denied: no such name and secret"),
            ("alice", "denied: it has not proved who it is"),
            ("alice:", "denied: the secret of alice is wrong"),
        ]:
            notice = self.is_refused(gate, login, why, link_from(login))
            self.assertEqual(wire.render_notice(notice), b"! denied\n")

    def test_knows(self) -> None:
        """The gate knows the names that its checkers know."""
        gate = self.gate(self.argon2(alice="one"), FilePasswordDB("x"), self.argon2(bob="two"))
        self.assertEqual([gate.knows(n) for n in ("alice", "bob", "carol")], [True, True, False])

    def test_file(self) -> None:
        """Twisted's own C{file:} will do as well."""
        gate = self.gate(FilePasswordDB(str(self.file("alice:one\nZoë:zwei\n"))))
        self.is_let_in(gate, "Zoë:zwei", "Zoë")
        self.is_refused(gate, "alice:zwei", "denied: no such name and secret")

    def test_kinds_of_avatars(self) -> None:
        """A checker may answer with text or bytes, and with another name; but with a name."""
        for answer, name in [("bob", "bob"), (b"bob", "bob"), ("Zoë".encode(), "Zoë")]:
            gate = self.gate(FakeChecker(_says(answer)))
            self.is_let_in(gate, "x:y", name)
        for answer, why in [
            ((), "() is not a name: it is nobody in particular"),
            ("urn:x", "'urn:x' is not a name: it contains :"),
            (b"a\nb", r"'a\nb' is not a name: it contains characters that cannot be printed"),
        ]:
            gate = self.gate(FakeChecker(_says(answer)))
            self.is_refused(gate, "x:y", f"denied: {why}", link_from(repr(answer)))

    def test_several(self) -> None:
        """A client that satisfies one of several is let in; one that satisfies none is not."""
        gate = self.gate(self.argon2(alice="one"), self.argon2(alice="uno", bob="two"))
        self.is_let_in(gate, "alice:one", "alice")
        self.is_let_in(gate, "alice:uno", "alice")
        self.is_let_in(gate, "bob:two", "bob")
        self.is_refused(gate, "bob:one", "denied: the secret of bob is wrong")

    def test_bug(self) -> None:
        """A checker that breaks is an error in the log, and keeps that one client out."""

        def breaks(_name: bytes) -> bytes:
            raise Bug

        gate = self.gate(FakeChecker(breaks))
        with Logged() as logged:
            self.is_refused(gate, "alice:secret", "busy")
        self.assertEqual(logged.texts, ["A login could not be checked"])
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
        self.assertEqual(len(self.guesses), 0)

    def test_silence(self) -> None:
        """A checker that does not answer is not waited for without end."""
        gate = self.gate(FakeChecker(lambda _name: Deferred()))
        answer = self.enters(gate, "alice:secret")
        self.clock.advance(PATIENCE - 1)
        self.assertNoResult(answer)
        self.clock.advance(1)
        self.assertEqual(str(self.failureResultOf(answer, wire.Refused).value), "busy")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """A client that gives up entering leaves nothing behind, delayed or not."""
        gate = self.gate(FakeChecker(lambda _name: Deferred()))
        for _ in range(2):
            answer = self.enters(gate, "alice:secret")
            answer.cancel()
            self.failureResultOf(answer, CancelledError)
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.guesses.tried("host")

    def test_secret_is_not_shown(self) -> None:
        """No repr of a login, and no reason for the log, holds the secret."""
        login = wire.parse_login("alice:hunter2")
        self.assertNotIn("hunter2", repr(login))
        gate = self.gate(self.argon2(alice="one"))
        failure = self.failureResultOf(self.enters(gate, "alice:hunter2"), wire.Refused)
        self.assertNotIn("hunter2", failure.getTraceback() + repr(failure.value))


class DelayTests(GateTestCase):
    """The consequences of wrong secrets."""

    def test_delay(self) -> None:
        """After a wrong secret the next answer takes longer, and the one after it still longer."""
        checker = FakeChecker(_says_no)
        gate = self.gate(checker)
        self.is_refused(gate, "alice:1", "denied: no such name and secret")
        for wait in (1, 2, 4):
            checker.seen.clear()
            answer = self.enters(gate, "alice:2")
            self.clock.advance(wait - 0.1)
            self.assertNoResult(answer)
            self.assertEqual(checker.seen, [])
            self.clock.advance(0.1)
            self.failureResultOf(answer, wire.Refused)
            self.assertEqual(checker.seen, [b"alice"])

    def test_others(self) -> None:
        """A client from another host waits for nothing."""
        gate = self.gate(FakeChecker(_says_no))
        self.is_refused(gate, "alice:1", "denied: no such name and secret")
        other = link_from("another host")
        self.is_refused(gate, "alice:2", "denied: no such name and secret", other)

    def test_many_at_once(self) -> None:
        """A few logins from a host are checked at a time, and more from it keep no others out."""
        answers: dict[bytes, Deferred[bytes]] = {}
        checker = FakeChecker(lambda name: answers.setdefault(name, Deferred()))
        gate, other = self.gate(checker), link_from("another host")
        first, second, third = (self.enters(gate, f"{name}:x") for name in "abc")
        fourth, elsewhere = self.enters(gate, "d:x"), self.enters(gate, "e:x", other)
        self.assertEqual(checker.seen, [b"a", b"b", b"e"])
        answers[b"e"].callback(b"e")
        self.assertEqual(self.successResultOf(elsewhere), "e")
        third.cancel()
        self.failureResultOf(third)
        answers[b"a"].callback(b"a")
        answers[b"b"].errback(UnauthorizedLogin())
        self.assertEqual(self.successResultOf(first), "a")
        self.failureResultOf(second, wire.Refused)
        self.assertEqual(checker.seen, [b"a", b"b", b"e", b"d"])
        answers[b"d"].callback(b"d")
        self.assertEqual(self.successResultOf(fourth), "d")

    def test_right_secret(self) -> None:
        """A right secret waits as a wrong one would, is let in then, and makes up for nothing."""
        gate = self.gate(FakeChecker(lambda name: name if name == b"bob" else _says_no(name)))
        self.is_refused(gate, "alice:1", "denied: no such name and secret")
        for _ in range(2):
            answer = self.enters(gate, "bob:x")
            self.assertNoResult(answer)
            self.clock.advance(1)
            self.assertEqual(self.successResultOf(answer), "bob")

    def test_no_secret(self) -> None:
        """A client without a secret has guessed nothing: the answer comes at once, at no cost."""
        checker = FakeChecker(_says_no)
        for _ in range(3):
            self.is_refused(self.gate(checker), "alice", "denied: it has not proved who it is")
        self.assertEqual(checker.seen, [])
        self.assertEqual(len(self.guesses), 0)


class CertificateTests(GateTestCase):
    """Client certificates at the gate."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority()
        self.keeper = ReloadableGate(self.clock, InPlace())
        secrets = self.file(password_file(alice="one"))
        authorities = self.file(self.authority.identity.public().decode())
        self.keeper.reload({"auth": [f"argon2:{secrets}", f"tls:{authorities}"]})()

    def shows(self, name: str) -> FakeLink:
        link = link_from(f"the host of {name}")
        link.shown = [self.authority.client(name).x509]
        return link

    def test_asked(self) -> None:
        """Everybody is asked for a certificate."""
        self.keeper.greet(self.link)
        self.assertTrue(self.link.asked)

    def test_certificate(self) -> None:
        """A certificate lets its name in, and no other."""
        self.is_let_in(self.keeper, "bob", "bob", self.shows("bob"))
        self.is_refused(
            self.keeper, "alice", "denied: its certificate is for 'bob'", self.shows("bob")
        )

    def test_or_a_secret(self) -> None:
        """A secret is looked at instead, if there is one; a client that has neither is denied."""
        self.is_let_in(self.keeper, "alice:one", "alice", self.shows("bob"))
        self.is_refused(self.keeper, "bob:x", "denied: no such name and secret", self.shows("bob"))
        self.is_refused(self.keeper, "alice", "denied: it has not proved who it is")


class ReloadableGateTests(GateTestCase):
    """L{ReloadableGate}."""

    def setUp(self) -> None:
        super().setUp()
        self.worker = FakeWorker()
        self.keeper = ReloadableGate(self.clock, self.worker)

    def reload(self, *auth: str) -> None:
        self.keeper.reload({"auth": list(auth)})()

    def test_open(self) -> None:
        """By default everybody is let in."""
        verifyObject(IGate, self.keeper)
        self.reload()
        self.assertIsNone(self.keeper.enter(wire.Login("alice", None), self.link))

    def test_worker(self) -> None:
        """Its worker works as long as the service runs."""
        self.keeper.startService()
        self.assertTrue(self.worker.started)
        self.keeper.stopService()
        self.assertTrue(self.worker.stopped)

    def test_relative_path(self) -> None:
        """A relative path stays what it was at the start, wherever the process is by now."""
        path = self.file(password_file(alice="one"))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(path.parent)
        self.reload(f"argon2:{path.name}")
        os.chdir("/")
        self.reload(f"argon2:{path.name}")
        self.is_let_in(self.keeper, "alice:one", "alice")

    def test_reload(self) -> None:
        """While it runs the gate can be closed, changed, and opened again; the log says so."""
        one, two = (self.file(password_file(alice=secret)) for secret in ("one", "two"))
        self.keeper.startService()
        with Logged() as logged:
            self.reload(f"argon2:{one}")
            self.is_let_in(self.keeper, "alice:one", "alice")
            self.assertTrue(self.keeper.knows("alice"))
            self.reload(f"argon2:{two}")
            self.is_let_in(self.keeper, "alice:two", "alice")
            self.reload()
            self.reload()
            self.assertIsNone(self.keeper.enter(wire.Login("alice", None), self.link))
        self.assertEqual(
            logged.texts,
            [
                "logins are checked by argon2",
                "logins are checked by argon2",
                "anybody can log in as anybody from now on",
            ],
        )

    def test_nothing_happens_before(self) -> None:
        """A gate that is made is not in place yet."""
        put_in_place = self.keeper.reload({"auth": [f"argon2:{self.file('')}"]})
        self.assertIsNone(self.keeper.enter(wire.Login("alice", None), self.link))
        put_in_place()
        self.is_refused(self.keeper, "alice:x", "denied: no such name and secret")

    def test_delays_stay(self) -> None:
        """A reload does not forgive guesses."""
        path = self.file(password_file(alice="one"))
        self.reload(f"argon2:{path}")
        self.is_refused(self.keeper, "alice:x", "denied: the secret of alice is wrong")
        self.reload(f"argon2:{path}")
        self.assertNoResult(self.enters(self.keeper, "alice:one"))

    def test_wrong(self) -> None:
        """An impossible gate is refused in a sentence without secrets, and the old one stays."""
        path = self.file("alice:one\n")
        self.reload(f"file:{path}")
        for auth, why in [
            ("nonsense:x", "nonsense will not do: there is no such type; --help-auth lists them"),
            ("argon2", "argon2 will not do: it must name a file: argon2:PATH"),
            ("tls:", "tls will not do: it must name a file: tls:PATH"),
            ("argon2:/no", "argon2 will not do: /no cannot be read: No such file or directory"),
            (f"argon2:{path}", f"argon2 will not do: {path} cannot be used: line 1 is not NAME:"),
            (f"tls:{path}", f"tls will not do: {path} cannot be used: it holds no certificate"),
            ("anonymous", "anonymous will not do: it checks neither secrets nor certificates"),
            ("memory:a:b", "memory will not do: it would let nobody in; use file:PATH or argon2:"),
            ("memory:a", "memory will not do: argstring must be in format U:P:..."),
        ]:
            error = self.assertRaises(CannotStart, self.keeper.reload, {"auth": [auth]})
            self.assertTrue(str(error).startswith(f"achat: --auth {why}"), error)
        self.is_let_in(self.keeper, "alice:one", "alice")

    def test_factories(self) -> None:
        """The checkers that C{--auth} finds keep the contract of C{strcred}."""
        for factory in (Argon2Factory(), TLSFactory()):
            verifyObject(ICheckerFactory, factory)
            verifyObject(IOwnChecker, factory.generateChecker("x"))
