"""The garbage collector: it need not look again and again at what is there for good."""

from __future__ import annotations

import gc

from twisted.internet.interfaces import IReactorCore


def spare_what_stays(reactor: IReactorCore) -> None:
    """Leave all that is there when the reactor begins to run out of later collections.

    Those are 50,000 objects, of modules mostly. Every collection of everything would look at them,
    and as each login leaves some 30 objects, a crowd of clients causes several.
    """
    reactor.callWhenRunning(_spare)


def _spare() -> None:
    gc.collect()
    gc.freeze()
