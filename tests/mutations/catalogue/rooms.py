"""Rooms and devices: rows that are stored once, and a cursor on them for each reader."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_ACCOUNTS = "achat_twisted/mailbox/accounts.py"
_AUDIENCE = "achat_twisted/broker/audience.py"
_BROKER = "achat_twisted/broker/broker.py"
_COMMANDS = "achat_twisted/broker/room_commands.py"
_DATABASE = "achat_twisted/mailbox/database.py"
_FOLLOWER = "achat_twisted/broker/follower.py"
_ROOMS = "achat_twisted/broker/rooms.py"
_ROWS = "achat_twisted/mailbox/rows.py"
_SESSION = "achat_twisted/broker/session.py"
_SHARED = "achat_twisted/mailbox/shared.py"
_TABLES = "achat_twisted/mailbox/row_tables.py"
_TAGGED = "achat_twisted/broker/tagged.py"

_CLIENTS = "tests.reader.test_rooms"
_ODDS = "tests.reader.test_rooms_at_odds"
_FILE = "tests.mailbox.test_rows"
_SHARING = "tests.broker.test_sharing"
_TWIN = "tests.mailbox.test_shared"

ROOMS = (
    # The rules that the model of rooms was tried without.
    Mutation(
        "tell one session of a name that it has joined a room",
        _ROOMS,
        "        for session in self._listening.get(name, {}):\n            if session.is_here:",
        "        for session in [*self._listening.get(name, {})][:1]:\n"
        "            if session.is_here:",
        _CLIENTS,
    ),
    Mutation(
        "let what a client without a tag has said wait for it",
        _FOLLOWER,
        "            self._advance(self._sent[0][0] if self._sent else self._head)\n",
        "            pass\n",
        _CLIENTS,
    ),
    Mutation(
        "tell all what is said in rooms, asked for or not",
        _BROKER,
        "        if opening.rooms:\n",
        "        if True:\n",
        _CLIENTS,
    ),
    Mutation(
        "let a cursor jump under a device that lags",
        _ROOMS,
        "                session.cut()\n",
        "                pass\n",
        _CLIENTS,
    ),
    Mutation(
        "begin with a new device at the end",
        _ROWS,
        "row.front(name) if name in row else row.first",
        "row.end",
        _FILE,
    ),
    Mutation(
        "have a room that is made again in its old era",
        _ROWS,
        "self.era = era or token_hex(6)",
        'self.era = era or "e7a"',
        _FILE,
    ),
    Mutation(
        "delete a line that one device has got",
        _ROWS,
        "        if not isinstance(row, Room) and row.last > row.first:\n"
        "            self._drop(row, row.last)\n",
        "        if not isinstance(row, Room) and row.front(name) > row.first:\n"
        "            self._drop(row, row.front(name))\n",
        _FILE,
    ),
    Mutation(
        "take a refusal for no verdict, as its word is new",
        "achat_twisted/wire/tags.py",
        '    *("device", "devices"),\n',
        '    *("device", "devices", "not-in"),\n',
        "tests.wire.test_rooms",
    ),
    Mutation(
        "blame a client for a /got that its /part has crossed",
        _TAGGED,
        "        if not isinstance(follower, TaggedRoomFollower):\n            return\n",
        "        if not isinstance(follower, TaggedRoomFollower):\n"
        '            raise wire.BadLine(f"you are not in {room}")\n',
        _CLIENTS,
    ),
    Mutation(
        "vouch for the era of a room after a crash, though no commit was waited for",
        _DATABASE,
        "            row_tables.forget_eras(self._sql)\n",
        "",
        _CLIENTS,
    ),
    Mutation(
        "let lines of a room fall off in silence under a session",
        _FOLLOWER,
        "        if lost > 0:\n            self._session.tell(missed(self._row.name, lost))\n",
        "",
        _CLIENTS,
    ),
    Mutation(
        "let lines of a room fall off in silence while a member is away",
        _FOLLOWER,
        "        if lost:\n            self._session.tell(missed(name, lost))\n",
        "",
        _CLIENTS,
    ),
    Mutation(
        "tell of lines that have fallen off once, whether that was heard or not",
        _FOLLOWER,
        "        if self._row.cursors(self.name).get(self._device, 0) >= self._row.first:\n",
        "        if True:\n",
        _CLIENTS,
    ),
    Mutation(
        "count a line in a room as one copy",
        _ROOMS,
        "            self._ledger.accepted += len(room) - 1\n",
        "",
        _CLIENTS,
    ),
    Mutation(
        "count a line that a room has no room for as one copy",
        _ROOMS,
        'self._refuse(sender, "full", room.name, len(room))',
        'self._refuse(sender, "full", room.name)',
        _CLIENTS,
    ),
    Mutation(
        "let a phone in a drawer fill the mailbox",
        _ROWS,
        "kept = row.size_since(row.front(row.name)) + LINE_COST * row.kept\n",
        "kept = row.size + LINE_COST * (row.end - row.first)\n",
        _FILE,
    ),
    # Rows and cursors.
    Mutation(
        "count what a name has not got by its hindmost device",
        _SHARED,
        "        foremost = max(cursors.values())\n        cursors[device] = position\n",
        "        foremost = min(cursors.values())\n        cursors[device] = position\n",
        _TWIN,
    ),
    Mutation(
        "throw away twice what falls off before a name that has fallen behind",
        _SHARED,
        "over = max(0, position - max(foremost, self.first))",
        "over = max(0, position - foremost)",
        _TWIN,
    ),
    Mutation(
        "forget what a device has got with the device",
        _SHARED,
        "            cursors[FORGOTTEN] = position\n",
        "            pass\n",
        _TWIN,
    ),
    Mutation(
        "look for sizes before those that have gone",
        _SHARED,
        "            del self._sums[: self._gone]\n            self._gone = 0\n",
        "            del self._sums[: self._gone]\n",
        _TWIN,
    ),
    Mutation(
        "read the cursors of a file by the hindmost first",
        _TABLES,
        "ORDER BY row, name, position DESC",
        "ORDER BY row, name, position",
        _FILE,
    ),
    Mutation(
        "write where a shared row begins as if one session read it",
        "achat_twisted/mailbox/row.py",
        "        if self.tags and self.shared is None:\n",
        "        if self.tags:\n",
        _FILE,
    ),
    Mutation(
        "leave the lines of a room that is removed in the file",
        _ROWS,
        "        self._drop(room, room.end)\n        self._rooms",
        "        self._charge(room, -room.size - LINE_COST * (room.end - room.first))\n"
        "        room.drop(room.end)\n        self._rooms",
        _FILE,
    ),
    Mutation(
        "number the lines of a room that is made again as before",
        _ROWS,
        "self._ended.pop(name, 1)",
        "1",
        _CLIENTS,
    ),
    Mutation(
        "take the cursors of a name for bytes of its mail",
        _ACCOUNTS,
        "        account.besides += size\n",
        "",
        _FILE,
    ),
    Mutation(
        "forget what a device has got with refusals that nobody hears",
        "achat_twisted/mailbox/tag_records.py",
        "self._forget(account, record)  # so",
        "self.forget(name, record)  # so",
        _FILE,
    ),
    Mutation(
        "close a mailbox without a look at its cursors",
        "achat_twisted/mailbox/sqlite.py",
        "(remains.copies, remains.kept) != due:",
        "remains.copies != due[0]:",
        _FILE,
    ),
    Mutation(
        "let a room take all of the mailbox",
        _ROWS,
        "self._in_rooms + cost - limits.total // 2, self",
        "self",
        _FILE,
    ),
    Mutation(
        "let a room that is full leave nothing for others",
        _ROWS,
        "largest = max(self.rooms(), key=self._cost)",
        "largest = row",
        _FILE,
    ),
    Mutation(
        "count a cursor as gone that stays",
        _ROWS,
        "len(row.cursors(name)) - before",
        "-1",
        _FILE,
    ),
    Mutation(
        "let a room grow beyond its limit",
        _ROWS,
        "self._cost(row) + cost - limits.per_room)",
        "0)",
        _FILE,
    ),
    Mutation(
        "keep what is said in rooms for ever",
        "achat_twisted/mailbox/memory.py",
        "            if isinstance(row, Room) or not self._accounts[row.name].sessions:\n",
        "            if not isinstance(row, Room):\n",
        _FILE,
    ),
    # Sessions that follow a row.
    Mutation(
        "feed one that follows a row a single page",
        "achat_twisted/broker/feed.py",
        "        if self._is_behind and self.outbox.takes_page:\n",
        "        if self.state is FeedState.BEHIND and self.outbox.takes_page:\n",
        _CLIENTS,
    ),
    Mutation(
        "make a room anew that nobody is in",
        _COMMANDS,
        "        if room is None:  # rather",
        "        if not room:  # rather",
        _CLIENTS,
    ),
    Mutation(
        "count what was sent before a client has left a room for what comes after",
        _SESSION,
        "            new = lines - self._strayed(room, lines)\n",
        "            new = lines\n",
        _CLIENTS,
    ),
    Mutation(
        "count what arrives from where the row begins by now",
        _FOLLOWER,
        "        self._advance(self._arrived)\n",
        "        self._advance(self.first + copies)\n",
        _CLIENTS,
    ),
    Mutation(
        "end a session that only sends, as a device of its name lags",
        _ROOMS,
        "self._presence.readers(row.name):",
        "self._presence.of(row.name):",
        _CLIENTS,
    ),
    Mutation(
        "take no word for lines of a room that have fallen off",
        _FOLLOWER,
        "        if number < self._row.cursors(self.name)[self._device]:\n",
        "        if number < self.first:\n",
        _CLIENTS,
    ),
    Mutation(
        "share a row without what is on its way",
        _ROOMS,
        "            lines += mine\n",
        "            lines += mine[:0]\n",
        _SHARING,
    ),
    Mutation(
        "send what is on its way once more when the row is shared",
        _FOLLOWER,
        "            self._begin_at(self._arrived + sent)\n",
        "            self._begin_at(self._arrived)\n",
        _SHARING,
    ),
    Mutation(
        "send on to a session that leaves when the row is shared",
        _FOLLOWER,
        "        elif before.state is FeedState.BEHIND and is_here:\n",
        "        elif before.state is FeedState.BEHIND:\n",
        _SHARING,
    ),
    Mutation(
        "let no session without a device read a row that is shared",
        _ROOMS,
        '            self._rows.follow(row, name, "")\n',
        "            pass\n",
        _SHARING,
    ),
    Mutation(
        "tell a large room at a stroke",
        "achat_twisted/broker/turns.py",
        "_TOLD = 150",
        "_TOLD = 10**6",
        "tests.broker.test_audience",
    ),
    Mutation(
        "tell a large room before a small one",
        "achat_twisted/broker/turns.py",
        "_TOLD_OF_ONE = 100",
        "_TOLD_OF_ONE = 10**6",
        "tests.broker.test_audience",
    ),
    Mutation(
        "tell one that has left a room of the rest of a round",
        _AUDIENCE,
        "            if follower in self.followers:\n",
        "            if follower:\n",
        "tests.broker.test_audience",
    ),
    Mutation(
        "begin a round of an audience before all have heard the one before",
        _AUDIENCE,
        "            if not self._to_tell:\n",
        "            if self._new or not self._to_tell:\n",
        "tests.broker.test_audience",
    ),
    Mutation(
        "render a line in a room for each that has a tag",
        _AUDIENCE,
        "    @cached_property\n",
        "    @property\n",
        "tests.broker.test_audience",
    ),
    # Rights.
    Mutation(
        "let all into a closed room",
        _COMMANDS,
        "if is_new and not room.rights.is_open and",
        "if False and",
        _CLIENTS,
    ),
    Mutation(
        "let all speak in a quiet room",
        _ROOMS,
        "elif room.rights.is_quiet and",
        "elif False and",
        _CLIENTS,
    ),
    Mutation(
        "let members do what owners may",
        _COMMANDS,
        "if room is None or session.name not in room.rights.owners:",
        "if room is None or session.name not in room:",
        _CLIENTS,
    ),
    Mutation(
        "show a room to those who are not in it",
        _COMMANDS,
        "        if session.name not in room:\n            raise",
        "        if False:\n            raise",
        _CLIENTS,
    ),
    Mutation(
        "let a name speak in a room that it is not in",
        _ROOMS,
        "        if sender.name not in room:\n",
        "        if False:\n",
        _CLIENTS,
    ),
    Mutation(
        "let clients make rooms where the operator does",
        _COMMANDS,
        "        if not self._anyone_makes:\n",
        "        if False:\n",
        _CLIENTS,
    ),
    Mutation(
        "count lines towards the rate in rooms, not copies",
        "achat_twisted/limits/room_rates.py",
        "        bucket.spent += copies\n",
        "        bucket.spent += 1\n",
        "tests.limits.test_room_rates",
    ),
    # Sessions that wait for an older one, lines that fall off, and long answers.
    Mutation(
        "follow a room twice, if a session joined it before it began",
        _ROOMS,
        "            if room.name not in (session.rooms or {}):\n",
        "            if True:\n",
        _ODDS,
    ),
    Mutation(
        "follow the rooms of a session that has ended its input before it began",
        _SESSION,
        "        if self.rooms is not None and self.is_here:\n",
        "        if self.rooms is not None:\n",
        _ODDS,
    ),
    Mutation(
        "end a session that waits, as a device of its name lags",
        _ROOMS,
        " and session.feed.has_begun",
        "",
        _ODDS,
    ),
    Mutation(
        "send a whole page of each room",
        _FOLLOWER,
        "        return super()._page_size // max(1, len(self._session.rooms or ()))\n",
        "        return super()._page_size\n",
        _ODDS,
    ),
    Mutation(
        "pass all of one's own lines in one turn",
        _FOLLOWER,
        "            self._clock.callLater(0, super().refill)\n",
        "            super().refill()\n",
        _ODDS,
    ),
    Mutation(
        "forget a room as a name that is away",
        _ROWS,
        "            self._accounts.used(account)\n        self._rooms",
        "            pass\n        self._rooms",
        _ODDS,
    ),
    Mutation(
        "throw away what was said in a room for a line that is refused",
        _ROWS,
        "        if excess > self._cost(largest):\n",
        "        if False:\n",
        _ODDS,
    ),
    Mutation(
        "let a client ask for any number of pages of what was said",
        _COMMANDS,
        "        session.hold(look)",
        "        pass",
        _ODDS,
    ),
    Mutation(
        "show what was said, however much waits",
        _COMMANDS,
        "        if not self._pool.takes(size):\n",
        "        if False:\n",
        _ODDS,
    ),
    Mutation(
        "count no name that is shown",
        _COMMANDS,
        "        self._rooms.spend(session, len(room))\n",
        "",
        _ODDS,
    ),
)
