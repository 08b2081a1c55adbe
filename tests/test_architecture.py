"""The house itself: floors and contracts."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import achat_twisted
from achat_twisted import interfaces, wire
from achat_twisted.admin.housekeeper import Housekeeper
from achat_twisted.broker import Broker
from achat_twisted.deadlines import Deadlines
from achat_twisted.limits import Limits
from achat_twisted.limits.admission import Admission
from achat_twisted.link import Link
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.worker import ThreadWorker
from achat_twisted.monitoring.meter import NO_METER, Meter
from achat_twisted.reader import ChatReader, Manners
from achat_twisted.signals import NoSignals, ProcessSignals
from achat_twisted.systemd import NoNotifier, SystemdNotifier
from tests.disk import Desk, FakeWorker
from tests.fakes import CountingMailbox, FakeLink, FakeSource, SlowMailbox
from tests.house import House

FLOORS = [
    {
        *(
            "wire",
            "foreign",
            "invisible",
            "framing",
            "ledger",
            "addresses",
            "proxy_header",
            "interfaces",
        ),
        *("clock", "log_queue"),
        *("limits", "limits.descriptors", "config", "rights"),
        *("monitoring", "monitoring.process", "admin", "admin.protocol", "auth", "auth.entries"),
    },
    {
        *("outbox", "writer", "pace", "linger", "truce", "reunion", "deadlines"),
        *("limits.pool", "limits.allowance", "limits.admission"),
        *("monitoring.meter", "monitoring.arrears"),
        *("mailbox", "mailbox.accounts", "mailbox.memory", "mailbox.worker"),
        *("mailbox.sqlite", "mailbox.committer", "mailbox.batch", "mailbox.database"),
        "mailbox.mail_clock",
        *("mailbox.ending", "mailbox.checkup", "mailbox.files"),
        *("auth.credentials", "auth.watched", "auth.passwords", "auth.certificates"),
        *("auth.delays", "auth.gate", "auth.factories", "auth.doorkeeper"),
    },
    {"session", "turns", "feeder", "broker", "commands", "monitoring.load", "admin.actions"},
    {
        *("reader", "factory", "transport", "poller", "link", "listener", "signals", "systemd"),
        *("proxy", "selftest"),
        *("admin.housekeeper", "admin.server", "pem", "tls", "logbook", "config.reloader"),
        *("unix_sockets", "logfile"),
    },
    {
        *("service", "options", "tap", "config.command"),
        *("monitoring.metrics", "monitoring.monitor"),
    },
]
"""The rooms, lowest floor first."""

BESIDE = {
    *("cli", "admin.command", "__main__", "passwd", "prompt"),
    *("client", "client.conversation", "client.session", "client.outgoing"),
    *("client.terminal", "client.files", "client.transport"),
    *(
        "bench",
        "bench.chart",
        "bench.command",
        "bench.crowd",
        "bench.crowds",
        "bench.dialects",
        "bench.failure",
    ),
    *("bench.floods", "bench.loop", "bench.meter", "bench.peers", "bench.report", "bench.rounds"),
    *(
        "bench.servers",
        "bench.stop",
        "bench.summary",
        "bench.talk",
        "bench.workload",
        "bench.workloads",
    ),
}
"""The rooms of the C{achat} command: of the others they may use floor 0 alone."""

DOORS = {"cli": {"config.command"}}
"""Where the C{achat} command looks into the server, for what it tells of it."""

PACKAGE = Path(achat_twisted.__file__).parent


def _imports(path: Path) -> set[str]:
    """The rooms that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "achat_twisted":
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("achat_twisted."):
            found.add(str(node.module).removeprefix("achat_twisted."))
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("achat_twisted") for alias in node.names), path
    return found


def _rooms() -> dict[str, set[str]]:
    """Each room, and what it imports."""
    rooms = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        name = name.removesuffix("__init__").removesuffix(".")
        if name:
            rooms[name] = _imports(path) - {"__version__"}
    return rooms


class FloorTests(SynchronousTestCase):
    """Imports go down the floors only."""

    def test_every_room_has_a_floor(self) -> None:
        """The plan of the floors names the rooms that exist, each once."""
        planned = [room for floor in [*FLOORS, BESIDE] for room in floor]
        self.assertEqual(sorted(planned), sorted(_rooms()))

    def test_no_import_climbs(self) -> None:
        """A room imports only rooms of its own floor or lower ones, and no two each other."""
        rooms = _rooms()
        for number, floor in enumerate(FLOORS):
            below: set[str] = set().union(*FLOORS[: number + 1])
            for room in floor:
                self.assertLessEqual(rooms[room], below, room)
                for other in rooms[room]:
                    self.assertNotIn(room, rooms[other], f"{room} and {other}")

    def test_client_is_beside(self) -> None:
        """The client knows the wire, and nothing of the server."""
        rooms = _rooms()
        for room in BESIDE:
            self.assertLessEqual(rooms[room], FLOORS[0] | BESIDE | DOORS.get(room, set()), room)

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
        """The broker and its sessions."""
        house = House()
        verifyObject(interfaces.IBroker, house.broker)
        verifyObject(interfaces.ISession, house.comes("alice").session)

    def test_housekeeper(self) -> None:
        """What an operator asks."""
        house = House()
        housekeeper = Housekeeper(house.broker, house.mailbox, lambda: 0, lambda: "ready")
        verifyObject(interfaces.IHousekeeper, housekeeper)

    def test_mailboxes(self) -> None:
        """Every mailbox."""
        for mailbox in (
            MemoryMailbox(Clock()),
            SlowMailbox(Clock()),
            CountingMailbox(Clock()),
            Desk.of(self, Clock()).mailbox(),
        ):
            verifyObject(interfaces.IMailbox, mailbox)

    def test_workers(self) -> None:
        """Everything that works for a mailbox."""
        for worker in (FakeWorker(), ThreadWorker(Clock())):
            verifyObject(interfaces.IWorker, worker)

    def test_links(self) -> None:
        """Every link."""
        socket: Any = StringTransport()
        socket.owner = ""
        for link in (FakeLink(), Link(socket, socket, Clock())):
            verifyObject(interfaces.ILink, link)

    def test_readers(self) -> None:
        """Everything that the broker takes for a source of lines."""
        reader = ChatReader(
            Broker(Clock(), MemoryMailbox(Clock())),
            Admission(Clock(), Limits()),
            Deadlines(Clock(), 30.0, ChatReader.login_late),
            Manners(render=wire.render_notice),
            lambda _transport: FakeLink(),
            lambda _reader: None,
            lambda _reader: None,
        )
        for source in (reader, FakeSource()):
            verifyObject(IPushProducer, source)

    def test_meters(self) -> None:
        """A meter, and none."""
        for meter in (Meter(lambda: 0.0), NO_METER):
            verifyObject(interfaces.IMeter, meter)

    def test_notifiers(self) -> None:
        """Whoever is told how the process is, and nobody."""
        for notifier in (
            NoNotifier(),
            SystemdNotifier(lambda _message: None, lambda: "ready", Clock()),
        ):
            verifyObject(interfaces.INotifier, notifier)

    def test_signals(self) -> None:
        """The process's signals, and none."""
        for signals in (NoSignals(), ProcessSignals(Clock())):  # type: ignore[arg-type]
            verifyObject(interfaces.ISignals, signals)
