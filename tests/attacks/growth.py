"""C{python -m tests.attacks.growth}: what a process holds after more and more sieges, as JSON.

It is a process of its own, as a runner of tests remembers things, too: what was logged, and what
it has yet to report.
"""

from __future__ import annotations

import gc
import json
import tracemalloc

from tests.attacks.programs import examples
from tests.attacks.siege import feed

_TIMES = (2, 2, 2)
"""The numbers of sieges by each program before the first look, and before each one that follows."""


def _held_after(times: int) -> tuple[int, int]:
    """The number of objects, and of bytes, after the same sieges so many times.

    The events that the logger remembers while nobody reads it are the same each time then.
    """
    for program in [*examples()] * times:
        feed(program)
    gc.collect()
    return len(gc.get_objects()), tracemalloc.get_traced_memory()[0]


if __name__ == "__main__":
    tracemalloc.start()
    print(json.dumps([_held_after(times) for times in _TIMES]))
