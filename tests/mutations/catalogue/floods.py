"""The bounds on rooms and devices."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_AUDIENCE = "achat_twisted/broker/audience.py"
_COMMANDS = "achat_twisted/broker/room_commands.py"
_ROWS = "achat_twisted/mailbox/rows.py"
_SAID = "achat_twisted/reader/commands.py"
_TAGGED = "achat_twisted/broker/tagged.py"
_TESTS = "tests.reader.test_room_floods"

FLOODS = (
    Mutation(
        "forget the account of a room",
        _ROWS,
        "        if row.is_needed:\n            self._accounts.used(account)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "remember the row of a name for ever",
        _ROWS,
        "        if not row.is_needed:\n",
        "        if False:\n",
        _TESTS,
    ),
    Mutation(
        "give a device its cursors behind its tag",
        _TAGGED,
        """        if self.device:
            self._begin_device()  # first, as the tag is refused if there is no room for its cursors
        tag = self._mailbox.tags.begin(self.name, self.opening.tag, self)
""",
        """        tag = self._mailbox.tags.begin(self.name, self.opening.tag, self)
        if self.device:
            self._begin_device()
""",
        _TESTS,
    ),
    Mutation(
        "let others wait in the window when a room is left",
        _TAGGED,
        "        super().unfollow(room)\n        self._refill()\n",
        "        super().unfollow(room)\n",
        _TESTS,
    ),
    Mutation(
        "show what was said for nothing",
        _COMMANDS,
        "        self._rooms.spend(session, end - first)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "name the members for nothing",
        _COMMANDS,
        "        self._rooms.spend(session, len(room))\n",
        "",
        _TESTS,
    ),
    Mutation(
        "name the members though too much waits",
        _COMMANDS,
        "        if not self._pool.takes(size):\n",
        "        if False:\n",
        _TESTS,
    ),
    Mutation(
        "do many long commands in a turn",
        _SAID,
        "        broker.room_commands.who(session, argument)\n        session.rest()\n",
        "        broker.room_commands.who(session, argument)\n",
        _TESTS,
    ),
    Mutation(
        "tell an audience twice",
        _AUDIENCE,
        "        return is_first\n",
        "        return True\n",
        _TESTS,
    ),
)
