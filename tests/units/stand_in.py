"""A stand-in for systemd where that cannot run: it starts the service under the unit's bans.

Two tables name the settings that are rebuilt, by namespaces and a filter of system calls, and those
that are not. A setting that is in neither fails the tests, so that somebody decides about it.
"""

from __future__ import annotations

import platform
import re
import shlex
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.units.box import PATIENCE, Box
from tests.units.documents import drop_ins
from tests.units.managers import Manager

DEPLOY = Path(__file__).parents[2] / "deploy"

UNITS = "/etc/systemd/system"

UID = 61184
"""The first of the users that C{DynamicUser=} makes up."""

REBUILT = {
    *("ExecStart", "WorkingDirectory", "StateDirectory", "StateDirectoryMode", "RuntimeDirectory"),
    *("LimitNOFILE", "UMask", "DynamicUser", "SupplementaryGroups", "CapabilityBoundingSet"),
    *("ProtectHome", "ProcSubset", "ProtectProc", "ProtectKernelTunables"),
    *("PrivateNetwork", "RestrictAddressFamilies", "SystemCallFilter", "SystemCallErrorNumber"),
    *("PrivateDevices", "ListenStream"),
}
"""Settings that are in force here; of C{SystemCallFilter=} the calls that change owners alone."""

NOT_REBUILT = {
    *("DevicePolicy", "LockPersonality", "PrivateUsers", "ProtectClock", "ProtectKernelLogs"),
    *("ProtectControlGroups", "ProtectHostname"),
    *("ProtectKernelModules", "RestrictNamespaces", "RestrictRealtime", "SystemCallArchitectures"),
}
"""Settings that are not: of those only systemd itself shows whether the server bears them."""

NO_MATTER = {
    *("Description", "Requires", "After", "StartLimitIntervalSec", "StartLimitBurst", "WantedBy"),
    *("Type", "NotifyAccess", "WatchdogSec", "ExecReload", "SyslogIdentifier", "TimeoutStopSec"),
    *("KillMode", "Restart", "RestartSec", "Also", "Backlog"),
}
"""Settings that forbid nothing."""

_OPEN = """\
import os, socket, sys
count = int(sys.argv[1])
for number, address in enumerate(sys.argv[2 : 2 + count]):
    host, _, port = address.rpartition(":")
    port = socket.create_server((host, int(port)), backlog=4096)
    os.dup2(port.fileno(), 3 + number + 100)
for number in range(count):
    os.dup2(3 + number + 100, 3 + number)
    os.close(3 + number + 100)
os.environ.update(LISTEN_FDS=str(count), LISTEN_FDNAMES=":".join(["achat.socket"] * count))
os.execvp(sys.argv[2 + count], sys.argv[2 + count :])
"""
"""Opens sockets as systemd would, and hands them to a command."""

_NUMBERS = {"x86_64": (0xC000003E, 41, (92, 93, 94, 260)), "aarch64": (0xC00000B7, 198, (55, 54))}
"""For each architecture its number, that of C{socket(2)}, and those of C{chown(2)} and its kin."""

_RESTRICT = """\
import ctypes, os, socket, struct, sys
architecture, socket_call, denied, families, command = eval(sys.argv[1])
LOAD, EQUAL, RETURN, ALLOW, ERROR = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000
program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, ERROR | 1), (LOAD, 0, 0, 0)]
for number in denied:
    program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERROR | 1)]
if families is not None:
    program += [(EQUAL, 1, 0, socket_call), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, 16)]
    for family in families:
        program += [(EQUAL, 0, 1, getattr(socket, family)), (RETURN, 0, 0, ALLOW)]
    program += [(RETURN, 0, 0, ERROR | 97)]
else:
    program += [(RETURN, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
filter = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, filter, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(command[0], command)
"""
"""Filters system calls, see C{seccomp(2)}, and becomes a command."""


class Settings(dict[str, list[str]]):
    """A unit with its drop-ins: for each setting its values; an empty one clears them."""

    def __init__(self, texts: Iterable[str]) -> None:
        super().__init__()
        for text in texts:
            for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
                self.setdefault(key, []).append(value)
                if not value:
                    self[key].clear()

    def last(self, key: str, default: str = "") -> str:
        return (self.get(key) or [default])[-1]

    def on(self, key: str) -> bool:
        return self.last(key) in ("yes", "true", "on", "1")

    def words(self, key: str) -> list[str]:
        return " ".join(self.get(key, [])).split()


def unknown() -> set[str]:
    """Settings of the shipped units, or of the document, about which nobody has decided."""
    texts = [(DEPLOY / name).read_text() for name in ("achat.service", "achat.socket")]
    settings = Settings([*texts, *(text for _, text in drop_ins())])
    return set(settings) - REBUILT - NOT_REBUILT - NO_MATTER


