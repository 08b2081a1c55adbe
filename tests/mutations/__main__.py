"""The command: C{python -m tests.mutations}."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from tests import scratch
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import LIMIT, Mutation, run, try_out

_SHOWN = 3
"""How many of the tests that noticed a mutation are named."""


def _parse(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        prog="python -m tests.mutations", description="Break the code, and see."
    )
    names = [mutation.name for mutation in MUTATIONS]
    parser.add_argument("names", nargs="*", metavar="NAME", help="which mutations; all by default")
    parser.add_argument("--list", action="store_true", help="say which mutations there are")
    chosen = parser.parse_args(arguments)
    for name in chosen.names:
        if name not in names:
            parser.error(f"no mutation {name!r}; --list has all")
    return chosen


def check_unbroken(mutations: Sequence[Mutation]) -> None:
    """See that the tests of all these are green where nothing is broken.

    @raise SystemExit: if they are not.
    """
    tests = sorted({test for mutation in mutations for test in mutation.tests.split()})
    with scratch.copy() as tree:
        if failed := run(tree, tests, 10 * LIMIT):
            raise SystemExit(f"not even unbroken: {', '.join(failed)}")


def report(mutations: Sequence[Mutation]) -> int:
    """Try mutations out, with a line for each.

    @return: how many were missed.
    """
    missed = 0
    for mutation in mutations:
        failed = try_out(mutation)
        missed += not failed
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        noticed = ", ".join(failed[:_SHOWN]) + more
        print(f"{'found ' if failed else 'MISSED'}  {mutation.name:50}  {noticed}".rstrip())
        sys.stdout.flush()
    return missed


def main(arguments: Sequence[str]) -> int:
    """@return: the exit code: 1 if a mutation was missed."""
    chosen = _parse(arguments)
    mutations = [m for m in MUTATIONS if not chosen.names or m.name in chosen.names]
    if chosen.list:
        for mutation in mutations:
            print(f"{mutation.name:50}  {mutation.file}")
        return 0
    check_unbroken(mutations)
    missed = report(mutations)
    print(f"{len(mutations) - missed} found, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
