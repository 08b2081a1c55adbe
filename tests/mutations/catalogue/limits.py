"""The limits on clients."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SESSION = "achat_twisted/broker/session.py"
_ALLOWANCE = "achat_twisted/limits/rate.py"
_ADMISSION = "achat_twisted/limits/admission.py"
_ARRIVAL = "achat_twisted/reader/arrival.py"
_BROKER = "achat_twisted/broker/broker.py"
_DESCRIPTORS = "achat_twisted/net/descriptors.py"
_OUTBOX = "achat_twisted/broker/outbox.py"
_POOL = "achat_twisted/limits/memory.py"
_PROXY = "achat_twisted/net/proxy.py"
_READER = "achat_twisted/reader/lines.py"
_FUNCTIONAL = "tests.functional.test_limits.LimitTests"

LIMITS = (
    Mutation(
        "count the minute on when the server has stopped",
        _ADMISSION,
        "            self._minute.cancel()\n",
        "",
        "tests.attacks.test_siege",
    ),
    Mutation(
        "let a client send as fast as it likes",
        _READER,
        "allowance.lines:\n            session.overdrawn()\n",
        "allowance.lines:\n            pass\n",
        "tests.reader.test_lines",
    ),
    Mutation(
        "let a client send as fast as it likes, if it sends line by line",
        _READER,
        "                    session.overdrawn()\n",
        "                    pass\n",
        "tests.reader.test_lines",
    ),
    Mutation(
        "forget what was sent beyond a burst",
        _ALLOWANCE,
        "wait = (sent - earned) / rate + ",
        "wait = ",
        "tests.limits.test_rate",
    ),
    Mutation(
        "let a burst grow without end",
        _ALLOWANCE,
        "min((now - self._since) * rate, burst + self._owed)",
        "(now - self._since) * rate",
        "tests.limits.test_rate",
    ),
    Mutation(
        "let nobody earn more than a burst, however much it owes",
        _ALLOWANCE,
        "burst + self._owed)",
        "burst)",
        "tests.limits.test_rate",
    ),
    Mutation(
        "wait for slow clients in a stop",
        _SESSION,
        "if self.answers in self.holds or self.is_too_fast:",
        "if self.answers in self.holds:",
        "tests.reader.test_lines",
    ),
    Mutation(
        "slow the last lines of a stop down",
        _SESSION,
        "        self.allowance = UNLIMITED\n        return True\n",
        "        return True\n",
        "tests.reader.test_lines",
    ),
    Mutation(
        "leave the timer of who was slowed down",
        _SESSION,
        "        self.allowance.end()\n",
        "",
        "tests.reader.test_lines",
    ),
    Mutation(
        "limit this machine's own clients",
        "achat_twisted/broker/maker.py",
        "if outlet.local and not self._limits.limit_local:",
        "if False:",
        "tests.reader.test_lines",
    ),
    Mutation(
        "count a connection for ever",
        _READER,
        "        self._arrival.gone()\n",
        "",
        "tests.reader.test_lines",
    ),
    Mutation(
        "count a proxy for its clients",
        _ARRIVAL,
        "        if not self._is_admitted():\n            return\n",
        "",
        "tests.reader.test_lines",
    ),
    Mutation(
        "talk to a flood",
        _ADMISSION,
        "is_told=excess <= _TOLD",
        "is_told=True",
        "tests.limits.test_admission",
    ),
    Mutation(
        "count attempts for ever",
        _ADMISSION,
        "        self._minute = None\n        self._attempts.clear()\n",
        "        self._minute = None\n",
        "tests.limits.test_admission",
    ),
    Mutation(
        "accept when descriptors are short",
        _DESCRIPTORS,
        "                port.stopReading()\n",
        "                pass\n",
        "tests.net.test_descriptors",
    ),
    Mutation(
        "accept never again",
        _DESCRIPTORS,
        "            port.startReading()\n",
        "            pass\n",
        "tests.net.test_descriptors",
    ),
    Mutation(
        "let outboxes hold what they like together",
        "achat_twisted/broker/shares.py",
        "            if session.outbox.resize(share):\n                session.relieved()\n",
        "            pass\n",
        "tests.broker.test_broker",
    ),
    Mutation(
        "count what a session leaves as queued",
        _SESSION,
        "        self.outbox.forget()\n",
        "",
        "tests.broker.test_broker",
    ),
    Mutation(
        "count what was written and has not arrived as gone",
        "achat_twisted/broker/writer.py",
        "        self._pool.size += size\n",
        "",
        "tests.broker.test_writer",
    ),
    Mutation(
        "leave who is low behind when there is room again",
        _OUTBOX,
        "        return self.low and not was_low\n",
        "        return False\n",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "be tight for ever",
        _POOL,
        "self._is_tight = 0 < total < 2 * size",
        "self._is_tight = True",
        "tests.limits.test_memory",
    ),
    Mutation(
        "let the kernel take what it likes for who does not read",
        "achat_twisted/net/transport.py",
        "    sock.setsockopt(IPPROTO_TCP, TCP_NOTSENT_LOWAT, _UNSENT)\n",
        "",
        f"{_FUNCTIONAL}.test_kernel_buffers",
    ),
    Mutation(
        "let a half-close end who is behind a proxy",
        _PROXY,
        "            self.wrappedProtocol.readConnectionLost()",
        "            self.loseConnection()",
        f"{_FUNCTIONAL}.test_behind_a_proxy",
    ),
    Mutation(
        "count a proxy's clients as this machine's own",
        "achat_twisted/net/link.py",
        'self.local, self._origin = False, ""',
        'self.local, self._origin = is_local(top.getPeer()), ""',
        "tests.net.test_link",
    ),
    Mutation(
        "count for nobody those whom a proxy does not name",
        _PROXY,
        "        if not (self._is_known or self._is_bad):",
        "        if not self._header.source:",
        "tests.net.test_proxy tests.net.test_link",
    ),
    Mutation(
        "refuse a proxy's header that comes in pieces",
        "achat_twisted/net/proxy_header.py",
        "            if _LINE.startswith(self._held):",
        "            if not self._held:",
        "tests.net.test_proxy_header",
    ),
    Mutation(
        "fill the log with scanners",
        _ARRIVAL,
        "self._refuse(refusal, is_quiet=True)",
        "self._refuse(refusal)",
        "tests.reader.test_lines",
    ),
    Mutation(
        "take in what a web page posts",
        "achat_twisted/wire/lines.py",
        "    if (protocol := foreign.protocol_of(line)) is not None:",
        "    if (protocol := foreign.protocol_of(line)) == line:",
        "tests.reader.test_lines",
    ),
    Mutation(
        "accept on while descriptors are short",
        "achat_twisted/net/ports.py",
        "        if self._descriptors.are_short:",
        "        if self._descriptors is None:",
        f"{_FUNCTIONAL}.test_burst_on_few_descriptors",
    ),
    Mutation(
        "let in a name that cannot be seen",
        "achat_twisted/wire/names.py",
        "    if (unseen := first_invisible(name)) is not None:",
        "    if (unseen := first_invisible(name)) == name:",
        "tests.wire.test_lines",
    ),
    Mutation(
        "see what Unicode lets programs leave undrawn",
        "achat_twisted/wire/names.py",
        r"\uFE00-\uFE0F",
        "",
        "tests.wire.test_names",
    ),
    Mutation(
        "wait for the line end of a TLS handshake",
        "achat_twisted/wire/framing.py",
        "        if rest.startswith(TLS):",
        "        if not rest:",
        "tests.reader.test_lines",
    ),
    Mutation(
        "leave without an age what was sent soon after something else",
        "achat_twisted/broker/window.py",
        "return bool(self._tail) and not (",
        "return not self.marks and not (",
        "tests.broker.test_window",
    ),
)
