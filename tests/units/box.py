"""A box: a machine of its own as far as the kernel can make one up, with achat in C{/opt/achat}.

Strategy: namespaces for mounts, processes, the network and the host name; what would be written to
the machine's own C{/etc}, C{/var} and C{/opt} goes into a layer above them, that ends with the box.
C{/proc/sys} can only be read, and C{/dev} has the harmless devices alone.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import achat_twisted

ROOT = Path(__file__).parents[2]

PYTHON = f"/opt/achat/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
"""The interpreter that runs the tests, as the box has it."""

CHECKOUT = "/opt/checkout"
"""The directory in which commands are typed in the box, with C{deploy} in it."""

PATIENCE = 30.0
"""Seconds after which what has not happened in a box will not."""

_MAKE = """\
set -e
place=$1
shift
mount --make-rprivate /
mount -t tmpfs tmpfs "$place"
for layer in etc var opt; do
    mkdir "$place/$layer" "$place/.$layer"
    layers="lowerdir=/$layer,upperdir=$place/$layer,workdir=$place/.$layer"
    mount -t overlay -o "$layers" box "/$layer"
done
mkdir -p /opt/achat/bin /opt/achat/python {checkout}
mount --rbind {prefix} /opt/achat/python
{paths}
wrap() {{
    cat > "/opt/achat/bin/$1" << END
#!/bin/sh
export LD_LIBRARY_PATH=/opt/achat/python/lib PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH={pythonpath}
exec {python} $2 "\\$@"
END
    chmod 755 "/opt/achat/bin/$1"
}}
wrap python
wrap twistd /opt/achat/bin/.twistd
wrap achat /opt/achat/bin/.achat
echo 'from twisted.scripts.twistd import run; run()' > /opt/achat/bin/.twistd
echo 'from achat_twisted.cli import main; main()' > /opt/achat/bin/.achat
cp -r {deploy} {checkout}
/opt/achat/bin/python -c '
import fcntl, socket, struct
UP, SET_FLAGS = 1, 0x8914  # netdevice(7)
fcntl.ioctl(socket.socket(), SET_FLAGS, struct.pack("16sH14x", b"lo", UP))
'
mkdir "$place/dev"
mount -t tmpfs -o mode=755 tmpfs "$place/dev"
for node in null zero full random urandom tty; do
    touch "$place/dev/$node"
    mount --bind "/dev/$node" "$place/dev/$node"
done
ln -s /proc/self/fd "$place/dev/fd"
ln -s pts/ptmx "$place/dev/ptmx"
mkdir "$place/dev/shm" "$place/dev/pts"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$place/dev/pts"
mount --move "$place/dev" /dev
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
hostname box
exec "$@"
"""


def _script() -> str:
    """The shell script that makes the box out of fresh namespaces."""
    prefix = Path(sys.base_prefix)
    package = Path(achat_twisted.__file__).parents[1]
    # The modules that the test has imported, wherever they are: not all places can be seen there.
    paths = dict.fromkeys([package, *(Path(path) for path in sys.path if path)])
    paths = {path: None for path in paths if path.is_dir() and not path.is_relative_to(prefix)}
    places = {path: f"/opt/achat/path{number}" for number, path in enumerate(paths)}
    return _MAKE.format(
        checkout=CHECKOUT,
        deploy=shlex.quote(str(ROOT / "deploy")),
        prefix=shlex.quote(str(prefix)),
        python=PYTHON,
        pythonpath=":".join(places.values()),
        paths="\n".join(
            f"mkdir {place}; mount --bind {shlex.quote(str(path))} {place}"
            for path, place in places.items()
        ),
    )


class Box:
    """One box, from its making to its end."""

    def __init__(self, place: Path, *command: str) -> None:
        """@param place: an empty directory of the test's own.
        @param command: what is to be its first process.
        @raise RuntimeError: if there can be none here; it says why.
        """
        self._log = (place / "log").open("w+")
        space = place / "space"
        space.mkdir()
        self._unshare = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"),
                *("--fork", "--kill-child"),
                *("bash", "-c", _script(), "box", str(space), *command),
            ],
            stdout=self._log,
            stderr=self._log,
            stdin=subprocess.DEVNULL,
        )

    def said(self) -> str:
        """The output of its making, and of its first process."""
        self._log.flush()
        return Path(self._log.name).read_text()

    @property
    def first(self) -> int:
        """The first process, by its number outside."""
        pid = self._unshare.pid
        while self._unshare.poll() is None:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if children:
                return int(children[0])
            time.sleep(0.01)
        raise RuntimeError(f"there can be no box: {self.said()}")

    def _enter(self, *command: str) -> list[str]:
        place = f"--wdns={CHECKOUT}"
        return ["nsenter", "--all", "--target", str(self.first), place, *command]

    def start(self, command: Sequence[str], output: IO[str]) -> subprocess.Popen[bytes]:
        """Start a command in the box, and do not wait for it.

        It is a child of this process: to end it is to end what runs in the box.
        """
        return subprocess.Popen(
            self._enter(*command), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )

    def run(self, command: str, *, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Type a command into a shell in the box.

        @param text: what it reads from standard input.
        """
        return subprocess.run(
            self._enter("bash", "-o", "pipefail", "-c", command),
            input=text or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def wait_for(self, command: str) -> None:
        """Type a command until it succeeds.

        @raise RuntimeError: if it does not, or the box has ended.
        """
        patience = time.monotonic() + PATIENCE
        while (done := self.run(command)).returncode:
            if time.monotonic() > patience:
                raise RuntimeError(f"{command}: {done.stdout}")
            time.sleep(0.05)

    def write(self, path: str, text: str) -> None:
        """Write a file in the box, with the directories that it needs."""
        done = self.run(f"mkdir -p {os.path.dirname(path)} && cat > {path}", text=text)
        assert done.returncode == 0, done.stdout

    def end(self) -> None:
        """End it, with all that runs in it."""
        with suppress(RuntimeError):  # it has ended by itself
            os.kill(self.first, signal.SIGKILL)
        self._unshare.wait(PATIENCE)
        self._log.close()
