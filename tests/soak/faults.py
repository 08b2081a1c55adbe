"""The faults that befall the server while it is soaked.

L{FAULTS} is a plain list, and a fault a function; new ones are added there.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.attacks.ordeal import Run
from tests.functional.processes import Process
from tests.proof.peers import Peer
from tests.scratch import TREE

LONGEST = 2.0
"""Seconds that a fault takes at most."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The scene of the faults.

    @ivar peers: those whose lines are counted; nothing that a fault does to them loses one.
    """

    reactor: Any
    run: Run
    random: Random
    server: Process
    peers: list[Peer]


Fault = Callable[[Scene], Coroutine[Deferred[Any], Any, None]]
"""Returns when it is over."""


def _crowd(scene: Scene, word: str, size: int, seconds: float) -> Process:
    return scene.run(
        *(sys.executable, "-m", "tests.attacks.crowd", word, str(scene.server.port())),
        *("--size", str(size), "--seconds", str(seconds)),
        folder=TREE,
    )


def by_crowd(word: str, size: int) -> Fault:
    """A crowd of L{tests.attacks.crowd} comes, and goes again."""

    async def fault(scene: Scene) -> None:
        await _crowd(scene, word, size, LONGEST / 2).ended

    return fault


def by_stopped_crowd(word: str, size: int) -> Fault:
    """A crowd comes, stands still as if its machine had stopped, and is killed."""

    async def fault(scene: Scene) -> None:
        crowd = _crowd(scene, word, size, LONGEST)
        await deferLater(scene.reactor, LONGEST / 4)
        if not crowd.ended.called:
            crowd.send(signal.SIGSTOP)
            await deferLater(scene.reactor, LONGEST / 2)
            crowd.send(signal.SIGKILL)
        await crowd.ended

    return fault


async def dozing(scene: Scene) -> None:
    """Some peers read nothing for a while."""
    for peer in scene.random.sample(scene.peers, 2):
        peer.doze(scene.random.uniform(0, LONGEST))


async def leaving(scene: Scene) -> None:
    """Some peers leave, stay away, and return."""
    left = scene.random.sample(scene.peers, 2)
    for peer in left:
        peer.leave()
    await deferLater(scene.reactor, scene.random.uniform(0, LONGEST))
    for peer in left:
        peer.away = False


async def half_closing(scene: Scene) -> None:
    """A peer has nothing more to say, hears all that is for it, and comes anew."""
    scene.random.choice(scene.peers).half_close()


FAULTS: list[Fault] = [
    dozing,
    leaving,
    half_closing,
    by_crowd("garbage", 1),
    by_crowd("connections", 1),
    by_crowd("logins", 1),
    by_crowd("slow-logins", 50),
    by_crowd("deaf", 5),
    by_crowd("deaf-and-curious", 5),
    by_stopped_crowd("deaf", 5),
    by_stopped_crowd("garbage", 1),
    by_stopped_crowd("slow-logins", 20),
]
"""All faults."""
