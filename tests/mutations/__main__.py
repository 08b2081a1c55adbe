"""The command: C{python -m tests.mutations}."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.report import check_unbroken, find_misfits, report
from tests.mutations.tenth import tenth


def _parse(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        prog="python -m tests.mutations", description="Break the code, and see."
    )
    names = [mutation.name for mutation in MUTATIONS]
    parser.add_argument("names", nargs="*", metavar="NAME", help="which mutations; all by default")
    parser.add_argument("--list", action="store_true", help="say which mutations there are")
    parser.add_argument(
        "--tenth", action="store_true", help="a tenth of them, another one for each commit"
    )
    chosen = parser.parse_args(arguments)
    for name in chosen.names:
        if name not in names:
            parser.error(f"no mutation {name!r}; --list has all")
    return chosen


def main(arguments: Sequence[str]) -> int:
    """@return: the exit code: 1 if a mutation was missed, or fits the code no more."""
    chosen = _parse(arguments)
    mutations = [m for m in MUTATIONS if not chosen.names or m.name in chosen.names]
    if chosen.tenth:
        mutations = tenth(mutations)
    if chosen.list:
        for mutation in mutations:
            print(f"{mutation.file:36}  {mutation.name}")
        return 0
    if misfits := find_misfits(MUTATIONS):
        print("\n".join(misfits))
        return 1
    check_unbroken(mutations)
    missed = report(mutations)
    print(f"{len(mutations) - missed} found, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
