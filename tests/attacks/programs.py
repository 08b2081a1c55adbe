"""Programs for a siege, as bytes: for Hypothesis to draw, and for a fuzzer to begin with."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import strategies as st

from tests.attacks.siege import ASSAILANTS, PHRASES

_BLOWS = 16


def _blow(code: int, assailant: int) -> bytes:
    return bytes([assailant << 4 | code])


def _raw() -> st.SearchStrategy[bytes]:
    """Bytes that are said as they are; with their number before them."""
    anything = st.binary(max_size=120)
    text = st.text(max_size=40).map(lambda text: text.encode(errors="surrogatepass"))
    line = st.tuples(st.sampled_from([b"", b"ann:", b"ann,bob:", b"/"]), text | anything)
    return line.map(lambda parts: b"".join(parts) + b"\n").map(
        lambda line: bytes([len(line[:255])]) + line[:255]
    )


def _blows() -> st.SearchStrategy[bytes]:
    """A blow with the bytes it needs; bytes that it does not need are another one."""
    assailants = st.integers(0, ASSAILANTS - 1)
    said = st.builds(lambda who, raw: _blow(0, who) + raw, assailants, _raw())
    others = st.builds(
        lambda code, who, detail: _blow(code, who) + detail,
        st.integers(1, _BLOWS - 1),
        assailants,
        st.binary(min_size=1, max_size=2),
    )
    return said | others


def programs() -> st.SearchStrategy[bytes]:
    """Three bytes that set up the server, and blows."""
    blows = st.lists(_blows(), max_size=60).map(b"".join)
    return st.builds(lambda setup, blows: setup + blows, st.binary(min_size=3, max_size=3), blows)


def examples() -> Iterator[bytes]:
    """Some programs in which much happens: all are logged in, and then each says something."""
    entry = b"".join(_blow(3, who) + bytes([who]) for who in range(ASSAILANTS))
    for number in range(len(PHRASES)):
        rng = Random(number)
        blows = (
            _blow(rng.choice([*range(1, 14), 15]), rng.randrange(ASSAILANTS)) + rng.randbytes(2)
            for _ in range(30)
        )
        yield rng.randbytes(3) + entry + _blow(1, 0) + bytes([number]) + b"".join(blows)
