"""What a client may prove itself with, and what comes of it: the words of C{twisted.cred}.

A secret is an C{IUsernamePassword}, as everywhere; its name and secret are bytes of UTF-8. For a
certificate there is nothing in Twisted. The avatar is the name.
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
    """A certificate that a client has shown, and has the key of; whose it is nobody has checked."""

    name: str = Attribute("Who the client says it is.")
    certificate: X509 = Attribute("What it has shown for that.")
    chain: Sequence[X509] = Attribute("What else it has shown, which may lead to an authority.")


@implementer(ICertificate)
@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate that a client has shown."""

    name: str
    certificate: X509
    chain: Sequence[X509]


SUPPORTED = (IUsernamePassword, ICertificate)
"""What a checker must be able to check, one of them at least."""


class Denied(UnauthorizedLogin):
    """Not let in, for a reason that may be logged."""


class IOwnChecker(ICredentialsChecker, Interface):
    """A checker of achat's own."""

    def open(worker: IWorker) -> None:
        """Get ready, and from now on have C{worker} do what would hold the reactor up.

        @raise Unusable: if that cannot be.
        """

    def knows(name: str) -> bool:
        """Whether C{name} may come, whether it ever has or not."""


class IName(Interface):
    """An avatar that is a name. There is nothing to ask of it: it is a C{str}."""


@implementer(IRealm)
class Names:
    """The realm in which who has been let in is a name."""

    def requestAvatar(
        self, avatarId: object, mind: object, *interfaces: type[Interface]
    ) -> tuple[type[Interface], str, Callable[[], None]]:
        """@raise Denied: if a checker has let something in that cannot be a name here."""
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
