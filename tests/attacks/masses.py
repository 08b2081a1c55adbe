"""Crowds that are large: each of many thousands takes what the limits allow."""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast

from tests.attacks.place import Place, hear, say_slowly

_SHOUTING = 4
"""The number of lines that each client that never reads sends to all of them."""

_AT_ONCE = 1000
"""The recipients of each of these lines: as many as a line may have."""

_QUESTIONS = 2000
"""The number of times that a client asks without reading the answers."""

_LONG = 8000
"""Bytes of a line that is nearly too long."""


def silent(place: Place) -> str:
    """Connections that say nothing."""
    return say_slowly(place, place.connect_all(), b"")


def endless_logins(place: Place) -> str:
    """Names as long as a line may be, and then a byte a second."""
    clients = place.connect_all()
    for client in clients:
        client.sendall(b"x" * _LONG)
    return say_slowly(place, clients, b"x")


def idle(place: Place) -> str:
    """Names that log in, and do nothing."""
    clients = place.log_in_all()
    place.stay()
    return f"{len(clients)} logged in"


def tagged(place: Place) -> str:
    """Names that log in with a tag, and do nothing."""
    clients = place.log_in_all(opening=b"/resume t\n")
    place.stay()
    return f"{len(clients)} logged in with a tag"


def unconfirming(place: Place) -> str:
    """Names with a tag that confirm nothing: no message, no refusal; each comes again under another
    tag, whenever its session is ended.
    """
    said, tags = _take_all_and_confirm_nothing(place, b"/resume %d\n")
    return f"{said // 2**20} MiB were taken, under {tags} tags"


def ungrateful(place: Place) -> str:
    """The same without tags, for comparison."""
    said, _ = _take_all_and_confirm_nothing(place, b"")
    return f"{said // 2**20} MiB were taken"


def _take_all_and_confirm_nothing(place: Place, opening: bytes) -> tuple[int, int]:
    """@param opening: the line before a login, with the place of a number in it, if there is one.
    @return: the bytes that were taken, and the number of logins.
    """

    def says(number: int) -> bytes:
        return opening % number if opening else b""

    clients = dict(enumerate(place.log_in_all(opening=says(0))))
    logins: Counter[int] = Counter()
    said = 0
    everybody = b",".join(b"c%d" % number for number in range(min(place.size, _AT_ONCE)))
    line = everybody + b":" + b"x" * (_LONG - len(everybody)) + b"\n"
    while place.is_time:
        for number, client in clients.items():
            try:
                if not client.recv(65536):
                    raise ConnectionResetError
                said += client.send(line if number < _SHOUTING else b"a\n" * 1000)
            except BlockingIOError:
                continue
            except OSError:
                logins[number] += 1
                client.close()
                client = clients[number] = place.connect(number)
                client.sendall(says(logins[number]) + b"c%d\n" % number)
                client.setblocking(False)
        time.sleep(0.05)
    return said, logins.total() + place.size


def confirming_each(place: Place) -> str:
    """Names with a tag that send to themselves all they may, and confirm each message by itself."""
    clients = place.log_in_all(opening=b"/resume t\n")
    got = [0] * place.size
    while place.is_time:
        for number, client in enumerate(clients):
            with suppress(BlockingIOError, ConnectionError):
                heard = got[number] + client.recv(65536).count(b": x\n")
                words = [b"/got %d\n" % message for message in range(got[number] + 1, heard + 1)]
                got[number] = heard
                client.send(b"".join(words))
            with suppress(BlockingIOError, ConnectionError):
                client.send(b"c%d: x\n" % number * 100)
        time.sleep(0.05)
    return f"{sum(got):,} messages were confirmed one by one"


def confirming_nothing(place: Place) -> str:
    """Names with a tag that say C{/got} without end: of what there is not, and of nothing new."""
    words = b"/got 9\n/got\n/got 0\n/got 0 1\n/got 0 0\n" * 400
    said = _say(place, [(client, words) for client in place.log_in_all(opening=b"/resume t\n")])
    return f"{said // 8:,} times /got was taken"


def half_open(place: Place) -> str:
    """Names with a tag that never read, and so never confirm, some of which send all they may to
    all of them.
    """
    return _shout(place, b"/resume t\n")


