"""Limits: the most that clients may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(slots=True)
class Limits:
    """The most that is allowed; 0 is no limit.

    There is one instance, shared by all that enforce it. They look each time it matters, so that a
    change holds at once.

    @ivar connections: in all.
    @ivar connections_per_host: from one host, see L{achat_twisted.net.addresses.origin}.
    @ivar logins_per_host: attempts in a minute from one host; each connection is one.
    @ivar rate: lines a second from one session, in the long run.
    @ivar burst: lines that a session may be ahead of that.
    @ivar room_rate: copies a second that one session makes in rooms, in the long run: a line said
        in a room makes one for each member.
    @ivar outbox_total: bytes that are queued or unacknowledged, for all together.
    @ivar limit_local: true if the limits for a host or a session hold for this machine's own, too.
    """

    connections: int = 20_000
    connections_per_host: int = 256
    logins_per_host: int = 300
    rate: int = 50
    burst: int = 500
    room_rate: int = 10_000
    outbox_total: int = 2**28
    limit_local: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Limits:
        return cls(**{field.name: options[field.name.replace("_", "-")] for field in fields(cls)})

    def become(self, new: Limits) -> None:
        """Take over the limits of another instance, which is not shared."""
        for field in fields(self):
            setattr(self, field.name, getattr(new, field.name))
