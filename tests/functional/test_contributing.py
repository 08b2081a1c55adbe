"""The commands that C{CONTRIBUTING.md} prints, started."""

from __future__ import annotations

import re
import shlex

from tests.functional.processes import SCRIPTS, FunctionalTestCase
from tests.scratch import TREE

_BY_TOX = ("ruff", "lint-imports", "mypy")
"""Programs that an environment of tox has to itself."""

_SHORT_FORMS = {
    "python3 -m venv .venv": "python3 -m venv --help",
    "pip install --upgrade pip": "pip install --help",
    "pip install -e . --group test --group lint --group types": "pip install --help",
    "python -m twisted.trial tests": "python -m twisted.trial tests.broker.test_ledger",
    "pytest tests/units": "pytest --collect-only tests/units",
    "python -m tests.proof stops": "python -m tests.proof stops --rounds 1 --peers 2",
    "python -m tests.proof resumes": "python -m tests.proof resumes --rounds 1",
    "python -m tests.mutations": "python -m tests.mutations --list",
    "python -m tests.mutations --tenth": "python -m tests.mutations --list --tenth",
    "python -m tests.simulation --schedules 10000": "python -m tests.simulation --schedules 1",
    "python -m tests.simulation --first SEED --schedules 1 --trace": (
        "python -m tests.simulation --first 7 --schedules 1 --trace"
    ),
    "python -m tests.resuming --schedules 10000": "python -m tests.resuming --schedules 1",
    "python -m tests.resuming --library --schedules 10000": (
        "python -m tests.resuming --library --schedules 1"
    ),
    "python -m tests.attacks.fuzz --seconds 600": (
        "python -m tests.attacks.fuzz --again CONTRIBUTING.md"
    ),
    "python -m tests.attacks": "python -m tests.attacks --help",
    "python -m tests.attacks --budget": "python -m tests.attacks --budget --help",
    "python -m tests.soak --minutes 60": "python -m tests.soak --help",
    "python -m docs.pictures.restart": "python -m docs.pictures.restart --help",
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

    async def test_commands(self) -> None:
        """Each command starts, and says that all is well; tox runs what needs other programs."""
        found = commands()
        self.assertLessEqual(set(_SHORT_FORMS), set(found))
        settings = (TREE / "tox.ini").read_text()
        for command in found:
            if command.split()[0] in _BY_TOX:
                self.assertIn(f"    {command.removesuffix(' .')}", settings)
                continue
            program, *arguments = shlex.split(_SHORT_FORMS.get(command, command))
            started = self.run_process(str(SCRIPTS / program), *arguments, folder=TREE)
            self.assertEqual(await started.ended, 0, f"{command}\n{started.output.whole}")
