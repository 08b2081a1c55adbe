"""For tox: the interpreters that pyenv has installed, of which uv finds only the active ones."""

from __future__ import annotations

import os
from pathlib import Path

from tox.config.cli.parser import ToxParser
from tox.plugin import impl


@impl
def tox_add_option(parser: ToxParser) -> None:
    """Put them at the end of C{PATH}, where uv looks for any."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob("versions/3.*/bin"))
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, found)])
