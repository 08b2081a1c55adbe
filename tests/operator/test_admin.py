"""An operator's hand, up to where a socket would be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.net.unix_sockets import UnixSockets
from achat_twisted.operator import protocol
from achat_twisted.operator.actions import ACTIONS
from achat_twisted.operator.admin import TIMEOUT, AdminFactory
from achat_twisted.operator.command import admin
from achat_twisted.operator.console import Console
from achat_twisted.operator.outcome import HIDDEN, Change, Outcome
from achat_twisted.operator.protocol import Facts, NotDone, Request
from achat_twisted.wire.tags import Opening
from tests.fakes import Bug
from tests.house import House
from tests.logged import Logged

UNREADABLE = [
    (b"\xff", "the request cannot be read: bad-line not UTF-8"),
    (b"kick a\x1b[2J", "the request cannot be read: bad-line control characters"),
    (b"kick " + 300 * b"x", "the request cannot be read: too-long 256"),
]

ASKED_WRONGLY = [
    (
        "dance",
        "no action 'dance'; there are who, kick NAME, stats, drain SECONDS, mail NAME, mailboxes"
        " NUMBER, purge NAME, room ACTION ROOM NAMES, devices NAME, reload",
    ),
    ("kick", "kick takes NAME"),
    ("who alice", "who takes no argument"),
    ("kick nobody", "nobody is not here"),
    ("mail nobody", "there is nobody by the name nobody"),
    ("drain soon", "drain takes seconds up to 86400, or a time such as 5m, or off"),
    ("drain 86401", "drain takes seconds up to 86400, or a time such as 5m, or off"),
    ("drain nan", "drain takes seconds up to 86400, or a time such as 5m, or off"),
    ("mailboxes all", "mailboxes takes a number from 1 to 10000"),
    ("mailboxes 0", "mailboxes takes a number from 1 to 10000"),
    ("mailboxes 10001", "mailboxes takes a number from 1 to 10000"),
    ("mailboxes 0000000019999", "mailboxes takes a number from 1 to 10000"),
    (f"mailboxes {200 * '9'}", "mailboxes takes a number from 1 to 10000"),
    ("purge nobody", "there is nobody by the name nobody"),
]


SWEEP = 0.25
"""Seconds after which what was sent last is noted."""

NOTHING: Facts = {"unconfirmed": 0, "unconfirmed_bytes": 0, "oldest": "-"}

NO_TAG: Facts = {"tag": "-", **NOTHING}


class ProtocolTests(SynchronousTestCase):
    """Requests and answers."""

    def test_requests(self) -> None:
        """A request is a word, and perhaps an argument, which may have blanks inside."""
        for line, request in [
            (b"who", Request("who")),
            (b" kick  Zo\xc3\xab of  Rome \r", Request("kick", "Zoë of  Rome")),
        ]:
            self.assertEqual(protocol.parse_request(line), request)

    def test_unreadable(self) -> None:
        """Anything but a clean line of text is refused, with the reason."""
        for line, why in UNREADABLE:
            error = self.assertRaises(NotDone, protocol.parse_request, line)
            self.assertEqual(str(error), why)

    def test_answers(self) -> None:
        """Facts come out as they went in, and the last line says whether it is done."""
        facts: Facts = {"name": "Zoë", "taken": 3}
        self.assertEqual(protocol.parse_answer(protocol.render_facts(facts)), facts)
        self.assertIn("Zoë", protocol.render_facts(facts).decode())
        self.assertIsNone(protocol.parse_answer(protocol.render_end()))
        error = self.assertRaises(NotDone, protocol.parse_answer, protocol.render_end("no"))
        self.assertEqual(str(error), "no")

    def test_no_answers(self) -> None:
        """Lines that another server says are no answer."""
        for line in (b"! bad-name\n", b"[]\n", b"\xff\n"):
            self.assertRaises(ValueError, protocol.parse_answer, line)


class ConsoleTests(SynchronousTestCase):
    """L{Console}."""

    def setUp(self) -> None:
        self.house = House()
        self.phase = "ready"
        factory: Any = SimpleNamespace(connections=7)
        self.console = Console(
            self.house.broker, self.house.mailbox, factory, lambda: self.phase, Outcome
        )

    def test_who(self) -> None:
        """Each session has a row, in order, with its lines and the bytes it has yet to get."""
        bob = self.house.comes("bob")
        self.house.wall.advance(61)
        self.house.comes("alice", blocked=True)
        bob.says("alice: 1")
        self.house.turn()
        first = len(b"! welcome alice\n")
        self.assertEqual(
            list(self.console.who()),
            [
                {
                    "name": "alice",
                    "from": "alice",
                    "since": "1970-01-01T00:01:01Z",
                    "taken": 0,
                    "queued": first + len(b"from bob: 1\n"),
                    "unacknowledged": first,
                    **NO_TAG,
                },
                {
                    "name": "bob",
                    "from": "bob",
                    "since": "1970-01-01T00:00:00Z",
                    "taken": 1,
                    "queued": 0,
                    "unacknowledged": 0,
                    **NO_TAG,
                },
            ],
        )

    def test_who_has_not_got(self) -> None:
        """A session with a tag tells what was sent to it and not got, and since when."""
        self.house.broker.set_duplicate(Duplicate.TAKEOVER)
        alice = self.house.comes("alice")
        worker = self.house.comes("worker", opening=Opening("t"))
        for number in (1, 2, 3):
            self._wait(10)
            alice.says(f"worker: {number}")
            self.house.turn()
        worker.session.got("1")
        self._wait(3600)
        *_, row = self.console.who()
        size = 2 * len("from alice: 2\n")
        not_got: Facts = {
            "unconfirmed": 2,
            "unconfirmed_bytes": size,
            "oldest": "1970-01-01T00:00:20Z",
        }
        self.assertEqual(row, row | {"name": "worker", "tag": "t", **not_got})
        self.house.comes("worker", opening=Opening("send", only_sends=True))
        self.assertEqual(
            [*self.console.tags("worker")],
            [
                {"tag": "t", "here": "yes", "lines": 0, "refusals": 0, **not_got},
                {"tag": "send", "here": "yes", "lines": 0, "refusals": 0, **NOTHING},
            ],
        )
        self.assertEqual([*self.console.tags("nobody")], [])

    def test_tag_that_is_away(self) -> None:
        """A tag that is away is told with what it has to hear."""
        worker = self.house.comes("worker", opening=Opening("t"))
        worker.says("nobody: 1")
        worker.says("worker: 2")
        self.house.turn()
        worker.loses_connection()
        self.assertEqual(
            [*self.console.tags("worker")],
            [{"tag": "t", "here": "no", "lines": 2, "refusals": 1, **NOTHING}],
        )

    def _wait(self, seconds: float) -> None:
        for step in (SWEEP, seconds - SWEEP):
            self.house.clock.advance(step)
            self.house.wall.advance(step)

    def test_who_leaves_meanwhile(self) -> None:
        """A client that is gone before its row is taken has none."""
        self.house.comes("alice")
        bob = self.house.comes("bob")
        rows = self.console.who()
        self.assertEqual(next(rows)["name"], "alice")
        bob.loses_connection()
        self.assertEqual(list(rows), [])

    def test_kick(self) -> None:
        """A kicked client is told so, and the lines that it has not got wait for it."""
        alice, bob = self.house.comes("alice"), self.house.comes("bob", blocked=True)
        for number in (1, 2):
            alice.says(f"bob: {number}")
            self.house.turn()
        self.assertTrue(self.console.kick("bob"))
        self.assertTrue(self.console.kick("bob"))
        bob.link.unblock()
        self.house.turn()
        self.assertEqual(bob.link.lines(), ["! welcome bob", "! kicked", "! bye 0"])
        self.assertFalse(self.console.kick("bob"))
        self.assertEqual(self.console.sessions(), 1)
        again = self.house.comes("bob")
        self.house.turn()
        self.assertEqual(again.link.messages(), ["from alice: 1", "from alice: 2"])

    def test_kick_those_that_only_send(self) -> None:
        """A kick ends those sessions of a name, too, that only send; another name's stay."""
        guests = [
            self.house.comes("ci", opening=Opening(tag, only_sends=True)) for tag in ("1", "2")
        ]
        other = self.house.comes("other", opening=Opening("1", only_sends=True))
        self.assertTrue(self.console.kick("ci"))
        self.house.turn()
        for guest in guests:
            self.assertEqual(guest.link.lines()[-2:], ["! kicked", "! bye 0"])
        self.assertFalse(other.link.finished)

    def test_mail(self) -> None:
        """The mail of a name is told; of an unknown name, nothing."""
        alice = self.house.comes("alice")
        self.house.comes("bob").loses_connection()
        alice.says("bob: 1")
        self.assertEqual(self.console.mail("bob"), {"kept": 1, "bytes": 78})
        self.assertEqual(self.console.mail("alice"), {"kept": 0, "bytes": 0})
        self.assertIsNone(self.console.mail("nobody"))

    def test_stats(self) -> None:
        """The columns of the ledger are told one by one, with how many clients there are."""
        alice = self.house.comes("alice")
        alice.says("alice, nobody: hi")
        self.assertEqual(
            self.console.stats(),
            {
                "phase": "ready",
                "connections": 7,
                "sessions": 1,
                "accepted": 2,
                "inherited": 0,
                "delivered": 0,
                "kept": 0,
                "refused": 1,
                "refused unknown": 1,
                "expired": 0,
                "in flight": 1,
            },
        )

    def test_drain(self) -> None:
        """While the server drains nobody new is let in, and afterwards everybody."""
        self.house.comes("alice")
        self.console.draining = True
        self.assertTrue(self.house.broker.draining)
        error = self.assertRaises(wire.Refused, self.house.comes, "bob")
        self.assertEqual(error.notice, wire.busy().notice)
        self.console.draining = False
        self.house.comes("bob")

    def test_status(self) -> None:
        """A few words give the server's state: its phase, or that it is draining."""
        self.house.comes("alice").says("alice: hi")
        self.assertEqual(self.console.status(), "ready: 1 sessions, 1 in flight")
        self.console.draining = True
        self.assertEqual(self.console.status(), "draining: 1 sessions, 1 in flight")
        self.phase = "stopping"
        self.assertEqual(self.console.status(), "stopping: 1 sessions, 1 in flight")


