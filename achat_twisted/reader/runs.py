"""Runs: several lines that come together, posted in as few steps as the order allows."""

from __future__ import annotations

import re

from achat_twisted import wire
from achat_twisted.broker.interfaces import IBroker, ISession
from achat_twisted.wire.framing import SLICE, Block

_FEW = 16
"""The most commands between lines for which a block is parted there, so that the lines stay runs.

A client that resumes says C{/got} now and then; line by line, a stream would cost five times more.
"""

_COMMANDS = re.compile(r"^(/.*\n)", re.MULTILINE)


def take_in(broker: IBroker, session: ISession, block: Block, recipients: int) -> list[Block]:
    """Post several lines: all as one, or as one for each recipient; all that are posted count.

    @param recipients: the most that a line may have.
    @return: what is left, in order: single lines to be taken in by themselves, and a block for
        later.
    """
    run = wire.parse_run(block, recipients)
    if run is not None and broker.post_run(session, [run]):
        session.taken += block.count("\n")
        return []
    if run is None and 0 < block.count("\n/") <= _FEW:
        return [*filter(None, _COMMANDS.split(block))]
    left: list[Block] = []
    count = block.count("\n")
    if count > SLICE:
        later = block.split("\n", SLICE)[-1]
        block = block.removesuffix(later)
        left.append(later)
        count = SLICE
    posts = wire.parse_several(block, recipients) if run is None else None
    if posts is not None and broker.post_run(session, posts):
        session.taken += count
        return left
    return [*block.splitlines(keepends=True), *left]
