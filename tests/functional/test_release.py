"""The wheel and the source distribution, as a release would upload them."""

from __future__ import annotations

import re
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

from achat_twisted import __version__
from tests.functional.processes import SCRIPTS, FunctionalTestCase
from tests.scratch import TREE

WHEEL = f"achat_twisted-{__version__}-py3-none-any.whl"
SOURCE = f"achat_twisted-{__version__}.tar.gz"


def files(package: Path) -> set[Path]:
    """All files of a package, but for what Python leaves there."""
    found = {path.relative_to(package) for path in package.rglob("*") if path.is_file()}
    return {path for path in found if path.parent.name != "__pycache__"}


class ReleaseTests(FunctionalTestCase):
    """The release as a user installs it."""

    async def prints(self, *command: str) -> str:
        """Run a command far away from the source tree, to its good end."""
        process = self.run_process(*command, folder=Path("/"))
        self.assertEqual(await process.ended, 0, process.output.whole)
        return process.output.whole

    async def installed(self, file: Path) -> Path:
        """An environment with nothing of its own but what is installed from this file.

        What achat depends on comes from the environment of the tests, so that no registry has to
        be asked.
        """
        home = self.folder()
        venv.create(home, symlinks=True)
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
        await self.prints(
            *(sys.executable, "-m", "pip", "--python", str(home / "bin" / "python")),
            *("install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"),
            *("--ignore-installed", str(file)),
        )
        return packages

    async def assert_whole(self, packages: Path) -> None:
        """The commands run from there, and no file is missing."""
        scripts = packages.parents[2] / "bin"
        version = await self.prints(str(scripts / "achat"), "--version")
        self.assertEqual(version, f"achat, version {__version__}\n")
        version = await self.prints(
            str(scripts / "python"), str(SCRIPTS / "twistd"), "achat", "--version"
        )
        self.assertIn(f"achat {__version__} on Twisted ", version)
        where = "import achat_twisted; print(achat_twisted.__path__[0])"
        package = (await self.prints(str(scripts / "python"), "-c", where)).rstrip("\n")
        self.assertEqual(package, str(packages / "achat_twisted"))
        found = files(Path(package))
        self.assertEqual(found, files(TREE / "achat_twisted"))
        self.assertLessEqual({Path("py.typed"), Path("mailbox", "schema.sql")}, found)
        self.assertTrue((packages / "twisted" / "plugins" / "achat_plugin.py").exists())
        self.assertEqual(files(packages.parents[2] / "share"), files(TREE / "share"))
        told = packages / f"achat_twisted-{__version__}.dist-info"
        license_ = (told / "licenses" / "LICENSE").read_text()
        self.assertEqual(license_, (TREE / "LICENSE").read_text())
        self.assertIn("\nLicense-Expression: MIT\n", (told / "METADATA").read_text())

    def test_documents(self) -> None:
        """The documents that print the version print this one."""
        operations = (TREE / "docs" / "operations.md").read_text()
        printed = re.findall(r"(?m)^ *achat ([0-9.]+) on Twisted", operations)
        self.assertEqual(printed, [__version__, __version__])

    async def test_release(self) -> None:
        """Both files are built and sound, and either installs all of achat."""
        built = self.folder()
        await self.prints(
            *(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(TREE))
        )
        self.assertEqual(sorted(path.name for path in built.iterdir()), [WHEEL, SOURCE])
        both = [built / WHEEL, built / SOURCE]
        await self.prints(str(SCRIPTS / "twine"), "check", "--strict", *map(str, both))
        for file in both:
            packages = await self.installed(file)
            await self.assert_whole(packages)
            self.assertFalse((packages / "examples").exists())
        with tarfile.open(built / SOURCE) as source:
            names = {name.partition("/")[2] for name in source.getnames()}
        examples = {f"examples/{file}" for file in files(TREE / "examples")}
        self.assertLessEqual({"examples/worker.py"} | examples, names)
