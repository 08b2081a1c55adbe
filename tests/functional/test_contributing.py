"""The commands that C{CONTRIBUTING.md} prints, started."""

from __future__ import annotations

import re
import shlex

from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

from tests.functional.processes import SCRIPTS, FunctionalTestCase
from tests.scratch import TREE

_BY_TOX = ("ruff", "lint-imports", "mypy")
"""Programs that an environment of tox has to itself."""

_AT_ONCE = 3
"""The number of commands that run at a time, as most of them wait for something, mostly."""

_SHORT_FORMS = {
    "python3 -m venv .venv": "python3 -m venv --help",
    "pip install --upgrade pip": "pip install --help",
    "pip install -e . --group test --group lint --group types": "pip install --help",
    "python -m tests": "python -m tests tests.broker.test_ledger",
    "pytest tests/units": "pytest --collect-only tests/units",
    "python -m tests.proof stops": "python -m tests.proof stops --rounds 1 --peers 2",
    "python -m tests.proof resumes": "python -m tests.proof resumes --rounds 1",
    "python -m tests.mutations": "python -m tests.mutations --list",
    "python -m tests.mutations --tenth": "python -m tests.mutations --list --tenth",
    "python -m tests.broker --first 100 --rounds 50": "python -m tests.broker --help",
    "python -m tests.simulation --schedules 10000": "python -m tests.simulation --schedules 1",
    "python -m tests.simulation --first SEED --schedules 1 --trace": (
        "python -m tests.simulation --first 7 --schedules 1 --trace"
    ),
    "python -m tests.resuming --schedules 10000": "python -m tests.resuming --schedules 1",
    "python -m tests.resuming --library --schedules 10000": (
        "python -m tests.resuming --library --schedules 1"
    ),
    "python -m tests.resuming --rooms --schedules 10000": (
        "python -m tests.resuming --rooms --schedules 1"
    ),
    "python -m tests.attacks.fuzz --seconds 600": (
        "python -m tests.attacks.fuzz --again CONTRIBUTING.md"
    ),
    "python -m tests.attacks": "python -m tests.attacks --help",
    "python -m tests.attacks --budget": "python -m tests.attacks --budget --help",
    "python -m tests.soak --minutes 60": "python -m tests.soak --help",
    "python -m docs.pictures.restart": "python -m docs.pictures.restart --help",
    "python -m docs.shared": "python -m docs.shared --help",
    "towncrier build --yes": "towncrier build --draft",
    "python -m build": "python -m build --help",
    "twine check --strict dist/*": "twine check --help",
    "python -m benchmarks.promise": "python -m benchmarks.promise --rounds 1",
    "python -m benchmarks.slow_readers": "python -m benchmarks.slow_readers --help",
    "python -m benchmarks.denials": "python -m benchmarks.denials --logins 2",
}
"""The short forms of commands that take long; any other one is started as it stands.

C{--help} stands for what other tests run, or what has to take long.
"""


def commands() -> list[str]:
    """The commands that C{CONTRIBUTING.md} prints, without the folder that programs are in."""
    text = (TREE / "CONTRIBUTING.md").read_text()
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    words = re.sub(r"\s+#.*$", "", lines, flags=re.MULTILINE).replace(".venv/bin/", "")
    return [command.strip() for command in re.split(r"\n|&&", words) if command.strip()]


class ContributingTests(FunctionalTestCase):
    """C{CONTRIBUTING.md}."""

    timeout = 300

    async def test_commands(self) -> None:
        """Each command starts, and says that all is well; tox runs what needs other programs."""
        found = commands()
        self.assertLessEqual(set(_SHORT_FORMS), set(found))
        by_tox = [command for command in found if command.split()[0] in _BY_TOX]
        settings = (TREE / "tox.ini").read_text()
        for command in by_tox:
            self.assertIn(f"    {command.removesuffix(' .')}", settings)
        places = DeferredSemaphore(_AT_ONCE)
        faults = [self._fault(command, places) for command in found if command not in by_tox]
        said = await gatherResults(map(Deferred.fromCoroutine, faults))
        self.assertEqual("".join(said), "")

    async def _fault(self, command: str, places: DeferredSemaphore) -> str:
        """A command that does not say that all is well, and its output; nothing if it does."""
        program, *arguments = shlex.split(_SHORT_FORMS.get(command, command))
        async with places:
            started = self.run_process(str(SCRIPTS / program), *arguments, folder=TREE)
            return f"{command}\n{started.output.whole}" if await started.ended else ""
