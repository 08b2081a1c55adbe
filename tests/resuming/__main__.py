"""C{python -m tests.resuming}: as many schedules as one likes, or one of them in words."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from tests.resuming.client import Client
from tests.resuming.library import LibraryClient
from tests.resuming.model import Mode
from tests.resuming.rooms import RoomWorld
from tests.resuming.world import World


def main(arguments: list[str]) -> int:
    """Runs schedules; returns 1 if one of them has failed, which ends the run."""
    parser = ArgumentParser(prog="python -m tests.resuming", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000, metavar="N", help="for each mode")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], action="append")
    parser.add_argument("--library", action="store_true", help="have clients use the library")
    parser.add_argument("--rooms", action="store_true", help="have clients use rooms and devices")
    parser.add_argument("--trace", action="store_true", help="print what happens")
    options = parser.parse_args(arguments)
    if options.library and options.rooms:
        parser.error("the library's clients have schedules without rooms alone")
    modes = [Mode(mode) for mode in options.mode or [mode.value for mode in Mode]]
    kind = LibraryClient if options.library else Client
    for seed in range(options.first, options.first + options.schedules):
        for mode in modes:
            world = RoomWorld(seed, mode) if options.rooms else World(seed, mode, kind)
            wrong = world.run()
            if options.trace:
                print("\n".join(world.trace))
            if wrong:
                print("\n".join(wrong))
                print(repeat(seed, mode, kind, rooms=options.rooms))
                return 1
    print(f"{options.schedules} schedules in each of {len(modes)} modes, and nothing was wrong")
    return 0


def repeat(seed: int, mode: Mode, kind: type[Client] = Client, *, rooms: bool = False) -> str:
    """The command that runs a schedule again, in words."""
    library = " --library" if kind is LibraryClient else ""
    seeds = f"--first {seed} --schedules 1 --mode {mode.value}"
    return f"python -m tests.resuming{library}{' --rooms' if rooms else ''} {seeds} --trace"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
