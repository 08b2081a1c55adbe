"""C{python -m tests.simulation}: as many schedules as one likes, or one of them in words."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from traceback import print_exception

from tests.simulation.schedule import Schedule
from tests.simulation.witness import PromiseBroken


def main(arguments: list[str]) -> int:
    """Runs schedules; returns 1 if one of them has failed, which ends the run."""
    parser = ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--trace", action="store_true", help="print what happens")
    options = parser.parse_args(arguments)
    for seed in range(options.first, options.first + options.schedules):
        schedule = Schedule(seed)
        failure = None
        try:
            schedule.run()
        except PromiseBroken as broken:
            failure = broken
        if options.trace:
            print("\n".join(schedule.trace))
        if failure is not None:
            print_exception(failure)
            return 1
    print(f"{options.schedules} schedules, and no promise broken")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
