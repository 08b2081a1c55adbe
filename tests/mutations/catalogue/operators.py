"""The actions and the view of an operator, and the words for systemd."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_ACTIONS = "achat_twisted/operator/actions.py"
_SERVER = "achat_twisted/operator/admin.py"
_SYSTEMD = "achat_twisted/server/systemd.py"
_ADMIN = "tests.operator.test_admin"

OPERATORS = (
    Mutation(
        "let people in while an operator drains",
        "achat_twisted/broker/broker.py",
        " or self.draining:",
        ":",
        _ADMIN,
    ),
    Mutation(
        "be drained while somebody is here",
        _ACTIONS,
        "while sessions := console.sessions():",
        "if sessions := console.sessions():",
        _ADMIN,
    ),
    Mutation(
        "do what an operator asks in silence",
        _SERVER,
        '        self.note(why_not or "done")\n',
        "",
        _ADMIN,
    ),
    Mutation(
        "leave an operator waiting when the server has stopped",
        _SERVER,
        "            connection.cut()\n",
        "            pass\n",
        _ADMIN,
    ),
    Mutation(
        "let everybody speak to the operator's socket",
        _SERVER,
        "mode=0o600",
        "mode=0o666",
        "tests.functional.test_admin.AdminTests.test_nobody_else_may_ask",
    ),
    Mutation(
        "turn away who has just connected",
        "achat_twisted/reader/lines.py",
        "            self._arrival.last_call()\n",
        "            self._arrival.close()\n",
        "tests.reader.test_lines.StopTests",
    ),
    Mutation(
        "be ready before SIGTERM is a stop",
        "achat_twisted/server/service.py",
        "self._clock.callLater(0, self._say_ready)",
        "self._say_ready()",
        "tests.server.test_service",
    ),
    Mutation(
        "ask for more time for ever",
        _SYSTEMD,
        " and self._clock.seconds() < self._stop_until:",
        ":",
        "tests.server.test_systemd",
    ),
    Mutation(
        "let the watchdog wait",
        _SYSTEMD,
        "watchdog / 4)",
        "watchdog / 2)",
        "tests.server.test_systemd",
    ),
    Mutation(
        "kick no session that only sends",
        "achat_twisted/broker/broker.py",
        "sessions = dict.fromkeys(each for each in self._peers.values() if each.name == name)",
        "sessions = [self._peers[name]] if name in self._peers else []",
        _ADMIN,
    ),
    Mutation(
        "count what was sent and not got as queued",
        "achat_twisted/broker/load.py",
        "held - unacknowledged - unconfirmed",
        "held - unacknowledged",
        "tests.operator.test_metrics",
    ),
    Mutation(
        "take what was sent last for the oldest that is not got",
        "achat_twisted/broker/window.py",
        "in self.marks if",
        "in self.marks[::-1] if",
        "tests.broker.test_window",
    ),
    Mutation(
        "purge under a session",
        "achat_twisted/mailbox/accounts.py",
        "        if account.sessions:\n            raise",
        "        if False:\n            raise",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "purge without a trace in the ledger",
        "achat_twisted/mailbox/memory.py",
        "        mail.first += copies\n        self._gone += copies\n",
        "        mail.first += copies\n",
        _ADMIN,
    ),
    Mutation(
        "leave in the file what is purged",
        "achat_twisted/mailbox/sqlite.py",
        "= row.written = row.end\n        self._arrived(row)\n",
        "= row.written = row.end\n",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "say that a purge is done before it is written",
        "achat_twisted/operator/console.py",
        "return purged, committed is None or await committed",
        "return purged, True",
        _ADMIN,
    ),
    Mutation(
        "tell an operator that a bad reload is done",
        _ACTIONS,
        "    if outcome.error:\n        raise NotDone(outcome.error)\n",
        "",
        _ADMIN,
    ),
    Mutation(
        "sort millions of names while clients wait",
        _ACTIONS,
        "        await deferLater(errand.clock, 0)\n    for _, name in largest",
        "    for _, name in largest",
        _ADMIN,
    ),
)