def sandbox(unit: Settings) -> list[str]:
    """The words that run a command as the service would, under the unit's bans."""
    mounts = ["set -e", "echo $$ > /run/service.pid", "mount --make-rprivate /"]
    namespaces = ["--mount"]
    if unit.on("PrivateNetwork"):
        namespaces.append("--net")
    if unit.on("ProtectHome"):
        mounts += [f"mount -t tmpfs -o mode=000 tmpfs {place}" for place in ("/root", "/home")]
    options = [
        *(["subset=pid"] if unit.last("ProcSubset") == "pid" else []),
        *(["hidepid=invisible"] if unit.last("ProtectProc") == "invisible" else []),
    ]
    if options:
        mounts.append(f"mount -t proc -o {','.join(options)} proc /proc")
    if unit.on("DynamicUser"):  # which brings ProtectSystem=strict, and PrivateTmp=
        mounts += [
            "mount -t tmpfs -o mode=1777 tmpfs /tmp",
            *(f"mount --bind {place} {place}" for place in ("/var/lib/achat", "/run/achat")),
            "mount -o remount,bind,ro /",
            *(f"mount -o remount,bind,ro {place}" for place in ("/etc", "/opt", "/var", "/run")),
        ]
    mounts += [
        f"umask {unit.last('UMask', '0022')}",
        f"ulimit -n {unit.last('LimitNOFILE', '1024')} 2> /dev/null || ulimit -n $(ulimit -H -n)",
        f"cd {unit.last('WorkingDirectory', '/').replace('%S', '/var/lib')}",
        'exec "$@"',
    ]
    groups = unit.words("SupplementaryGroups")
    rights = [
        *(["--reuid", str(UID), "--regid", str(UID)] if unit.on("DynamicUser") else []),
        *(["--groups", ",".join(groups)] if groups else ["--clear-groups"]),
        *(["--bounding-set=-all"] if "CapabilityBoundingSet" in unit else []),
        "--no-new-privs",
    ]
    return [
        *("unshare", *namespaces, "bash", "-c", "; ".join(mounts), "service"),
        *("setpriv", *rights),
    ]


def _restrict(unit: Settings, command: list[str]) -> list[str]:
    architecture, socket_call, chowns = _NUMBERS[platform.machine()]
    families = unit.words("RestrictAddressFamilies") if "RestrictAddressFamilies" in unit else None
    denied = (
        chowns
        if any(word.startswith("~@privileged") for word in unit.words("SystemCallFilter"))
        else ()
    )
    return [
        *("/opt/achat/bin/python", "-c", _RESTRICT),
        repr((architecture, socket_call, denied, families, command)),
    ]


class StandIn(Manager):
    """Starts and stops the service when it is told what systemd would be told."""

    def __init__(self, place: Path) -> None:
        """@param place: an empty directory of the test's own.
        @raise RuntimeError: if there can be no box.
        """
        self._output = (place / "output").open("w+")
        self._service: subprocess.Popen[bytes] | None = None
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.box = Box(place, "sleep", "infinity")
        try:
            self.box.wait_for('test "$(hostname)" = box')
            path = Path(f"/proc/{self.box.first}/root/run/notify")
            self._notified.bind(str(path))
            path.chmod(0o666)
        except BaseException:
            self.end()
            raise

    def type(self, command: str) -> str:
        words = command.split()
        if words[0] != "systemctl":
            return super().type(command)
        if words[1] in ("enable", "start", "restart"):
            self._stop()
            self._start()
        return ""

    def log(self) -> str:
        return Path(self._output.name).read_text()

    def end(self) -> None:
        super().end()
        if self._service is not None:
            self._service.wait(PATIENCE)
        self._notified.close()
        self._output.close()

    def _unit(self, name: str) -> Settings:
        place = f"{UNITS}/{name}"
        done = self.box.run(f"cat {place}; cat {place}.d/*.conf 2> /dev/null; true")
        return Settings([done.stdout])

    def _start(self) -> None:
        unit, sockets = self._unit("achat.service"), self._unit("achat.socket")["ListenStream"]
        mode = unit.last("StateDirectoryMode", "755")
        owner = f"-o {UID} -g {UID}"
        self.type(f"install -d {owner} -m {mode} /var/lib/achat; install -d {owner} /run/achat")
        command = [
            *("env", "STATE_DIRECTORY=/var/lib/achat", "RUNTIME_DIRECTORY=/run/achat"),
            "NOTIFY_SOCKET=/run/notify",
            *("/opt/achat/bin/python", "-c", _OPEN, str(len(sockets)), *sockets),
            *sandbox(unit),
            *_restrict(unit, shlex.split(unit.last("ExecStart"))),
        ]
        self._service = self.box.start(command, self._output)
        self._wait_for("READY=1")

    def _wait_for(self, state: str) -> None:
        assert self._service is not None
        self._notified.settimeout(0.1)
        for _ in range(int(PATIENCE * 10)):
            try:
                if state in self._notified.recv(4096).decode():
                    return
            except TimeoutError:
                assert self._service.poll() is None, self.log()
        raise AssertionError(f"no {state}: {self.log()}")

    def _stop(self) -> None:
        if self._service is not None:
            self.type("kill $(cat /run/service.pid)")
            self._service.wait(PATIENCE)
            self._service = None
