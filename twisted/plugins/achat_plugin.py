"""Makes C{twistd achat} known, and achat's own checkers for C{--auth}."""

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
