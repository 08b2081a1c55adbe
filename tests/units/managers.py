"""The manager that starts the units in a box: their common part, and systemd itself."""

from __future__ import annotations

import os
import subprocess
import time
import tomllib
from pathlib import Path

import tomli_w

from tests.units.box import Box
from tests.units.documents import CONFIGURATION, Step

SYSTEMD = Path("/lib/systemd/systemd")

_BOOT = """\
set -e
mkdir /run/groups
mount -t cgroup2 none /run/groups
mkdir /run/groups/{group}
echo $$ > /run/groups/{group}/cgroup.procs
umount /run/groups
exec unshare --cgroup bash -c '
    set -e
    umount --recursive --lazy /sys/fs/cgroup || true
    mount -t cgroup2 none /sys/fs/cgroup
    # Nothing of what the machine itself would start, mount or set: only what a service rests on.
    mkdir /run/units
    cd /usr/lib/systemd/system
    cp sysinit.target basic.target sockets.target multi-user.target shutdown.target /run/units
    cp systemd-journald.service systemd-journald.socket /run/units
    mount --bind /run/units /usr/lib/systemd/system
    mount -t tmpfs tmpfs /usr/lib/systemd/system-generators
    mount -t tmpfs tmpfs /etc/systemd/system
    mkdir -p /etc/systemd/journald.conf.d
    printf "[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\nRateLimitBurst=0\\n" \
        > /etc/systemd/journald.conf.d/box.conf
    cd /
    export container=box
    exec {systemd} --system --unit=multi-user.target --show-status=no
'
"""

_TIDY = """\
mount -t cgroup2 none "$1"
find "$1$2" -depth -type d -exec rmdir {} +
"""


class Manager:
    """Starts the units in a box, and types commands there."""

    box: Box

    def type(self, command: str) -> str:
        """Type a command as root, and return its output.

        @raise AssertionError: if it fails.
        """
        done = self.box.run(command)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{self.log()}"
        return done.stdout

    def follow(self, *steps: Step) -> None:
        """Do what a document says."""
        for step in steps:
            if step.path == CONFIGURATION:
                options = tomllib.loads(self.box.run(f"cat {CONFIGURATION}").stdout)
                options |= tomllib.loads(step.text)
                self.box.write(CONFIGURATION, tomli_w.dumps(options))
            elif step.path:
                self.box.write(step.path, step.text)
            else:
                self.type(step.text)

    def log(self) -> str:
        """The server's log, to this moment."""
        raise NotImplementedError

    def end(self) -> None:
        self.box.end()


class Systemd(Manager):
    """systemd, as the first process of a box."""

    def __init__(self, place: Path) -> None:
        """@param place: an empty directory of the test's own.
        @raise RuntimeError: if it cannot run here.
        """
        if not SYSTEMD.exists():
            raise RuntimeError(f"there is no {SYSTEMD}")
        self._place = place
        self._group = f"achat-box-{os.getpid()}-{time.monotonic_ns()}"
        self.box = Box(place, "bash", "-c", _BOOT.format(group=self._group, systemd=SYSTEMD))
        try:
            self.box.wait_for("systemctl is-system-running")
            self.type("systemctl start systemd-journald.service")
        except BaseException:
            self.end()
            raise

    def log(self) -> str:
        return self.box.run("journalctl --sync; journalctl -u achat -o cat --no-pager").stdout

    def end(self) -> None:
        super().end()
        # Control groups outlive the processes in them.
        (own,) = (
            line[3:] for line in Path("/proc/self/cgroup").read_text().split() if line[:3] == "0::"
        )
        groups = self._place / "groups"
        groups.mkdir()
        command = ["unshare", "--mount", "bash", "-c", _TIDY, "tidy", str(groups)]
        subprocess.run([*command, f"{own.rstrip('/')}/{self._group}"], check=False)
