"""The checker of secrets: C{--auth argon2:PATH}."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError, VerifyMismatchError
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, DeferredSemaphore, fail, maybeDeferred
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.login import password_file as entries
from achat_twisted.login.credentials import Denied, IOwnChecker
from achat_twisted.tools.errors import Unavailable
from achat_twisted.tools.interfaces import IWorker, Result
from achat_twisted.tools.watched_file import WatchedFile

VERIFIERS = 2
"""The threads that verify secrets: each takes 64 MiB for 0.1 seconds."""

WAITING = 100
"""The secrets that may wait for that; logins beyond them are told that the server is busy."""

_hasher = PasswordHasher()  # it takes the parameters from the hash when it verifies


def verify(hashed: str, secret: bytes) -> bool:
    """Compare a secret with a hash.

    @raise Unavailable: if it cannot be verified, for want of threads or memory, or because the hash
        is not one.
    """
    try:
        return _hasher.verify(hashed, secret)
    except VerifyMismatchError:
        return False
    except VerificationError as error:
        raise Unavailable(f"a secret cannot be verified: {error}") from None


@implementer(IWorker)
class InPlace:
    """The null object: work is done at once."""

    def start(self) -> None:
        """Nothing is to be prepared."""

    def run(self, work: Callable[[], Result]) -> Deferred[Result]:
        return maybeDeferred(work)

    def stop(self) -> None:
        """Nothing is left."""


@implementer(IOwnChecker)
class Argon2Checker:
    """Knows the names in a password file, and verifies their secrets in a worker.

    The secret of an unknown name is verified too, against a dummy hash, to take as long.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, path: Path, verify: Callable[[str, bytes], bool] = verify) -> None:
        self._file = WatchedFile(path, _parse, is_secret=True)
        self._verify = verify
        self._worker: IWorker = InPlace()
        self._semaphore = DeferredSemaphore(VERIFIERS)

    def open(self, worker: IWorker) -> None:
        self._worker = worker
        self._file.open()

    def knows(self, name: str) -> bool:
        return name in self._file.content().hashes

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        """@return: fires with the name; fails with L{wire.Refused} if too many wait already, or if
        it cannot be verified just now.
        """
        if len(self._semaphore.waiting) >= WAITING:
            return fail(wire.busy())
        name, secret = credentials.username.decode(errors="replace"), credentials.password
        answer: Deferred[bytes | tuple[()]] = Deferred()

        def check() -> Deferred[bytes] | None:
            if answer.called:  # nobody waits for it any more
                return None
            return self._worker.run(lambda: self._check(name, secret)).addErrback(_unavailable)

        def tell(result: bytes | Failure | None) -> None:
            if not answer.called:
                answer.callback(result)  # type: ignore[arg-type]  # None if it was called

        self._semaphore.run(check).addBoth(tell)
        return answer

    def _check(self, name: str, secret: bytes) -> bytes:
        content = self._file.content()
        hashed = content.hashes.get(name)
        is_right = self._verify(content.dummy if hashed is None else hashed, secret)
        if hashed is None:
            raise UnauthorizedLogin
        if not is_right:
            raise Denied(f"the secret of {name} is wrong")
        return name.encode()


def _unavailable(failure: Failure) -> NoReturn:
    failure.trap(Unavailable)
    raise wire.Refused(wire.busy().notice, failure.getErrorMessage())


def _parse(data: bytes) -> entries.Entries:
    return entries.parse(data.decode())
