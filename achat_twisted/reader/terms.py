"""The terms on which clients are served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from achat_twisted import wire
from achat_twisted.login.gate import OPEN
from achat_twisted.login.interfaces import IGate

LOGIN_TIMEOUT = 30.0
"""Seconds in which the first line must come, unless the server is told otherwise."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms for every client that connects from now on; a reload brings new ones.

    @ivar max_line: the bytes that a line may have.
    @ivar recipients: the names that a line may be for.
    @ivar login_timeout: the seconds in which the first line must come.
    @ivar render: renders the notices to those who have no session.
    @ivar gate: decides who may enter.
    """

    max_line: int = wire.MAX_LINE
    recipients: int = wire.MAX_RECIPIENTS
    login_timeout: float = LOGIN_TIMEOUT
    render: Callable[[wire.Notice], bytes] = wire.render_notice
    gate: IGate = OPEN
