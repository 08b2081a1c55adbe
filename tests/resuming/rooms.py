"""Schedules with rooms and devices: those in a room, the devices of a name, and an operator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from achat_twisted.broker.broker import Broker
from achat_twisted.mailbox.interfaces import IMailbox
from tests.logged import Failures
from tests.resuming.client import Client, Line
from tests.resuming.follower import Follower
from tests.resuming.members import ROOM, Member, PlainMember
from tests.resuming.model import Mode, Model, Rules
from tests.resuming.register import Entry, Reader, RoomServer
from tests.resuming.world import Act, World

AnyMember = Member | PlainMember

_EXPECTED = re.compile(
    r"the mailbox cannot be written: |the mail of \w+ cannot be read: it did not"
)
"""The errors that schedules bring about: a full disk, and a thread that sleeps for too long."""


class Unfollowed(Follower):
    """The null object: the model knows of no rooms, so that nothing is compared with it."""

    def mailbox(self, mailbox: IMailbox) -> IMailbox:
        return mailbox

    def broker(self, *args: Any, **options: Any) -> Broker:
        return Broker(*args, **options)

    def seal(self) -> None:
        """Nothing to remember."""

    def begin_job(self) -> None:
        """Nothing to begin."""

    def crash(self, knows: Callable[[str], bool]) -> None:
        """Nothing to forget."""


class RoomWorld(World):
    """One schedule with a room, in which the names C{a} and C{b} are, and with devices of C{b}."""

    server: RoomServer

    def make_follower(self, mode: Mode, rules: Rules) -> Follower:
        return Unfollowed(Model(mode, rules))

    def make_server(self, mode: Mode, path: Path, rng: Random) -> RoomServer:
        return RoomServer(mode, path, rng, self.follower, power_fails=self.power_fails)

    def make_clients(self, rng: Random) -> list[Client]:
        rooms = rng.random() < 0.85
        member = partial(Member, register=self.server.register, rooms=rooms)
        clients: list[Client] = [
            member("A", "a", has_file=rng.random() < 0.6, posts=9),
            member("B", "b", has_file=rng.random() < 0.6, posts=5, peer="a"),
        ]
        if rng.random() < 0.6:
            clients += [
                member(
                    f"device{number}",
                    "b",
                    has_file=bool(number) or rng.random() < 0.8,
                    is_device=True,
                    posts=2,
                    peer="a",
                )
                for number in range(2)
            ]
        if rng.random() < 0.2:
            unaware = Member("other", "b", self.server.register, has_file=True, rooms=False)
            clients.append(unaware)
        if rng.random() < 0.3:
            clients.append(PlainMember("plain", "b"))
        if rng.random() < 0.35:
            clients += [
                member(f"send{number}", "a", has_file=not number, only_sends=True, posts=3)
                for number in range(2)
            ]
        return clients

    def acts_of(self, client: Client) -> list[tuple[str, Act]]:
        acts = super().acts_of(client)
        if not isinstance(client, Member):
            return acts
        who, rng, cable = client.ident, self.rng, client.cable
        may = self.calm or rng.random() < 0.5
        if client.can_confirm_in_room and may:
            acts.append((f"{who} confirms in {ROOM}", client.confirm_in_room))
        is_quiet = cable is not None and not cable.to_server
        if client.can_join and is_quiet and rng.random() < 0.3:
            acts.append((f"{who} joins", client.join))
        if client.can_part and not self.calm and client.name == "b" and rng.random() < 0.04:
            acts.append((f"{who} parts", client.part))
        return acts

    def recipients(self, client: Client) -> tuple[str, ...]:
        if isinstance(client, Member) and client.rooms:
            (recipients,) = self.rng.choices(
                [(ROOM,), (ROOM, client.peer), ("#none",), ()], [40, 10, 3, 47]
            )
            if recipients:
                return tuple(recipients)
        return super().recipients(client)

    def troubles(self, client: Client) -> list[tuple[str, Act]]:
        server = self.server
        return [
            *super().troubles(client),
            (f"{client.ident} is put out", partial(server.put_out, client.name)),
            (f"{client.ident} is let in", partial(server.let_in, client.name)),
            ("the room is removed", server.remove_rooms),
        ]

    def run(self) -> list[str]:
        with Failures() as logged:
            wrong = super().run()
        return [*wrong, *(text for text in logged.texts if not _EXPECTED.match(text))]

    def is_shared(self, line: Line, name: str) -> bool:
        return (line.ident, name) in self.server.register.entries

    def judge(self) -> list[str]:
        return [*super().judge(), *sorted(self.server.faults), *_judge(self)]


def _judge(world: RoomWorld) -> Iterator[str]:
    """The faults in the lines of shared rows, in words."""
    lines = {line.ident: line for line in world.judged()}
    there = [client for client in world.clients if isinstance(client, Member | PlainMember)]
    fallen: dict[tuple[AnyMember, str], int] = {}
    for entry in world.server.register.entries.values():
        line = lines.get(entry.ident)
        if line is None:
            continue
        for reader in sorted(entry.readers):
            clients = _clients(there, reader, entry.row)
            if not clients or not _hears(clients, reader, entry.row, line.source.name):
                continue
            came = sum(_came(client, entry) for client in clients)
            if not came and reader in entry.fallen and entry.row not in line.refused:
                fallen[clients[0], entry.row] = fallen.get((clients[0], entry.row), 0) + 1
            yield from _fate(entry, reader, clients, came, is_refused=entry.row in line.refused)
    for (client, row), count in fallen.items():
        if isinstance(client, Member) and client.has_file:
            told = client.heard.missed if row == ROOM else client.jumped
            if told < count:
                yield f"{client.ident} has missed {count} lines of {row}, and was told of {told}"
    yield from _orders(world, there)


def _clients(there: list[AnyMember], reader: Reader, row: str) -> list[AnyMember]:
    """The clients that share a cursor, and that ask for what it is on."""
    name, device = reader
    return [
        client
        for client in there
        if client.name == name
        and not client.only_sends
        and (client.is_device and client.file.tag == device if device else not client.is_device)
        and (row != ROOM or client.rooms)
    ]


def _hears(clients: list[AnyMember], reader: Reader, row: str, sender: str) -> bool:
    """True if one of the clients must hear a line; of its own name it may hear none."""
    return row != ROOM or sender != reader[0] or all(client.tagged for client in clients)


def _came(client: AnyMember, entry: Entry) -> int:
    heard = client.heard.idents if entry.row == ROOM else client.worked_off
    return heard.count(entry.ident)


def _fate(
    entry: Entry, reader: Reader, clients: list[AnyMember], came: int, *, is_refused: bool
) -> Iterator[str]:
    what = f"{entry.ident} in {entry.row} for {reader}"
    is_gone = reader in entry.fallen | entry.parted
    if came and is_refused:
        yield f"{what} was refused, and came"
    if not (came or is_refused or is_gone):
        yield f"{what} is lost"
    if came > 1 and len(clients) == 1 and (clients[0].has_file or not clients[0].kills):
        yield f"{what} came {came} times"


def _orders(world: RoomWorld, there: list[AnyMember]) -> Iterator[str]:
    """All hear the lines of a room in its one order."""
    entries = world.server.register.entries
    judged = {line.ident for line in world.judged()}
    for client in there:
        heard = [ident for ident in dict.fromkeys(client.heard.idents) if ident in judged]
        at = [(entries[ident, ROOM].era, entries[ident, ROOM].position) for ident in heard]
        for era in {era for era, _ in at}:
            positions = [position for each, position in at if each == era]
            if positions != sorted(positions):
                yield f"{client.ident} has heard {ROOM} out of order"
