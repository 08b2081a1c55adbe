"""The words for what tests say to mutations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests import scratch
from tests.mutations.mutation import LIMIT, Mutation, run, try_out

_SHOWN = 3
"""The number of tests that are named of those that noticed a mutation."""


def find_misfits(mutations: Sequence[Mutation]) -> list[str]:
    """A sentence for each of these that cannot be made, as the code has changed since."""
    misfits = []
    for mutation in mutations:
        try:
            compile(mutation.edit.changed(scratch.TREE), mutation.file, "exec")
        except (scratch.Misfit, SyntaxError, OSError) as error:
            misfits.append(f"the mutation {mutation.name!r} does not fit: {error}")
    return misfits


def check_unbroken(mutations: Sequence[Mutation]) -> None:
    """See that the tests of all these are green where nothing is broken.

    @raise SystemExit: if they are not.
    """
    tests = sorted({test for mutation in mutations for test in mutation.tests.split()})
    with scratch.copy() as tree:
        if failed := run(tree, tests, 10 * LIMIT):
            raise SystemExit(f"not even unbroken: {', '.join(failed)}")


def report(mutations: Sequence[Mutation]) -> int:
    """Try mutations out, as many at a time as there are cores, with a line for each.

    @return: how many were missed.
    """
    missed = 0
    wide = max(len(mutation.name) for mutation in mutations)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutation, noticed in zip(mutations, pool.map(try_out, mutations), strict=True):
            missed += not noticed
            more = f" and {len(noticed) - _SHOWN} more" if len(noticed) > _SHOWN else ""
            line = f"{mutation.name:{wide}}  {', '.join(noticed[:_SHOWN])}{more}"
            print(f"{'found ' if noticed else 'MISSED'}  {line}".rstrip(), flush=True)
    return missed
