"""The Python that a program runs on, and how it was built: that alone is worth a tenth of the CPU.

Strategy: a Python is asked itself what its C{configure} was told. Anything that a distribution has
taken out of that record is unknown, not absent: Debian's Python is built with PGO and LTO, and says
neither.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypedDict

_PATIENCE = 10.0
"""Seconds in which a Python must answer."""

_NAME = re.compile(r"(python|pypy)[0-9.]*t?d?")
"""The names that the file of a Python may have."""

_QUESTION = """
import json, platform, sysconfig
names = "CONFIG_ARGS PY_CFLAGS PY_CFLAGS_NODIST PGO_PROF_GEN_FLAG PGO_PROF_USE_FLAG Py_DEBUG"
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "compiler": platform.python_compiler(),
    "variables": {name: str(sysconfig.get_config_var(name) or "") for name in names.split()},
}))
"""


class _Answer(TypedDict):
    implementation: str
    version: str
    compiler: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python.

    @ivar implementation: such as CPython.
    @ivar version: such as 3.11.7.
    @ivar compiler: the one that has compiled it, such as GCC 12.2.0.
    @ivar pgo: true if it is optimized by the profile of a run; None if that is not recorded.
    @ivar lto: true if it is optimized when it is linked; None if that is not recorded.
    @ivar debug: true if it checks itself while it runs, and is several times slower for that.
    """

    implementation: str
    version: str
    compiler: str
    pgo: bool | None
    lto: bool | None
    debug: bool

    def __str__(self) -> str:
        marks = [f"{self.implementation} {self.version}", self.compiler]
        marks += [_tell(self.pgo, "PGO"), _tell(self.lto, "LTO")]
        return ", ".join([*marks, *(["debug"] if self.debug else [])])


def ask(program: str) -> Interpreter | None:
    """The Python that this program is; None if it is none, or does not answer."""
    if not _NAME.fullmatch(os.path.basename(program)):
        return None
    with suppress(OSError, subprocess.SubprocessError, ValueError, KeyError):
        answer = subprocess.run(
            [program, "-I", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_PATIENCE,
        )
        return _judge(json.loads(answer.stdout))
    return None


def of_process(pid: int) -> Interpreter | None:
    """The Python that a process runs on; None if it runs on none.

    To ask it is to start it, so the process must be one that the user has had started.
    """
    try:
        # Not what was typed: that may be a script, whose first line names another script.
        return ask(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


def optimizations(variables: Mapping[str, str]) -> tuple[bool | None, bool | None]:
    """The use of PGO and of LTO, by C{sysconfig}'s variables; None is unknown."""
    arguments = shlex.split(variables["CONFIG_ARGS"])
    flags = f"{variables['PY_CFLAGS']} {variables['PY_CFLAGS_NODIST']}"
    pgo = "--enable-optimizations" in arguments or "-fprofile" in flags
    chosen = any(re.fullmatch("--with-lto(=(?!no$).*)?", one) for one in arguments)
    lto = chosen or "-flto" in flags
    # Every configure of CPython's sets both flags, or neither.
    is_edited = bool(variables["PGO_PROF_GEN_FLAG"]) > bool(variables["PGO_PROF_USE_FLAG"])
    absent = None if is_edited or not arguments else False
    return pgo or absent, lto or absent


def _judge(answer: _Answer) -> Interpreter:
    variables = answer["variables"]
    return Interpreter(
        answer["implementation"],
        answer["version"],
        answer["compiler"],
        *optimizations(variables),
        bool(variables["Py_DEBUG"]),
    )


def _tell(has: bool | None, what: str) -> str:
    return f"{what} not recorded" if has is None else what if has else f"no {what}"
