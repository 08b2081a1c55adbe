"""The gate: it lets clients in, each under its name, or refuses them."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import ICredentials, IUsernamePassword, UsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredSemaphore,
    fail,
    maybeDeferred,
)
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Interface, implementer

from achat_twisted import wire
from achat_twisted.login.credentials import (
    SUPPORTED,
    Denied,
    ICertificate,
    IName,
    IOwnChecker,
    Names,
    ShownCertificate,
)
from achat_twisted.login.interfaces import IGate
from achat_twisted.net.interfaces import ILink
from achat_twisted.tools.backoff import Backoff

LONGEST = 10.0
"""The most seconds that a host's next login waits after wrong secrets.

All its logins wait: if only wrong ones did, a client that guesses would not wait for the answer. A
right secret does not make up for wrong ones, or anyone who has one could guess without end; but no
neighbour can lock anybody out for longer.
"""

FORGET = 600.0
"""The seconds without a wrong secret after which a host is as good as new."""

PATIENCE = 20.0
"""The seconds that the check of a login may take, including the delay."""

CHECKED = 2
"""The logins from one host that are checked at a time, so that others find room beside them."""


@implementer(IGate)
class OpenGate:
    """Anybody may enter, under any name."""

    def greet(self, link: ILink) -> None:
        """Ask nothing."""

    def enter(self, login: wire.Login, link: ILink) -> None:
        """Let it in at once."""

    def knows(self, name: str) -> bool:
        """Always false: no name is known in advance."""
        return False


OPEN = OpenGate()
"""The gate of a server without C{--auth}."""


@implementer(ICredentialsChecker)
class AnyOf:
    """Several checkers as one, which accepts whatever any of them accepts."""

    def __init__(self, checkers: Sequence[ICredentialsChecker], kind: type[Interface]) -> None:
        self.credentialInterfaces = (kind,)
        self._checkers = checkers

    def requestAvatarId(self, credentials: ICredentials) -> Deferred[bytes | tuple[()]]:
        return Deferred.fromCoroutine(self._ask(credentials))

    async def _ask(self, credentials: ICredentials) -> bytes | tuple[()]:
        denial: UnauthorizedLogin = UnauthorizedLogin()
        for checker in self._checkers:
            try:
                name: bytes | tuple[()] = await maybeDeferred(checker.requestAvatarId, credentials)
            except UnauthorizedLogin as error:
                denial = error
            else:
                return name
        raise denial


@implementer(IGate)
class PortalGate:
    """Lets in anyone whose secret or certificate a checker accepts, under the name in its answer.

    A login with a secret goes to the checkers of secrets, and one without to those of certificates.
    """

    _log = Logger()

    def __init__(
        self, checkers: Sequence[ICredentialsChecker], guesses: Backoff, clock: IReactorTime
    ) -> None:
        self._own = [checker for checker in checkers if IOwnChecker.providedBy(checker)]
        self._guesses = guesses
        self._clock = clock
        self._semaphores: dict[str, DeferredSemaphore] = {}  # of hosts that have a login checked
        self._portal = Portal(Names())
        for kind in SUPPORTED:
            those = [checker for checker in checkers if kind in checker.credentialInterfaces]
            if those:
                self._portal.registerChecker(AnyOf(those, kind))
        self._asks_certificates = ICertificate in self._portal.checkers

    def greet(self, link: ILink) -> None:
        if self._asks_certificates:
            link.ask_certificate()

    def enter(self, login: wire.Login, link: ILink) -> Deferred[str]:
        credentials = self._credentials(login, link)
        if credentials is None:
            return fail(wire.denied("it has not proved who it is"))
        entering = Deferred.fromCoroutine(self._enter(credentials, link))
        return entering.addTimeout(PATIENCE, self._clock, lambda *_: Failure(wire.busy()))

    def knows(self, name: str) -> bool:
        return any(checker.knows(name) for checker in self._own)

    def _credentials(self, login: wire.Login, link: ILink) -> ICredentials | None:
        """The credentials to be checked; None if there are none."""
        kinds = self._portal.checkers
        if login.secret is not None and IUsernamePassword in kinds:
            return UsernamePassword(login.name.encode(), login.secret.encode())
        if self._asks_certificates and (shown := link.certificates()):
            return ShownCertificate(login.name, shown[0], shown[1:])
        return None

    async def _enter(self, credentials: ICredentials, link: ILink) -> str:
        host = link.origin
        if wait := self._guesses.wait(host):
            await deferLater(self._clock, wait)
        semaphore = self._semaphores.setdefault(host, DeferredSemaphore(CHECKED))
        await semaphore.acquire()
        try:
            _, name, _ = await self._portal.login(credentials, link, IName)
        except LoginFailed as error:
            self._guesses.tried(host)
            why = str(error) if isinstance(error, Denied) else "no such name and secret"
            raise wire.denied(why) from None
        except (wire.Refused, CancelledError):
            raise
        except Exception:
            self._log.failure("A login could not be checked")
            raise wire.busy() from None
        finally:
            semaphore.release()
            if semaphore.tokens == semaphore.limit:
                del self._semaphores[host]
        return str(name)
