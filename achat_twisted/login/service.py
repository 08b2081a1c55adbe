"""The gate that the options ask for, from start to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.cred import strcred
from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.login.credentials import SUPPORTED, IOwnChecker
from achat_twisted.login.gate import FORGET, LONGEST, OPEN, PortalGate
from achat_twisted.login.interfaces import IGate
from achat_twisted.net.interfaces import ILink
from achat_twisted.tools.backoff import Backoff
from achat_twisted.tools.errors import CannotStart, Unusable
from achat_twisted.tools.interfaces import IReloadable, IWorker
from achat_twisted.tools.suggest import suggest


@implementer(IGate, IReloadable)
class ReloadableGate(Service):
    """A gate that can be replaced by another one, while people come and go.

    Those who are in stay in, and those who are being checked are checked by the gate they came to.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, worker: IWorker) -> None:
        """@param worker: does what would block the reactor, while the service runs."""
        self._clock = clock
        self._worker = worker
        self._guesses = Backoff(clock, longest=LONGEST, forget=FORGET)
        self._gate: IGate = OPEN
        self._auth: Sequence[str] = ()
        self._checkers: dict[str, ICredentialsChecker] = {}

    def reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Make the gate that C{options["auth"]} asks for.

        @return: a function that puts it in place.
        @raise CannotStart: if that is not possible.
        """
        auth = tuple(options["auth"])
        # A checker that is there already stays: it watches its file by itself, and the process may
        # have left the folder that a relative path starts from.
        made = {d: self._checkers.get(d) or self._checker(d) for d in auth}
        checkers = list(made.values())
        gate = PortalGate(checkers, self._guesses, self._clock) if checkers else OPEN

        def put_in_place() -> None:
            has_changed = auth != self._auth
            self._gate, self._auth, self._checkers = gate, auth, made
            if self.running and has_changed:
                self._announce()

        return put_in_place

    def startService(self) -> None:
        super().startService()
        self._worker.start()
        if self._auth:
            self._announce()

    def stopService(self) -> None:
        super().stopService()
        self._worker.stop()

    def greet(self, link: ILink) -> None:
        self._gate.greet(link)

    def enter(self, login: wire.Login, link: ILink) -> Deferred[str] | None:
        return self._gate.enter(login, link)

    def knows(self, name: str) -> bool:
        return self._gate.knows(name)

    def _announce(self) -> None:
        if self._auth:
            self._log.info(
                "logins are checked by {auth}",
                auth=", ".join(a.partition(":")[0] for a in self._auth),
            )
        else:
            self._log.warn("anybody can log in as anybody from now on")

    def _checker(self, description: str) -> ICredentialsChecker:
        try:
            checker: ICredentialsChecker = strcred.makeChecker(description)
            if not set(SUPPORTED) & set(checker.credentialInterfaces):
                raise ValueError("it checks neither secrets nor certificates")
            if any(isinstance(user, str) for user in getattr(checker, "users", ())):
                # Twisted's memory: has text, where all others have bytes.
                raise ValueError("it would let nobody in; use file:PATH or argon2:PATH")
            if IOwnChecker.providedBy(checker):
                checker.open(self._worker)
        except strcred.InvalidAuthType:
            known = sorted(factory.authType for factory in strcred.findCheckerFactories())
            kind = description.partition(":")[0]
            why = f"there is no such type; --help-auth lists them{suggest(kind, known)}"
        except (strcred.StrcredException, ValueError, OSError, Unusable) as error:
            why = str(error)
        else:
            return checker
        # Only the type is shown, as the rest may be a secret.
        kind = description.partition(":")[0]
        raise CannotStart(f"achat: --auth {kind} will not do: {why}")
