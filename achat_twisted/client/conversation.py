"""The conversation: bytes in, events and bytes out, over any number of connections.

It has no socket, no clock and no thread. A driver tells it when a connection is made, what has come
and when it is lost, each time with the time, in seconds on a clock that only goes forward; and
writes what L{Conversation.data_to_send} returns. What it must not forget is in its L{State}, which
is saved before those bytes are handed over: so nothing is said that a crash could take back.

The rules are those of C{docs/lossless.md}; C{_HEARS} is the table of what is heard when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import ClassVar

from achat_twisted import wire
from achat_twisted.client import reasons
from achat_twisted.client.address import Address
from achat_twisted.client.backoff import Backoff, Chance, Urandom
from achat_twisted.client.events import (
    Ended,
    Event,
    Joined,
    Missed,
    Parted,
    Received,
    Settled,
    Welcome,
    from_wire,
)
from achat_twisted.client.incoming import Incoming
from achat_twisted.client.keepalive import Keepalive
from achat_twisted.client.outgoing import WINDOW, Outgoing
from achat_twisted.client.rooms import Rooms
from achat_twisted.client.state import State, claim, make_tag
from achat_twisted.wire.tags import parse_verdict

PATIENCE = 10.0
"""The seconds within which a server must let us in."""

PATIENCE_WITH_SECRET = 30.0
"""The same for one that has a secret to check, and may take its time after wrong ones."""

LEAVE_WITHIN = 5.0
"""The seconds that an ordered end may take."""

MAX_LINE = 2**24
"""The longest line of a server's, in bytes: far above any, even C{! who} with all its names."""

RECENTLY = 120.0
"""The seconds after a session of ours in which its name may be held by what is left of it."""

_MUTE = 4
"""The connections in a row that a server may close without a word before it is given up."""

_BEYOND = 2**62
"""A number that no server reaches, and from which a state in a file can count on for long."""

_NOTHING = " " * 5
"""An empty line: as long as the head of a TLS record (RFC 8446, 5.1), so that a server that waits
for one answers at once that this is none.
"""

_TLS_ALERT = b"\x15\x03"
"""The first bytes of a TLS alert (RFC 8446, 5.1), which answers what is not TLS."""


class Stage(Enum):
    """The stages of a connection."""

    AWAY = "there is none"
    PROBING = "an empty line is said, to see if the server speaks in the clear"
    ASKING = "the login is said"
    LET_IN = "nothing is said until it is told where to go on"
    HERE = "lines and messages go both ways"
    LEAVING = "/quit is said"
    OVER = "it brings nothing more, and is to be closed"


Events = Iterator[Event | Received]
_Answer = Callable[["Conversation", wire.Notice, float], Events]


