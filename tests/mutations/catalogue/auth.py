"""The gate, and the time it takes to be refused by it."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_CERTIFICATES = "achat_twisted/login/certificates.py"
_GATE = "achat_twisted/login/gate.py"
_PASSWORDS = "achat_twisted/login/passwords.py"
_ARRIVAL = "achat_twisted/reader/arrival.py"

AUTH = (
    Mutation(
        "let unknown names in with any secret",
        _PASSWORDS,
        "        if hashed is None:\n            raise UnauthorizedLogin\n",
        "        if hashed is None:\n            return name.encode()\n",
        "tests.login.test_passwords",
    ),
    Mutation(
        "answer unknown names at once",
        _PASSWORDS,
        "is_right = self._verify(content.dummy if hashed is None else hashed, secret)",
        "is_right = hashed is not None and self._verify(hashed, secret)",
        "tests.login.test_passwords",
    ),
    Mutation(
        "verify for who is gone",
        _PASSWORDS,
        "            if answer.called:",
        "            if False:",
        "tests.login.test_passwords",
    ),
    Mutation(
        "let any number wait for a verification",
        _PASSWORDS,
        "if len(self._semaphore.waiting) >= WAITING:",
        "if False:",
        "tests.login.test_passwords",
    ),
    Mutation(
        "trust any authority",
        _CERTIFICATES,
        ").verify_certificate()",
        ")",
        "tests.login.test_certificates",
    ),
    Mutation(
        "take a server's certificate for a client's",
        _CERTIFICATES,
        "        if not usable:",
        "        if False:",
        "tests.login.test_certificates",
    ),
    Mutation(
        "take any certificate for any name",
        _CERTIFICATES,
        "        if names != [shown.name]:",
        "        if False:",
        "tests.login.test_certificates",
    ),
    Mutation(
        "let who guesses guess on at once",
        _GATE,
        "            self._guesses.tried(host)\n",
        "",
        "tests.login.test_gate",
    ),
    Mutation(
        "look at the guess before the delay",
        _GATE,
        "        if wait := self._guesses.wait(host):\n"
        "            await deferLater(self._clock, wait)\n",
        "",
        "tests.login.test_gate",
    ),
    Mutation(
        "wait for a checker without end",
        _GATE,
        "return entering.addTimeout(PATIENCE, self._clock, lambda *_: Failure(wire.busy()))",
        "return entering",
        "tests.login.test_gate",
    ),
    Mutation(
        "let in whose connection is gone",
        _ARRIVAL,
        "            entering.cancel()",
        "            pass",
        "tests.reader.test_arrival",
    ),
    Mutation(
        "read on while the gate thinks",
        _ARRIVAL,
        "        self._reader.pauseProducing()\n        entering.",
        "        entering.",
        "tests.reader.test_arrival",
    ),
)
