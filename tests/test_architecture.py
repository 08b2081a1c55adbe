"""The house itself: the reactor, and contracts. Its floors are in C{pyproject.toml}."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import achat_twisted
from achat_twisted import wire
from achat_twisted.broker.broker import Broker
from achat_twisted.broker.interfaces import (
    IBroker,
    IOwner,
    IPresence,
    IServed,
    ISession,
    ISource,
    ITurns,
)
from achat_twisted.broker.presence import Presence
from achat_twisted.broker.shares import Shares
from achat_twisted.broker.turns import Turns
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.net.interfaces import ILink
from achat_twisted.net.link import Link
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from achat_twisted.server.interfaces import INotifier, ISignals
from achat_twisted.server.signals import ProcessSignals
from achat_twisted.server.systemd import NoNotifier, SystemdNotifier
from achat_twisted.tools.interfaces import IMeter, IWorker
from achat_twisted.tools.meter import NO_METER, Meter
from achat_twisted.tools.threads import ThreadWorker
from tests.disk import Desk, FakeWorker
from tests.fakes import CountingMailbox, FakeLink, FakeSource, NoSignals, SlowMailbox
from tests.house import House

PACKAGE = Path(achat_twisted.__file__).parent


class ReactorTests(SynchronousTestCase):
    """The reactor is handed down, like any other collaborator."""

    def test_only_the_tap_takes_the_reactor(self) -> None:
        """No room imports the global reactor but the tap, and that only as a default."""
        for path in PACKAGE.rglob("*.py"):
            tree = ast.parse(path.read_text())
            top = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
            anywhere = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
            for nodes, allowed in ((top, set()), (anywhere, {"tap.py"})):
                takes = any(
                    node.module == "twisted.internet"
                    and any(alias.name == "reactor" for alias in node.names)
                    for node in nodes
                )
                self.assertTrue(not takes or path.name in allowed, path)


class ContractTests(SynchronousTestCase):
    """Every implementation keeps the contract that it claims."""

    def test_broker_and_session(self) -> None:
        """The broker and its sessions, and what a session sees of the others and of the turns."""
        house = House()
        verifyObject(IBroker, house.broker)
        session = house.comes("alice").session
        for contract in (ISession, IOwner, IServed):
            verifyObject(contract, session)
        presence = Presence(wire.render_notice)
        verifyObject(IPresence, presence)
        shares = Shares(house.clock, Limits(), 1000, presence.sessions)
        turns = Turns(house.clock, lambda _end: None, house.mailbox, shares, is_durable=False)
        verifyObject(ITurns, turns)

    def test_mailboxes(self) -> None:
        """Every mailbox."""
        for mailbox in (
            MemoryMailbox(Clock()),
            SlowMailbox(Clock()),
            CountingMailbox(Clock()),
            Desk.of(self, Clock()).mailbox(),
        ):
            verifyObject(IMailbox, mailbox)

    def test_workers(self) -> None:
        """Everything that works for a mailbox."""
        for worker in (FakeWorker(), ThreadWorker(cast(Any, Clock()))):
            verifyObject(IWorker, worker)

    def test_links(self) -> None:
        """Every link."""
        socket: Any = StringTransport()
        socket.owner, socket.has_input = "", False
        for link in (FakeLink(), Link(socket, socket, Clock())):
            verifyObject(ILink, link)

    def test_readers(self) -> None:
        """Everything that the broker takes for a source of lines."""
        broker = Broker(Clock(), MemoryMailbox(Clock()))
        admission = Admission(Clock(), Limits())
        factory = ChatFactory(broker, Clock(), Terms(), admission, make_link=lambda *_: FakeLink())
        reader = factory.buildProtocol(None)
        assert reader is not None
        reader.makeConnection(StringTransport())
        for source in (reader, FakeSource()):
            verifyObject(ISource, source)

    def test_meters(self) -> None:
        """A meter, and none."""
        for meter in (Meter(lambda: 0.0), NO_METER):
            verifyObject(IMeter, meter)

    def test_notifiers(self) -> None:
        """Every notifier."""
        for notifier in (
            NoNotifier(),
            SystemdNotifier(lambda _message: None, lambda: "ready", Clock()),
        ):
            verifyObject(INotifier, notifier)

    def test_signals(self) -> None:
        """The process's signals, and none."""
        for signals in (NoSignals(), ProcessSignals(Clock())):  # type: ignore[arg-type]
            verifyObject(ISignals, signals)
