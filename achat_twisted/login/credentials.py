"""The credentials with which a client proves who it is, in the terms of C{twisted.cred}.

A secret is an C{IUsernamePassword}, as everywhere; its name and secret are bytes of UTF-8. For
certificates Twisted has nothing. The avatar is the name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import ICredentials, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from zope.interface import Attribute, Interface, implementer

from achat_twisted import wire
from achat_twisted.tools.interfaces import IWorker

if TYPE_CHECKING:
    from OpenSSL.crypto import X509  # too heavy for the plugins, which import this


class ICertificate(ICredentials, Interface):  # the latter is for pydoctor, which sees no other
    """A certificate that a client has shown, and has the key of; nobody has checked whose it is."""

    name: str = Attribute("The name that the client gives.")
    certificate: X509 = Attribute("The client's own certificate.")
    chain: Sequence[X509] = Attribute("The others that it has shown, perhaps up to an authority.")


@implementer(ICertificate)
@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate that a client has shown."""

    name: str
    certificate: X509
    chain: Sequence[X509]


SUPPORTED = (IUsernamePassword, ICertificate)
"""The credentials of which a checker must be able to check at least one."""


class Denied(UnauthorizedLogin):
    """A login that is refused, for a reason that may be logged."""


class IOwnChecker(ICredentialsChecker, Interface):
    """A checker of achat's own."""

    def open(worker: IWorker) -> None:
        """Get ready, and from now on let C{worker} do what would block the reactor.

        @raise Unusable: if that is not possible.
        """

    def knows(name: str) -> bool:
        """Tell if C{name} may log in, even if it never has."""


class IName(Interface):
    """An avatar that is a name. It is a C{str}, and has no methods of its own."""


@implementer(IRealm)
class Names:
    """The realm in which every avatar is a name."""

    def requestAvatar(
        self, avatarId: object, mind: object, *interfaces: type[Interface]
    ) -> tuple[type[Interface], str, Callable[[], None]]:
        """@raise Denied: if a checker has returned something that is not a name here."""
        if IName not in interfaces:
            raise NotImplementedError("there is nothing here but names")
        name = avatarId.decode(errors="replace") if isinstance(avatarId, bytes) else avatarId
        try:
            if not isinstance(name, str):
                raise wire.bad_name("it is nobody in particular")
            wire.check_name(name)
        except wire.Refused as error:
            raise Denied(f"{name!r} is not a name: {error.notice.detail}") from None
        return IName, name, lambda: None
