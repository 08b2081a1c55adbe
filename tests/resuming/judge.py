"""The judge: compares what was promised with what the clients know when all is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tests.resuming.client import Client

if TYPE_CHECKING:
    from tests.resuming.world import World


def judge(world: World) -> list[str]:
    """@return: what is wrong, in words; nothing, if all is right."""
    return [*_faults(world.clients), *_fates(world), *_orders(world)]


def _faults(clients: Iterable[Client]) -> Iterator[str]:
    for client in clients:
        for fault in sorted(client.faults):
            yield f"{client.ident} was {fault}"
        if not client.is_settled and client.posts:
            yield f"{client.ident} does not know the fate of its lines"


def _fates(world: World) -> Iterator[str]:
    """Each line comes, or is refused and its client told; not both, and once where that holds."""
    came = {
        name: Counter(ident for each in clients for ident in each.worked_off)
        for name, clients in _by_name(world.clients).items()
    }
    of_devices = Counter(
        (each.name, ident) for each in world.clients if each.is_device for ident in each.worked_off
    )
    for line in world.judged():
        for name in line.recipients or ("",):
            copies = came.get(name, Counter())[line.ident]
            refused = name in line.refused
            is_elsewhere = of_devices[name, line.ident] or world.is_shared(line, name)
            if not (copies or refused or is_elsewhere):
                yield f"{line.ident} for {name or 'nobody'} is lost"
            elif copies and refused:
                yield f"{line.ident} for {name} was refused, and came"
            if copies > 1 and _comes_once(world, name):
                yield f"{line.ident} for {name} came {copies} times"


def _orders(world: World) -> Iterator[str]:
    """Lines come in order, for each life of their client."""
    judged = {line.ident: line for line in world.judged()}
    for client in world.clients:
        if not (_comes_once(world, client.name) and client.is_orderly):
            continue
        last: dict[tuple[Client, int], int] = {}
        for line in filter(None, map(judged.get, client.worked_off)):
            number = int(line.ident.split("-")[1])
            sender = line.source, line.life
            if number < last.get(sender, 0):
                yield f"{line.ident} came to {client.ident} behind {last[sender]}"
            last[sender] = max(number, last.get(sender, 0))


def _comes_once(world: World, name: str) -> bool:
    """True if one client alone fetches that name's mail, and has never forgotten what it got."""
    there = _by_name(world.clients)[name]
    return len(there) == 1 and (there[0].has_file or not there[0].kills)


def _by_name(clients: Iterable[Client]) -> dict[str, list[Client]]:
    there: dict[str, list[Client]] = {"nobody": [], "": []}
    for client in clients:
        named = there.setdefault(client.name, [])
        if not (client.only_sends or client.is_device):
            named.append(client)
    return there
