"""Makes C{twistd achat} known."""

from twisted.application.service import ServiceMaker

achat = ServiceMaker(
    "achat",
    "achat_twisted.tap",
    "A chat server that never silently loses a line it has accepted.",
    "achat",
)
