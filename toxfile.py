"""For tox: the interpreters that pyenv has installed, of which tox finds only the active ones."""

from __future__ import annotations

import os
from pathlib import Path

from tox.config.sets import ConfigSet
from tox.plugin import impl
from tox.session.state import State


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:
    """Have tox look at them, too, as C{--discover} would."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob("versions/3.*/bin/python"))
    state.conf.options.discover.extend(map(str, found))