class Crowded(Console):
    """A console with many rows to tell, or none at all."""

    rows = 0

    def who(self) -> Iterator[Facts]:
        if not self.rows:
            raise Bug("who")
        return iter([{"name": f"n{number}"} for number in range(self.rows)])


class FakeUnixSockets(UnixSockets):
    """The sockets of one user, who may be gone.

    @ivar gone: true if the other ends read no more.
    """

    gone = False

    def peer_uid(self, transport: Any) -> int:
        return 1000

    def is_gone(self, transport: Any) -> bool:
        return self.gone


class ServerTests(SynchronousTestCase):
    """L{AdminFactory}, from a connection on."""

    def setUp(self) -> None:
        self.house = House()
        factory: Any = SimpleNamespace(connections=0)
        self.outcome = Outcome()
        self.console = Crowded(
            *(self.house.broker, self.house.mailbox, factory),
            phase=lambda: "ready",
            reload=lambda: self.outcome,
        )
        self.sockets = FakeUnixSockets(self.house.clock)
        self.factory = AdminFactory(self.console, self.house.clock, self.sockets)
        self.factory.doStart()

    def connect(self) -> tuple[Any, StringTransport]:
        connection: Any = self.factory.buildProtocol(None)
        transport = StringTransport()
        connection.makeConnection(transport)
        return connection, transport

    def ask(self, request: str) -> tuple[Any, StringTransport]:
        connection, transport = self.connect()
        connection.dataReceived(f"{request}\n".encode())
        return connection, transport

    def rows(self, transport: StringTransport) -> list[Any]:
        return [json.loads(line) for line in transport.value().splitlines()]

    def test_asked_wrongly(self) -> None:
        """An impossible request is refused in one sentence."""
        for request, why in ASKED_WRONGLY:
            _, transport = self.ask(request)
            self.assertEqual(self.rows(transport), [{"ok": False, "error": why}], request)
            self.assertTrue(transport.disconnecting)

    def test_too_long(self) -> None:
        """A request that does not end is refused when it is too long."""
        connection, transport = self.connect()
        connection.dataReceived(b"x" * 300)
        self.assertIn("too-long", self.rows(transport)[0]["error"])
        self.assertTrue(transport.disconnecting)

    def test_logged(self) -> None:
        """Each action is a line in the log, with the user who asked, and what came of it."""
        self.house.comes("bob")
        with Logged() as logged:
            for request in ("stats", "kick bob", "kick bob", "kick \x1b"):
                self.ask(request)
        self.assertEqual(
            [text for text in logged.texts if text.startswith("uid")],
            [
                "uid 1000 asked for stats: done",
                "uid 1000 asked for kick bob: done",
                "uid 1000 asked for kick bob: bob is not here",
                "uid 1000 asked for something: the request cannot be read: bad-line control"
                " characters",
            ],
        )

    def test_one_request(self) -> None:
        """A second request on the same connection is not looked at."""
        connection, transport = self.ask("stats\nkick bob")
        connection.dataReceived(b"stats\n")
        self.assertEqual(len(self.rows(transport)), 2)

    def _has_mail(self, name: str, lines: int) -> None:
        self.house.comes(name).loses_connection()
        alice = self.house.comes("alice")
        for _ in range(lines):
            alice.says(f"{name}: hi")
        alice.loses_connection()

    def test_mailboxes(self) -> None:
        """The largest mailboxes are told of, with what is in them; the empty ones are not."""
        for name, lines in (("few", 1), ("none", 0), ("many", 3), ("some", 2)):
            self._has_mail(name, lines)
        _, transport = self.ask("mailboxes 2")
        self.house.turn()
        self.assertEqual(
            self.rows(transport),
            [
                {"name": "many", "kept": 3, "bytes": 3 * 79, "tags": 0},
                {"name": "some", "kept": 2, "bytes": 2 * 79, "tags": 0},
                {"ok": True},
            ],
        )

    def test_mailboxes_of_many(self) -> None:
        """However many names there are, others have their turn between looks at some of them."""
        for number in range(12_000):
            self.house.mailbox.introduce(f"n{number}")
        self._has_mail("last", 1)
        _, transport = self.ask("mailboxes 1")
        seen = self.house.each_turn(lambda: bool(transport.value()))
        self.assertEqual(seen.index(True), 3)
        self.assertEqual(self.rows(transport)[0]["name"], "last")

    def test_purge(self) -> None:
        """A purge throws away what is kept for a name, and the log has how much, and for whom."""
        self._has_mail("bob", 2)
        with Logged() as logged:
            _, transport = self.ask("purge bob")
        self.assertIn("uid 1000 asked for purge bob: 2 lines are thrown away", logged.texts)
        self.assertEqual(self.rows(transport), [{"purged": 2, "bytes": 2 * 79}, {"ok": True}])
        self.assertEqual(self.house.mailbox.count("bob"), 0)

    def test_purge_of_a_session(self) -> None:
        """A purge ends a session first; what its client has not got is thrown away as well."""
        alice, bob = self.house.comes("alice"), self.house.comes("bob", blocked=True)
        alice.says("bob: 1")
        self.house.turn()
        _, transport = self.ask("purge bob")
        self.assertEqual(self.rows(transport), [])
        bob.link.unblock()
        self.house.turn()
        bob.loses_connection()
        self.house.clock.advance(1)
        self.assertIn("! kicked", bob.link.lines())
        self.assertEqual(self.rows(transport)[-1], {"ok": True})
        again = self.house.comes("bob")
        self.house.turn()
        self.assertEqual(again.link.messages(), [])
        balance = self.house.broker.balance()
        self.assertEqual((balance.missing, balance.delivered + balance.expired), (0, 1))

    def test_purge_in_vain(self) -> None:
        """Nothing is thrown away from a name that comes again whenever it is kicked."""
        self._has_mail("bob", 2)
        self.house.broker.set_duplicate(Duplicate.TAKEOVER)
        bob = self.house.comes("bob")
        _, transport = self.ask("purge bob")
        for _ in range(45):
            bob.loses_connection()
            bob = self.house.comes("bob")
            self.house.clock.advance(0.5)
        why = "nothing is thrown away, as bob comes again and again, or stays"
        self.assertEqual(self.rows(transport), [{"ok": False, "error": why}])

    def test_purge_that_is_not_written(self) -> None:
        """If the file cannot be written that is told, as a crash would bring the mail back."""
        self._has_mail("bob", 2)
        self.patch(self.house.mailbox, "commit", lambda: succeed(False))
        _, transport = self.ask("purge bob")
        why = "the file cannot be written just now, and still has it; that is tried again"
        self.assertEqual(self.rows(transport)[-1], {"ok": False, "error": why})

    def test_reload(self) -> None:
        """A reload is answered by the changes, and by when they take effect."""
        self.outcome = Outcome(
            taken=[Change("keep", "30d", "2d"), Change("auth", HIDDEN, HIDDEN)],
            waiting=[Change("plain", "false", "true")],
        )
        _, transport = self.ask("reload")
        self.assertEqual(
            self.rows(transport),
            [
                {"option": "keep", "old": "30d", "new": "2d", "when": "now"},
                {"option": "auth", "old": "hidden", "new": "hidden", "when": "now"},
                {"option": "plain", "old": "false", "new": "true", "when": "next start"},
                {"ok": True},
            ],
        )

    def test_reload_in_vain(self) -> None:
        """A reload that is not done is answered by the reason."""
        self.outcome = Outcome(error="not reloaded, all is as it was: no")
        _, transport = self.ask("reload")
        why = "not reloaded, all is as it was: no"
        self.assertEqual(self.rows(transport), [{"ok": False, "error": why}])

    def test_drain(self) -> None:
        """A drain tells how many are still here, and is done when all have left."""
        alice, bob = self.house.comes("alice"), self.house.comes("bob")
        with Logged() as logged:
            _, transport = self.ask("drain 10")
            alice.loses_connection()
            self.house.clock.advance(1)
            self.house.clock.advance(1)
            self.assertFalse(transport.disconnecting)
            bob.loses_connection()
            self.house.clock.advance(1)
        self.assertEqual(self.rows(transport), [{"sessions": 2}, {"sessions": 1}, {"ok": True}])
        self.assertEqual(
            [text for text in logged.texts if text.startswith("uid")],
            [
                "uid 1000 asked for drain 10: nobody new is let in",
                "uid 1000 asked for drain 10: done",
            ],
        )

    def test_drain_in_vain(self) -> None:
        """A drain ends at its deadline, and says how many are left; the doors stay shut."""
        self.house.comes("alice")
        _, transport = self.ask("drain 0.7s")
        self.house.clock.pump([0.5, 0.1])
        self.assertFalse(transport.disconnecting)
        self.house.clock.advance(0.1)
        self.assertEqual(
            self.rows(transport)[-1]["error"],
            "not all have left, still here: 1; nobody new is let in",
        )
        self.assertTrue(self.house.broker.draining)
        self.ask("drain off")
        self.assertFalse(self.house.broker.draining)

    def test_called_off(self) -> None:
        """A drain that somebody else calls off does not say that nobody is let in."""
        self.house.comes("alice")
        _, transport = self.ask("drain 10")
        self.ask("drain off")
        self.house.clock.advance(1)
        self.assertEqual(
            self.rows(transport)[-1],
            {"ok": False, "error": "called off: everybody is let in again"},
        )

    def test_half_closed(self) -> None:
        """A visitor that only half-closes gets its answer; one that has asked nothing is let go."""
        self.console.rows = 250
        connection, transport = self.ask("who")
        self.assertTrue(IHalfCloseableProtocol.providedBy(connection))
        connection.readConnectionLost()
        self.house.turn()
        self.assertEqual(self.rows(transport)[-1], {"ok": True})
        connection, transport = self.connect()
        connection.readConnectionLost()
        self.assertTrue(transport.disconnecting)
        self.sockets.gone = True
        connection, transport = self.ask("who")
        connection.readConnectionLost()
        self.assertTrue(transport.disconnected)

    def test_more_than_a_request(self) -> None:
        """Input after a request is not kept."""
        self.house.comes("alice")
        connection, _ = self.ask("drain 10")
        connection.dataReceived(b"x" * 1000)
        self.assertEqual(connection._buffer, b"")  # noqa: SLF001  # which is Twisted's

    def test_operator_leaves(self) -> None:
        """A visitor that asks for a drain and leaves, leaves nothing behind but the shut doors."""
        self.house.comes("alice")
        before = self.house.clock.getDelayedCalls()
        connection, _ = self.ask("drain 10")
        connection.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.house.clock.getDelayedCalls(), before)
        self.assertTrue(self.house.broker.draining)

    def test_stop(self) -> None:
        """When the server stops, requests under way are broken off with a word."""
        self.house.comes("alice")
        _, transport = self.ask("drain 10")
        self.factory.doStop()
        self.assertEqual(self.rows(transport)[-1], {"ok": False, "error": "broken off"})

    def test_silent(self) -> None:
        """A visitor that asks nothing is let go."""
        _, transport = self.connect()
        self.house.clock.advance(TIMEOUT - 1)
        self.assertFalse(transport.disconnecting)
        self.house.clock.advance(1)
        self.assertTrue(transport.disconnecting)

    def test_long_answer(self) -> None:
        """While a long answer is told others have their turn, and it waits for a slow reader."""
        self.console.rows = 250
        connection, transport = self.ask("who")
        self.assertEqual(len(self.rows(transport)), 100)
        connection.pauseProducing()
        self.house.turn()
        self.assertEqual(len(self.rows(transport)), 101)
        connection.resumeProducing()
        self.house.turn()
        self.assertEqual(len(self.rows(transport)), 251)

    def test_unread(self) -> None:
        """A visitor that does not read its answer is let go."""
        self.console.rows = 250
        connection, transport = self.ask("who")
        connection.pauseProducing()
        self.house.clock.advance(TIMEOUT)
        self.assertTrue(transport.disconnecting)

    def test_bug(self) -> None:
        """Our own fault is a traceback in the log, and a sentence for the operator."""
        _, transport = self.ask("who")
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
        self.assertIn("its log says how", self.rows(transport)[0]["error"])

    def test_all_actions(self) -> None:
        """The table has an action for each of an operator's commands."""
        self.assertEqual(sorted(ACTIONS), sorted(admin.commands))
