"""C{python -m tests.broker}: the broker under as many random orders of events as one likes."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter

from tests.broker.test_broker_machine import BrokerMachine, DurableMachine, SqliteMachine, run


def main(arguments: list[str]) -> None:
    """Runs each machine once for each seed; what breaks a promise is raised, and ends the run."""
    parser = ArgumentParser(prog="python -m tests.broker", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    options = parser.parse_args(arguments)
    for number in range(options.first, options.first + options.rounds):
        for machine in (BrokerMachine, SqliteMachine, DurableMachine):
            print(f"{machine.__name__}, seed {number}", flush=True)
            machine.seen = Counter()
            run(machine, number, examples=200)
    print(f"no promise broken; rounds: {options.rounds}")


if __name__ == "__main__":
    main(sys.argv[1:])
