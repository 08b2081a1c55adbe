"""Makes C{twistd achat} known, and the ways to prove who one is that achat has to offer."""

from twisted.application.service import ServiceMaker

from achat_twisted.login.plugins import Argon2Factory, TLSFactory

achat = ServiceMaker(
    "achat",
    "achat_twisted.tap",
    "A chat server that never silently loses a line it has accepted.",
    "achat",
)

argon2 = Argon2Factory()
tls = TLSFactory()
