"""A session with a tag: it goes on where an older one was, and counts on both sides.

Its client says its tag before its login line, and then nothing until it has heard C{! resumed}. A
message counts as delivered when the client says that it got it, and a line of its own when it is
safe together with the fate of its copies. So whatever breaks, the next session with that tag can
tell what is missing.
"""

from __future__ import annotations

from achat_twisted import wire
from achat_twisted.broker.feed import Feed, FeedState
from achat_twisted.broker.follower import Follower, TaggedRoomFollower
from achat_twisted.broker.interfaces import ISource, Place
from achat_twisted.broker.reading import Stage
from achat_twisted.broker.session import Session, Shared
from achat_twisted.broker.verdicts import Verdicts
from achat_twisted.broker.window import WindowOutbox, WindowWriter
from achat_twisted.limits.rate import UNLIMITED, Allowance
from achat_twisted.mailbox.tags import Tag
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.rooms import parse_room_got
from achat_twisted.wire.tags import Opening, parse_got, resumed

_RESUMING = "it has not been told where to go on"
_UNSAFE = "what it has said is not safe, as commits fail"


class NoFeed(Feed):
    """The null object: a session that only sends gets no messages."""

    hands_back = False

    def begin(self) -> None:
        self.state = FeedState.ENDED

    def refill(self) -> None:
        pass

    def cut(self) -> None:
        self.state = FeedState.ENDED

    def forget(self, left: list[bytes]) -> None:
        pass


class _Unsaved(Allowance):
    """An allowance that is always overdrawn, so that the reader calls when a chunk is taken in.

    The real one is looked at then as well. A call for each chunk, whatever has come, would be a
    fifth of what a line costs that comes alone.
    """

    __slots__ = ()
    lines = -1


_UNSAVED = _Unsaved()