def many_tags(place: Place) -> str:
    """Tags of one name, each of which has a connection that stays; then all leave together."""
    clients = []
    for number in range(place.size):
        client = place.connect(number)
        client.sendall(b"/send %d\nmany\n" % number)
        clients.append(client)
    came = sum(b"! resumed" in hear(client, b"! resumed") for client in clients)
    place.stay()
    return f"{came} tags of one name were here"


def made_up_tags(place: Place) -> str:
    """A thousand names that come under a tag that is new each time, and are gone."""
    number = 0
    while place.is_time:
        with suppress(OSError):
            client = place.connect(number)
            client.sendall(b"/resume %d\nguest %d\n" % (number, number % 1000))
            number += b"! resumed" in hear(client, b"! resumed")
            client.close()
    return f"{number} tags were made up"


def curious_and_gone(place: Place) -> str:
    """Long names that ask for all names without end, read nothing, and leave together."""
    clients = [place.log_in(f"{number:064}") for number in range(place.size)]
    for client in clients:
        client.sendall(b"/who\n" * _QUESTIONS)
    time.sleep(max(0.0, place.until - time.monotonic()) / 2)
    for client in clients:
        client.close()
    place.stay()
    return f"{len(clients)} asked {_QUESTIONS} times each, and left together"


def shouting_deaf(place: Place) -> str:
    """Names that never read, some of which send all they may to all of them."""
    return _shout(place)


def _shout(place: Place, opening: bytes = b"") -> str:
    clients = place.log_in_all(receive_buffer=4096, opening=opening)
    heads = [
        b",".join(b"c%d" % n for n in range(at, min(at + _AT_ONCE, place.size)))
        for at in range(0, place.size, _AT_ONCE)
    ]
    lines = [head + b":" + b"x" * (_LONG - len(head)) + b"\n" for head in heads]
    said = _say(place, [*zip(clients[:_SHOUTING], [b"".join(lines)] * _SHOUTING, strict=False)])
    return f"{said / len(lines[0]):.0f} lines for {_AT_ONCE} each were taken"


def rude(place: Place) -> str:
    """Names that send bad lines, two KiB at a time, as fast as they are taken, and read."""
    said = _say(place, [(client, b"a\n" * 1024) for client in place.log_in_all()])
    return f"{said // 2:,} bad lines were taken"


def rude_and_greedy(place: Place) -> str:
    """Names that send bad lines, as many as the kernel takes, and read."""
    said = _say(place, [(client, b"a\n" * 2**17) for client in place.log_in_all()])
    return f"{said // 2:,} bad lines were taken"


def _say(place: Place, speakers: Sequence[tuple[socket.socket, bytes]]) -> int:
    """Says the same over and over, and returns the number of bytes taken."""
    said = 0
    at = dict.fromkeys((client for client, _ in speakers), 0)
    while place.is_time:
        for client, words in speakers:
            with suppress(BlockingIOError, ConnectionError):
                taken = client.send(words[at[client] :])
                at[client] = (at[client] + taken) % len(words)
                said += taken
            with suppress(BlockingIOError, ConnectionError):
                client.recv(65536)
        time.sleep(0.05)
    return said


def guesses(place: Place) -> str:
    """Secrets that are wrong, all at once, for a name that there is and one that nobody has."""
    answers: Counter[str] = Counter()
    with selectors.DefaultSelector() as selector:
        for number in range(place.size):
            client = place.connect(number)
            with suppress(ConnectionError):
                client.sendall(b"alice:wrong\n" if number % 2 else b"nobody:wrong\n")
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map() and place.is_time:
            for key, _ in selector.select(0.1):
                client = cast(socket.socket, key.fileobj)
                answers[_last_word(client)] += 1
                selector.unregister(client)
                client.close()
        waiting = len(selector.get_map())
    told = ", ".join(f"{count} times {said}" for said, count in answers.most_common())
    return f"{told}; {waiting} still wait"


def _last_word(client: socket.socket) -> str:
    try:
        words = hear(client, b"\n").decode().split()
    except OSError:
        words = []
    return " ".join(words[:2]) or "a reset"


MASSES: tuple[Callable[[Place], str], ...] = (
    silent,
    endless_logins,
    idle,
    tagged,
    unconfirming,
    ungrateful,
    confirming_each,
    confirming_nothing,
    half_open,
    many_tags,
    made_up_tags,
    curious_and_gone,
    shouting_deaf,
    rude,
    rude_and_greedy,
    guesses,
)
"""All crowds of this kind."""
