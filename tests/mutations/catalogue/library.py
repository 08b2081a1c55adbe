"""The promises of the library for clients to their programs."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_HOME = "achat_twisted/client"
_CONVERSATION = f"{_HOME}/conversation.py"
_INCOMING = f"{_HOME}/incoming.py"
_OUTGOING = f"{_HOME}/outgoing.py"
_VECTORS = "tests.client.test_vectors"
_CHAT = "tests.client.test_chat"

LIBRARY = (
    Mutation(
        "say what a crash could take back",
        _CONVERSATION,
        "        self._state.save()\n        said,",
        "        said,",
        f"{_CHAT}.SavingTests",
    ),
    Mutation(
        "speak before it is known where to go on",
        _CONVERSATION,
        "        self.stage = Stage.LET_IN\n",
        "        self.stage = Stage.HERE\n",
        _VECTORS,
    ),
    Mutation(
        "count what was not asked for as a message",
        _CONVERSATION,
        ' and "#" not in said.sender:',
        ":",
        _VECTORS,
    ),
    Mutation(
        "tell the secret to a port that may speak TLS",
        _CONVERSATION,
        "self._must_probe = is_clear and address.secret is not None",
        "self._must_probe = False",
        _VECTORS,
    ),
    Mutation(
        "never ask a silent server",
        _CONVERSATION,
        '            self._said.append("/ping")\n',
        "            pass\n",
        _VECTORS,
    ),
    Mutation(
        "give a server up that works through many lines",
        f"{_HOME}/keepalive.py",
        "DEAF_AFTER + (ahead / self.rate if self.rate else 0.0)",
        "DEAF_AFTER",
        _VECTORS,
    ),
    Mutation(
        "come again to the place of one that has replaced us",
        "achat_twisted/client/reasons.py",
        'PASSING = {"busy", "bye"}',
        'PASSING = {"busy", "bye", "replaced"}',
        _VECTORS,
    ),
    Mutation(
        "go on with an older copy of a state",
        _OUTGOING,
        "return numbers.settled <= numbers.base + taken <= self._state.last",
        "return numbers.settled <= numbers.base + taken",
        _VECTORS,
    ),
    Mutation(
        "say again to a new era what the last one had taken in",
        _OUTGOING,
        "settled = self._settle(numbers.taken)",
        "settled = self._settle(numbers.settled)",
        _VECTORS,
    ),
    Mutation(
        "forget that a stop told what was taken in",
        _OUTGOING,
        "numbers.taken = max(numbers.taken, min(numbers.base + number, self.said))",
        "pass",
        _VECTORS,
    ),
    Mutation(
        "tell of a refusal twice",
        _OUTGOING,
        "first = max(numbers.base + verdict.first, numbers.settled + 1)",
        "first = numbers.base + verdict.first",
        _VECTORS,
    ),
    Mutation(
        "ask for nothing but new lines",
        _CONVERSATION,
        "if self._outgoing.outstanding and not self._awaits_sync:",
        "if self._said and self._outgoing.outstanding and not self._awaits_sync:",
        _VECTORS,
    ),
    Mutation(
        "hand a message out again that the program has",
        _INCOMING,
        "if number <= max(self._state.numbers.got, self._handed_out):",
        "if number <= self._state.numbers.got:",
        _VECTORS,
    ),
    Mutation(
        "forget what was worked off out of order",
        _INCOMING,
        "return None if self._state.is_done(number) else number",
        "return number",
        _VECTORS,
    ),
    Mutation(
        "confirm what the connection has not brought",
        _INCOMING,
        "return min(self._state.numbers.got, self._number)",
        "return self._state.numbers.got",
        _VECTORS,
    ),
    Mutation(
        "wait for messages that have expired",
        _INCOMING,
        "        if self._number > self._state.numbers.got:\n",
        "        if False:\n",
        _VECTORS,
    ),
    Mutation(
        "skip messages of a new era",
        _INCOMING,
        "self._state.numbers.got = self._handed_out = self._number =",
        "self._handed_out = self._number =",
        _VECTORS,
    ),
    Mutation(
        "confirm a message of another era",
        _INCOMING,
        "return era == numbers.era and number",
        "return number",
        f"{_CHAT}.MessageTests",
    ),
    Mutation(
        "let a program post without end",
        _CONVERSATION,
        "return self.unsettled < WINDOW",
        "return True",
        f"{_CHAT}.PostingTests",
    ),
    Mutation(
        "say a line whose post was cancelled in time",
        "achat_twisted/client/chat.py",
        "            batch.waiting.clear()\n",
        "            pass\n",
        f"{_CHAT}.PostingTests",
    ),
    Mutation(
        "take in what comes while a transaction lasts",
        "achat_twisted/client/connector.py",
        "        if self._is_held or self._conversation.stage is Stage.AWAY:\n",
        "        if self._conversation.stage is Stage.AWAY:\n",
        f"{_CHAT}.TransactionTests",
    ),
    Mutation(
        "keep half of the work that has failed",
        "achat_twisted/client/chat.py",
        "                state.roll_back()\n                raise\n",
        "                raise\n",
        f"{_CHAT}.TransactionTests",
    ),
    Mutation(
        "have a transaction wait for its own end",
        "achat_twisted/client/connector.py",
        "if self._holder is not None and _HOLDER.get() is self._holder:",
        "if False:",
        f"{_CHAT}.TransactionTests",
    ),
    Mutation(
        "forget a refusal before its post has raised it",
        "achat_twisted/client/chat.py",
        "self._driver.soon(partial(self._forget, told))",
        "self._forget(told)",
        f"{_CHAT}.SavingTests",
    ),
    Mutation(
        "tell again of a refusal that its post has raised",
        "achat_twisted/client/postings.py",
        "                told.append(place)\n",
        "",
        f"{_CHAT}.PostingTests",
    ),
    Mutation(
        "leave a state to the kernel",
        f"{_HOME}/state_file.py",
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous=NORMAL",
        "tests.client.test_state",
    ),
    Mutation(
        "let two programs have one state",
        f"{_HOME}/state_file.py",
        "            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        "tests.client.test_state",
    ),
    Mutation(
        "give a place twice",
        f"{_HOME}/state_file.py",
        "self.last = max(last or 0, self.numbers.settled)",
        "self.last = last or 0",
        "tests.client.test_state",
    ),
    Mutation(
        "show a secret",
        f"{_HOME}/address.py",
        "secret: str | None = field(repr=False)",
        "secret: str | None = field()",
        "tests.client.test_address",
    ),
    Mutation(
        "come back all at once",
        f"{_HOME}/backoff.py",
        "wait = self._wait * (1 + self._chance.random()) / 2",
        "wait = self._wait / 2",
        "tests.client.test_backoff",
    ),
)