class TaggedSession(Session):
    """One connection of a name's tag.

    @ivar tag: what is remembered of it; None until it may begin, as an older session of its name,
        or with its tag, comes to its end before.
    @ivar window: what was sent to it, and is not got.
    """

    __slots__ = (
        "_allowance",
        "_is_unsafe",
        "_mailbox",
        "_saved",
        "opening",
        "tag",
        "window",
    )
    is_numbered = True

    _room_follower = TaggedRoomFollower
    answers: Verdicts

    def __init__(
        self,
        opening: Opening,
        name: str,
        outlet: IOutlet,
        source: ISource,
        outbox: WindowOutbox,
        allowance: Allowance,
        since: float,
        shared: Shared,
    ) -> None:
        super().__init__(name, outlet, source, outbox, allowance, since, shared)
        self.opening = opening
        self.tag: Tag | None = None
        self._allowance = allowance
        self._is_unsafe = False
        self._saved = (0, 0)  # the lines taken in, and those whose fate is known
        self._mailbox = shared.mailbox
        if opening.only_sends:
            self.feed = NoFeed(self, name, outbox, shared.mailbox, shared.ledger, shared.clock)
        self.answers = Verdicts(self, outbox, shared.turns, shared.render)
        self.writer = self.window = WindowWriter(self, self.feed, outlet, shared.clock)
        self.hold(_RESUMING)
        if self._turns.is_durable:
            self.allowance = _UNSAVED  # as each line changes what is to be in the file

    def begin(self) -> None:
        """Tell the client where to go on, as no older session can change that any more."""
        if self.tag is not None or self.stage is not Stage.HERE:
            return
        if self.device:
            self._begin_device()  # first, as the tag is refused if there is no room for its cursors
        tag = self._mailbox.tags.begin(self.name, self.opening.tag, self)
        if tag is None:
            self._mailbox.rows.forget_device(self.name, self.device)
            self.cut(wire.busy("too much is remembered for other tags").notice)
            return
        self.tag = self.answers.tag = tag
        if self.source.has_spoken:
            early = wire.BadLine("wait for ! resumed before you say anything")
            early.is_command = True  # or whatever it is: it is not taken in, and has no number
            self.refuse(early)
            self.drain()
            return
        first = 0 if self.opening.only_sends else self.feed.first
        self.tell(resumed(tag.lines, first, tag.era))
        for verdict in tag.refusals.values():
            self.tell(verdict.notice())
        super().begin()
        self.release(_RESUMING)

    def _begin_device(self) -> None:
        """Follow the row of its name."""
        shared = self._shared
        audience = shared.rooms.begin_device(self.name, self.device)
        feed = Follower(
            self,
            self.name,
            self.outbox,
            shared.mailbox,
            shared.ledger,
            shared.clock,
            audience,
            self.device,
        )
        self.feed_from(feed, 0)

    @property
    def places(self) -> tuple[Place, ...]:
        tag = self.name, self.opening.tag
        return (tag,) if self.only_sends or self.device else (self.name, tag)

    @property
    def device(self) -> str:  # type: ignore[override]
        """The tag, if it has cursors of its own; else nothing."""
        return self.opening.device

    @property
    def only_sends(self) -> bool:  # type: ignore[override]
        """True if it hears nothing."""
        return self.opening.only_sends

    def resume(self) -> None:
        if self.tag is None and self.stage is Stage.HERE:
            self._presence.begin(self)
        else:
            super().resume()

    # Lines

    @property
    def lines(self) -> int:
        return self.tag.lines if self.tag is not None else 0

    def overdrawn(self) -> None:
        """Have the tag saved with what a chunk of lines has brought, and see if it was too much."""
        if self.tag is None:
            return
        if not self._turns.is_durable:
            self.allowance = self._allowance
        before, self._saved = self._saved, (self.tag.lines, self.tag.heard)
        if self._saved != before and not self._mailbox.tags.changed(self.name, self.tag):
            self.drain()
        elif self.taken > self._allowance.lines:
            notice = self._allowance.overdraw(self, self.taken)
            if notice is not None:
                self.tell(notice)

    def last_call(self) -> bool:
        if self.holds & {self.answers, _RESUMING, _UNSAFE} or self.is_too_fast:
            return False
        self._allowance, self.allowance = UNLIMITED, _UNSAVED
        return True

    def tally(self, word: str, name: str) -> None:
        self.allowance = _UNSAVED
        super().tally(word, name)

    def refuse(self, error: wire.WireError) -> None:
        self.allowance = _UNSAVED
        self.answers.fault(error)

    def got(self, argument: str) -> None:
        tag = self.tag
        if tag is None:
            return
        if (of_room := parse_room_got(argument)) is not None:
            self._got_of_room(*of_room)
            return
        got = parse_got(argument)
        first = self.feed.first
        confirmed = 0 if self.opening.only_sends else max(0, got.messages + 1 - first)
        if not self.window.has(confirmed) or (self.opening.only_sends and got.messages):
            last = 0 if self.opening.only_sends else first + self.window.sent - 1
            raise wire.BadLine(f"/got {got.messages} is beyond the last message sent, {last}")
        if got.lines is not None and got.lines > tag.lines:
            raise wire.BadLine(f"/got has {got.lines} lines, and {tag.lines} are taken in")
        if confirmed:
            self.window.got(confirmed)
            self.feed.delivered(confirmed)
            self._refill()
        if got.lines is not None and got.lines > tag.heard:
            tag.confirm(got.lines)
            if self._turns.is_durable:
                self._turns.touch(self)  # so that this turn has a commit
            self.allowance = _UNSAVED
        elif not confirmed:
            return
        self._allowance.spare()

    def _got_of_room(self, room: str, number: int) -> None:
        """Take the client's word on a room; it may have left that while the word was on its way."""
        follower = (self.rooms or {}).get(room)
        if not isinstance(follower, TaggedRoomFollower):
            return
        if follower.is_beyond(number):
            raise wire.BadLine(
                f"/got {room} {number} is beyond the last line sent, {follower.next - 1}"
            )
        if follower.got(number):
            self._refill()
            self._allowance.spare()

    def unfollow(self, room: str) -> None:
        super().unfollow(room)
        self._refill()

    def _refill(self) -> None:
        """Feed on, as there is more room in the window."""
        self.feed.refill()
        for follower in [*(self.rooms or {}).values()]:
            follower.refill()

    # What it rests on

    @property
    def is_withheld(self) -> bool:
        return self._is_unsafe

    def dispatch(self, is_safe: bool = True) -> None:
        """Tell the client all that is sealed, or nothing, and read it no more while that is so."""
        if self.stage is Stage.OVER:
            return
        if not is_safe:
            self._is_unsafe = True
            self.hold(_UNSAFE)
            return
        if self._is_unsafe:
            self._is_unsafe = False
            self.release(_UNSAFE)
        super().dispatch()

    # The end

    def connection_lost(self) -> None:
        """A client that is gone is read no further: its next session is told what is missing."""
        super().connection_lost()
        self.source.stopProducing()

    def drain(self) -> None:
        """Send what is queued, and nothing from the mailbox, as no C{/got} is read any more."""
        was_here = self.stage is Stage.HERE
        self._stop_reading()
        if was_here:
            self.all_fed()

    def forget(self) -> None:
        if self.stage is Stage.OVER:
            return
        self._allowance.end()
        if self.tag is not None:
            self._mailbox.tags.end(self.name, self.tag)
            if self.opening.only_sends and self.tag.heard == self.tag.lines:
                self._mailbox.tags.forget(self.name, self.tag)
        super().forget()

    def _cut(self, is_safe: bool) -> None:
        if is_safe:
            super()._cut(is_safe)
        elif self.stage is not Stage.OVER:
            self.outlet.abort()  # since it may be told nothing