class Conversation:
    """One name's conversation with one server.

    @ivar stage: that of the present connection.
    @ivar mail: the messages that were kept for the name when it came, as the server said.
    """

    def __init__(
        self,
        address: Address,
        state: State,
        now: float,
        *,
        only_sends: bool = False,
        device: bool = False,
        rooms: bool = False,
        is_clear: bool = False,
        retry: float | None = None,
        chance: Chance | None = None,
    ) -> None:
        """@param only_sends: true to log in with C{/send}: no messages come, nobody is replaced.
        @param device: true to log in with C{/device}: all messages come, whatever others of the
            name have got, and nobody is replaced.
        @param rooms: true to hear what is said in the rooms of the name.
        @param is_clear: true if others may read what is said: then a secret is kept back until the
            server has answered an empty line, on a connection of its own, as no TLS port would.
        @param retry: the seconds for which a server is tried that is not there; None for ever.
        @raise ValueError: if one that only sends is to be a device, or to hear rooms.
        @raise StateError: if the state belongs to another login.
        """
        if only_sends and (device or rooms):
            raise ValueError("a chat that only sends is no device, and hears no rooms")
        self._word = "/send" if only_sends else "/device" if device else "/resume"
        claim(state, f"{self._word} {address.name}")
        self._address = address
        self._state = state
        self._only_sends = only_sends
        self._hears_rooms = rooms
        self._backoff = Backoff(now, retry, chance or Urandom())
        self._incoming = Incoming(state)
        self._rooms = Rooms(state)
        self._outgoing = Outgoing(state)
        self._was_in = bool(state.numbers.era)
        self._was_in_at = now
        self._mute = 0
        self._is_clear = is_clear
        self._must_probe = is_clear and address.secret is not None
        self.mail = 0
        self._begin(Stage.AWAY, now)

    def _begin(self, stage: Stage, now: float) -> None:
        """Know nothing of a connection but its stage."""
        self.stage = stage
        self._since = now
        self._keepalive = Keepalive(now)
        self._is_mute = True
        self._half = b""
        self._said: list[str] = []
        self._told = (0, 0)
        self._rooms.begin()
        self._awaits_sync = False
        self._last_word = wire.Notice("")
        self._why = ""
        self._is_final = self._is_probe = self._is_in = False

    # A connection

    def connected(self, now: float) -> None:
        """A connection is made: the login is to be said, or an empty line first."""
        if self._must_probe:
            self._begin(Stage.PROBING, now)
            self._said.append(_NOTHING)
            return
        self._begin(Stage.ASKING, now)
        self._said.append(f"{self._word} {self._state.numbers.tag}")
        if not self._only_sends:
            self._said.append("/stamp")
        if self._hears_rooms:
            self._said.append("/rooms")
        name, secret = self._address.name, self._address.secret
        self._said.append(name if secret is None else f"{name}:{secret}")

    def receive(self, data: bytes, now: float) -> list[Event | Received]:
        """Take in what has come.

        If the stage is L{Stage.OVER} then, the connection is to be closed.
        """
        self._is_mute = False
        self._keepalive.heard(now)
        return [*self._receive(data, now)]

    def _receive(self, data: bytes, now: float) -> Events:
        if self.stage in (Stage.PROBING, Stage.ASKING) and (self._half + data).startswith(
            _TLS_ALERT
        ):
            self._give_up(reasons.TLS_THERE, is_final=True)
        *lines, self._half = (self._half + data).split(b"\n")
        for line in lines:
            if self.stage is Stage.OVER:
                return
            try:
                yield from self._hear(line.removesuffix(b"\r").decode(errors="replace"), now)
            except (wire.BadLine, ValueError):
                self._give_up(reasons.GARBLED, is_final=not self._was_in)
        if len(self._half) > MAX_LINE:
            self._give_up(reasons.GARBLED, is_final=False)

    def lost(self, why: str, now: float) -> Ended:
        """The connection is lost, or could not be made.

        @param why: a sentence without its full stop, for when the server has given no reason.
        """
        word, detail = self._last_word.word, self._last_word.detail
        if self._is_in:
            self._was_in_at = now
        if word:
            server, name = self._address.server, self._address.name
            why = reasons.sentence(word, server, name, detail, self._new_words())
            self._is_final |= not self._may_pass(word, now)
        elif self._why:
            why = self._why
        elif self._is_closed_unheard():
            self._is_final = self._mute == _MUTE
            why = self._mute_because()
        if self._is_probe:
            ended = Ended(why, again=0.0, is_probe=True)
        else:
            again = None if self._is_final else self._backoff.wait(now)
            ended = Ended(why, word, again, is_out_of_time=again is None and not self._is_final)
        self._begin(Stage.AWAY, now)
        return ended

    def _new_words(self) -> list[str]:
        """The words of the login that a server with tags may not know."""
        device = ["/device"] if self._word == "/device" else []
        return [*device, "/rooms"] if self._hears_rooms else device

    def _may_pass(self, word: str, now: float) -> bool:
        if word == "name-taken":
            return self._was_in and now < self._was_in_at + RECENTLY
        return word in reasons.PASSING

    def _is_closed_unheard(self) -> bool:
        """True if a server that we have never been at closes the connection without a word."""
        asks = self.stage in (Stage.PROBING, Stage.ASKING)
        is_unheard = asks and self._is_mute and not self._was_in
        self._mute = self._mute + 1 if is_unheard else 0
        return is_unheard

    def _mute_because(self) -> str:
        why = reasons.MUTE_IN_CLEAR if self.stage is Stage.PROBING else reasons.MUTE
        if self.stage is Stage.ASKING and self._is_clear:
            why += reasons.PERHAPS_TLS
        return why.format(server=self._address.server)

    def _give_up(self, why: str, *, is_final: bool) -> None:
        patience = self._patience
        self._why = why.format(server=self._address.server, patience=patience)
        self._is_final = is_final
        self.stage = Stage.OVER

    # Time

    @property
    def deadline(self) -> float | None:
        """The moment at which L{tick} is to be called; None while there is no connection."""
        if self.stage in (Stage.PROBING, Stage.ASKING, Stage.LET_IN):
            return self._since + self._patience
        if self.stage is Stage.LEAVING:
            return self._since + LEAVE_WITHIN
        return self._keepalive.deadline(ahead=self._outgoing.outstanding) if self._is_here else None

    @property
    def _is_here(self) -> bool:
        return self.stage is Stage.HERE

    def tick(self, now: float) -> None:
        """See if something should have come by now."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return
        if self._is_here and self._keepalive.ask(now):
            self._said.append("/ping")
        elif self._is_here:
            self._give_up("{server} does not answer any more", is_final=False)
        elif self.stage is Stage.PROBING:
            self._give_up(reasons.MUTE_IN_CLEAR, is_final=not self._was_in)
        elif self.stage is Stage.ASKING:
            self._give_up(reasons.SILENT, is_final=not self._was_in)
        else:
            self._give_up("{server} takes longer than it should", is_final=False)

    @property
    def _patience(self) -> float:
        has_secret = self._address.secret is not None and self.stage is not Stage.PROBING
        return PATIENCE_WITH_SECRET if has_secret else PATIENCE

    # What is said

    @property
    def has_room(self) -> bool:
        """True if a line may be posted now; not while a window of them is unsettled.

        A lasting state takes any number while no server is there.
        """
        if self._state.is_lasting and self.stage is Stage.AWAY:
            return True
        return self.unsettled < WINDOW

    def post(self, line: str) -> int:
        """Post a line, which L{lines.check} has let pass; returns its place."""
        return self._state.add(line)

    def ask(self, command: str) -> None:
        """Say a command, unless no server is there to hear it."""
        if self.stage is Stage.HERE:
            self._said.append(command)
            if command == "/ping":
                self._keepalive.pinged()

    def done(self, number: int, era: str, room: str = "") -> None:
        """Note that a message is worked off, and may be confirmed.

        @param room: the room whose line it is, if it is one.
        """
        if room:
            self._rooms.done(room, number, era)
        else:
            self._incoming.done(number, era)

    @property
    def may_join(self) -> bool:
        """True if the name may join a room here: then its lines are heard, or none ever are."""
        return self._hears_rooms or self._only_sends

    @property
    def rooms(self) -> list[str]:
        """The rooms that are heard, as far as the server has said."""
        return self._rooms.here

    def told(self, place: int) -> None:
        """Forget the refusals of a line, as they have reached those whom they concern."""
        self._state.told(place)

    def quit(self, now: float) -> None:
        """Have the session ended in order, behind all that was said."""
        if self.stage is Stage.HERE:
            self._say_all()
            self._said.append("/quit")
            self.stage, self._since = Stage.LEAVING, now

    @property
    def unsettled(self) -> int:
        """The number of lines whose fate is not known."""
        return self._state.last - self._state.numbers.settled

    def data_to_send(self) -> bytes:
        """The bytes to be written now.

        @raise StateError: if what they rest on cannot be saved; nothing may be written then.
        """
        if self.stage is Stage.HERE:
            self._say_all()
        self._state.save()
        said, self._said = self._said, []
        return "".join([f"{line}\n" for line in said]).encode() if said else b""

    def _say_all(self) -> None:
        confirmed = self._incoming.confirmed, self._outgoing.settled
        if confirmed != self._told:
            self._told = confirmed
            self._said.append(f"/got {confirmed[0]} {confirmed[1]}")
        self._said += self._rooms.confirmations()
        self._said += self._outgoing.next_lines()
        if self._outgoing.outstanding and not self._awaits_sync:
            self._awaits_sync = True
            self._said.append("/sync")

    # What is heard

    def _hear(self, line: str, now: float) -> Events:
        said = wire.parse_server_line(line)
        if isinstance(said, wire.Message):
            if self.stage in (Stage.HERE, Stage.LEAVING) and "#" not in said.sender:
                yield from self._take(said)
        elif (answer := self._HEARS[self.stage].get(said.word)) is not None:
            yield from answer(self, said, now)
        elif self.stage in (Stage.HERE, Stage.LEAVING) and (verdict := parse_verdict(said)):
            self._outgoing.judge(verdict)
            if not verdict.first:
                yield from_wire(said)
        else:
            yield from_wire(said)

    def _take(self, message: wire.Message) -> Events:
        room, sender = message.room, message.sender
        if message.number is not None and message.number >= _BEYOND:
            raise ValueError(message.number)
        number = self._rooms.take(room, message.number) if room else self._incoming.take()
        if number is not None:
            era = self._rooms.era(room) if room else self._state.numbers.era
            is_own = sender == self._address.name
            yield Received(number, era, sender, message.text, message.stamp, room, is_own)

    def _probed(self, _notice: wire.Notice, _now: float) -> Events:
        """Note that the server speaks in the clear, as it has answered."""
        self._must_probe, self._is_probe = False, True
        self.stage = Stage.OVER
        return iter(())

    def _let_in(self, _notice: wire.Notice, _now: float) -> Events:
        self.stage = Stage.LET_IN
        return iter(())

    def _resume(self, notice: wire.Notice, now: float) -> Events:
        lines, message, era = notice.detail.split(" ")
        taken, following = _number(lines), _number(message)
        numbers = self._state.numbers
        is_new_era = era != numbers.era
        if not self._outgoing.fits(taken, is_new_era=is_new_era):
            numbers.tag, numbers.era = make_tag(), ""
            self._give_up(reasons.OLDER_COPY, is_final=False)
            return
        settled: Settled | None = None
        doubtful = 0
        if is_new_era:
            numbers.era = era
            self._incoming.begin_era(following)
            settled, doubtful = self._outgoing.begin_era()
        else:
            self._incoming.begin(following)
            self._outgoing.begin(taken)
        self._told = self._incoming.confirmed, 0
        self._backoff.reached(now)
        self._was_in = self._is_in = True
        self.mail = 0
        self.stage = Stage.HERE
        if settled is not None:
            yield settled
        yield Welcome(doubtful)

    def _sync(self, notice: wire.Notice, _now: float) -> Events:
        self._awaits_sync = False
        settled = self._outgoing.synced(_number(notice.detail.split(" ")[0]))
        if settled is not None:
            yield settled

    def _say_bye(self, notice: wire.Notice, now: float) -> Events:
        self._outgoing.taken(_number(notice.detail))
        return self._turned_away(notice, now)

    def _turned_away(self, notice: wire.Notice, now: float) -> Events:
        """Note the end: nothing comes behind this."""
        self._end(notice, now)
        self.stage = Stage.OVER
        return iter(())

    def _end(self, notice: wire.Notice, _now: float) -> Events:
        """Note the reason for the end that is coming; the first one is the reason."""
        if not self._last_word.word:
            self._last_word = notice
        return iter(())

    def _hear_pong(self, notice: wire.Notice, _now: float) -> Events:
        if not self._keepalive.answered():
            yield from_wire(notice)

    def _slow_down(self, notice: wire.Notice, _now: float) -> Events:
        self._keepalive.rate = _number(notice.detail)
        yield from_wire(notice)

    def _join(self, notice: wire.Notice, _now: float) -> Events:
        if not self._hears_rooms:
            yield from_wire(notice)
            return
        room, number, era = notice.detail.split(" ")
        following = _number(number)
        self._rooms.joined(room, following, era)
        yield Joined(room, following, era)

    def _part(self, notice: wire.Notice, _now: float) -> Events:
        if not self._hears_rooms:
            yield from_wire(notice)
            return
        self._rooms.parted(notice.detail)
        yield Parted(notice.detail)

    def _miss(self, notice: wire.Notice, _now: float) -> Events:
        room, lines = notice.detail.split(" ")
        yield Missed(room, _number(lines))

    def _count_mail(self, notice: wire.Notice, _now: float) -> Events:
        self.mail = _number(notice.detail)
        yield from_wire(notice)

    _HEARS: ClassVar[dict[Stage, dict[str, _Answer]]] = {
        Stage.AWAY: {},
        Stage.PROBING: {"bad-name": _probed, "busy": _turned_away},
        Stage.ASKING: {
            "welcome": _let_in,
            **dict.fromkeys(("bad-name", "name-taken", "denied", "busy"), _turned_away),
        },
        Stage.LET_IN: {
            "resumed": _resume,
            "bye": _say_bye,
            **dict.fromkeys(("busy", "kicked", "replaced"), _end),
        },
        Stage.HERE: {
            "synced": _sync,
            "joined": _join,
            "parted": _part,
            "missed": _miss,
            "mail": _count_mail,
            "pong": _hear_pong,
            "slow-down": _slow_down,
            "bye": _say_bye,
            **dict.fromkeys(("kicked", "replaced"), _end),
        },
        Stage.LEAVING: {
            "synced": _sync,
            "joined": _join,
            "parted": _part,
            "missed": _miss,
            "bye": _say_bye,
            **dict.fromkeys(("kicked", "replaced"), _end),
        },
        Stage.OVER: {},
    }
    """The notices that move a conversation, by its stage; all others are passed on as they are."""


def _number(text: str) -> int:
    """@raise ValueError: if it is none that an achat server says."""
    number = int(text)
    if not 0 <= number < _BEYOND:
        raise ValueError(number)
    return number
