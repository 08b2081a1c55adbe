"""The checker of secrets."""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from achat_twisted import wire
from achat_twisted.login.credentials import IOwnChecker
from achat_twisted.login.passwords import VERIFIERS, WAITING, Argon2Checker, InPlace, verify
from achat_twisted.tools.errors import Unusable
from achat_twisted.tools.interfaces import IWorker
from tests.disk import FakeWorker, scratch_file
from tests.passwords import HASHER, password_file


class Argon2Tests(SynchronousTestCase):
    """L{Argon2Checker}."""

    def setUp(self) -> None:
        self.path = scratch_file(self)
        self.path.write_text(password_file(alice="one", bob="two"))
        self.path.chmod(0o600)
        self.worker = FakeWorker()
        self.verified: list[str] = []
        self.checker = Argon2Checker(self.path, self._verify)
        self.checker.open(self.worker)

    def _verify(self, hashed: str, secret: bytes) -> bool:
        self.verified.append(hashed)
        return verify(hashed, secret)

    def asks(self, name: str, secret: str) -> Deferred[Any]:
        return self.checker.requestAvatarId(UsernamePassword(name.encode(), secret.encode()))

    def test_contract(self) -> None:
        """It has the interfaces that C{twisted.cred} and the gate ask for."""
        verifyObject(ICredentialsChecker, self.checker)
        verifyObject(IOwnChecker, self.checker)
        verifyObject(IWorker, InPlace())

    def test_right(self) -> None:
        """A client that has the secret is let in, under its name."""
        self.assertEqual(self.successResultOf(self.asks("alice", "one")), b"alice")

    def test_wrong(self) -> None:
        """Another's secret, no secret, or a name that nobody has lets nobody in."""
        for name, secret in [("alice", "two"), ("alice", ""), ("carol", "one"), ("\udcff", "")]:
            credentials = UsernamePassword(name.encode(errors="surrogateescape"), secret.encode())
            self.failureResultOf(self.checker.requestAvatarId(credentials), UnauthorizedLogin)

    def test_same_work_for_unknown_names(self) -> None:
        """An unknown name is one verification, with the parameters of the others, as theirs is."""
        for name in ("alice", "carol"):
            self.verified.clear()
            self.failureResultOf(self.asks(name, "wrong"), UnauthorizedLogin)
            self.assertEqual(
                [hashed.rsplit("$", 2)[0] for hashed in self.verified],
                ["$argon2id$v=19$m=8,t=1,p=1"],
            )

    def test_off_thread(self) -> None:
        """The worker does the slow work, a few at a time; the others wait in order."""
        self.worker.held = True
        asked = [self.asks("alice", "one") for _ in range(VERIFIERS + 2)]
        self.assertEqual(self.verified, [])
        for answer in asked:
            self.assertNoResult(answer)
        self.worker.release()
        self.assertEqual([self.successResultOf(answer) for answer in asked], [b"alice"] * 4)
        self.assertEqual(self.worker.jobs, VERIFIERS + 2)

    def test_at_once(self) -> None:
        """The worker has no more verifications at once than it may."""
        self.worker.held = True
        for _ in range(VERIFIERS + 5):
            self.asks("alice", "one").addErrback(lambda _: None)
        self.assertEqual(self.worker.waiting(), VERIFIERS)

    def test_too_many(self) -> None:
        """When too many wait, the next one is told that the server is busy."""
        self.worker.held = True
        asked = [self.asks("alice", "one") for _ in range(VERIFIERS + WAITING)]
        refused = self.failureResultOf(self.asks("alice", "one"), wire.Refused)
        self.assertEqual(str(refused.value), "busy")
        self.worker.release()
        self.assertEqual({self.successResultOf(answer) for answer in asked}, {b"alice"})
        self.assertEqual(self.successResultOf(self.asks("alice", "one")), b"alice")

    def test_cancelled(self) -> None:
        """A login that no longer waits is not verified, and one that has begun keeps its place."""
        self.worker.held = True
        asked = [self.asks("alice", "one") for _ in range(VERIFIERS + 3)]
        for answer in asked:
            answer.cancel()
            self.failureResultOf(answer, CancelledError)
        last = self.asks("bob", "two")
        self.assertEqual(self.worker.waiting(), VERIFIERS)
        self.worker.release()
        self.assertEqual(self.successResultOf(last), b"bob")
        self.assertEqual(len(self.verified), VERIFIERS + 1)

    def test_no_thread(self) -> None:
        """Without a thread the server is busy, and the log says why; with one it is not."""
        self.worker.short = True
        for _ in range(2 * VERIFIERS):
            refused = self.failureResultOf(self.asks("alice", "one"), wire.Refused).value
            self.assertEqual(refused.notice, wire.Notice("busy"))
            self.assertIn("no thread can be started", str(refused))
        self.worker.short = False
        self.assertEqual(self.successResultOf(self.asks("alice", "one")), b"alice")

    def test_change(self) -> None:
        """A changed file counts from the next login on."""
        self.path.write_text(password_file(carol="three"))
        self.assertEqual(self.successResultOf(self.asks("carol", "three")), b"carol")
        self.failureResultOf(self.asks("alice", "one"), UnauthorizedLogin)

    def test_knows(self) -> None:
        """It knows the names in the file, and answers at once."""
        self.assertEqual([self.checker.knows(n) for n in ("alice", "carol")], [True, False])
        self.path.write_text(password_file(carol="three"))
        self.assertEqual([self.checker.knows(n) for n in ("alice", "carol")], [False, True])

    def test_unusable(self) -> None:
        """A bad file is an error that names the file and the line."""
        self.path.write_text("alice:secret\n")
        error = self.assertRaises(Unusable, self.checker.open, self.worker)
        self.assertEqual(
            str(error),
            f"{self.path} cannot be used: line 1 is not NAME:$argon2id$v=19$m=…,t=…,p=…$SALT$HASH",
        )

    def test_in_place(self) -> None:
        """Another program of Twisted's, which has no worker for it, may use it as well."""
        checker = Argon2Checker(self.path)
        checker.open(InPlace())
        answer = checker.requestAvatarId(UsernamePassword(b"alice", b"one"))
        self.assertEqual(self.successResultOf(answer), b"alice")

    def test_damaged_hash(self) -> None:
        """A hash that argon2 cannot read lets nobody in, and the log says why."""
        hashed = HASHER.hash("one")
        self.path.write_text(f"alice:{hashed[:-2]}\n")  # of a length that base64 never has
        refused = self.failureResultOf(self.asks("alice", "one"), wire.Refused).value
        self.assertEqual(str(refused), "busy: a secret cannot be verified: Decoding failed")
