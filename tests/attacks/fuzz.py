"""C{python -m tests.attacks.fuzz}: L{feed}, with bytes that look for what none have reached yet.

It needs C{atheris}, which is in the dependency group C{fuzz}. Its counts are libFuzzer's: C{cov}
are the places in the server's code that were reached. A program that breaks the server ends the
run, and is left in a file, which C{--again} runs without the fuzzer.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from hashlib import sha1
from pathlib import Path
from tempfile import TemporaryDirectory

_LONGEST = 600
"""Bytes of the longest program: about two hundred blows."""

_COMMAND = "python -m tests.attacks.fuzz"


def main(arguments: list[str]) -> int:
    parser = ArgumentParser(prog=_COMMAND, description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--again", type=Path, metavar="FILE", help="run this program, and no other")
    parser.add_argument("--corpus", type=Path, metavar="FOLDER", help="keep what was found here")
    options = parser.parse_args(arguments)
    if options.again is not None:
        _run_again(options.again)
        return 0
    if options.corpus is not None:
        _fuzz(options.seconds, options.corpus)
    # The fuzzer ends its process, and would leave a temporary folder behind.
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.attacks.fuzz", "--corpus", folder, *arguments]
        return subprocess.run(command, check=False).returncode


def _run_again(path: Path) -> None:
    from tests.attacks.siege import feed

    feed(path.read_bytes())
    print(f"the server has borne {path}")


def _fuzz(seconds: int, corpus: Path) -> None:
    import atheris

    with atheris.instrument_imports(include=["achat_twisted"]):
        from tests.attacks.programs import examples
        from tests.attacks.siege import feed

    def feed_or_say_how(data: bytes) -> None:
        try:
            feed(data)
        except Exception:
            # libFuzzer itself chooses this name.
            print(f"\nto see it again: {_COMMAND} --again crash-{sha1(data).hexdigest()}")
            raise

    for number, program in enumerate(examples()):
        (corpus / f"example-{number}").write_bytes(program)
    atheris.Setup(
        [
            _COMMAND,
            f"-max_total_time={seconds}",
            f"-max_len={_LONGEST}",
            "-len_control=0",  # or else it would take hours to get to long ones
            "-timeout=60",
            "-print_final_stats=1",
            str(corpus),
        ],
        feed_or_say_how,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
