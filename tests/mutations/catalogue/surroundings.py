"""The place in which the server is started: unix sockets, signals, the log, who can listen."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SOCKETS = "achat_twisted/net/unix_sockets.py"
_SOCKET_TESTS = "tests.functional.test_unix_sockets"
_LOGFILE = "achat_twisted/server/log_file.py"
_LISTENER = "achat_twisted/net/listener.py"
_SIGNALS = "achat_twisted/server/signals.py"

SURROUNDINGS = (
    Mutation(
        "take a living server's socket away",
        _SOCKETS,
        """\
        if code in (0, errno.EAGAIN):
            raise OSError(errno.EADDRINUSE, "another server listens there")
        if code != errno.ECONNREFUSED:
            return
""",
        "",
        f"{_SOCKET_TESTS}.TakeoverTests.test_living_server"
        " tests.functional.test_admin.AdminTests.test_living_server",
    ),
    Mutation(
        "start twice on one unix socket",
        _SOCKETS,
        "            with _alone_in(os.path.dirname(os.path.abspath(address))):\n",
        "            if True:\n",
        f"{_SOCKET_TESTS}.TakeoverTests.test_locked",
    ),
    Mutation(
        "believe a lock by its process number",
        _SOCKETS,
        'os.unlink(f"{path}.lock")',
        "pass",
        f"{_SOCKET_TESTS}.TakeoverTests",
    ),
    Mutation(
        "remove a socket that is another's",
        _SOCKETS,
        "if os.path.samestat(self._file, os.lstat(self._bindPath)):",
        "if os.lstat(self._bindPath):",
        f"{_SOCKET_TESTS}.TakeoverTests.test_removed",
    ),
    Mutation(
        "fail over a socket that cannot be removed",
        _SOCKETS,
        "        except OSError as error:\n            self._log",
        "        except BlockingIOError as error:\n            self._log",
        f"{_SOCKET_TESTS}.OtherUserTests",
    ),
    Mutation(
        "leave unix sockets to root",
        _SOCKETS,
        "if self._owner != NOBODY:",
        "if self._owner == NOBODY:",
        f"{_SOCKET_TESTS}.OtherUserTests",
    ),
    Mutation(
        "go on in the log file that was moved away",
        _LOGFILE,
        "            if self._is_in_place():\n                self._move_away()\n",
        "            if not self._is_in_place():\n                return\n",
        "tests.server.test_log_file",
    ),
    Mutation(
        "write behind the end of a log that was truncated",
        _LOGFILE,
        'path.open("ab", buffering=0)',
        'path.open("rb+" if path.exists() else "wb+", buffering=0)',
        "tests.server.test_log_file",
    ),
    Mutation(
        "move a device away",
        _LOGFILE,
        "stat.S_ISREG(ours.st_mode) and ",
        "",
        "tests.server.test_log_file",
    ),
    Mutation(
        "die of a stray signal",
        _SIGNALS,
        "self.on(number, partial(self._ignore, number))",
        "pass",
        "tests.functional.test_signals.StrayTests",
    ),
    Mutation(
        "log every stray signal",
        _SIGNALS,
        "            self._ignored.add(number)\n",
        "",
        "tests.functional.test_signals.StrayTests",
    ),
    Mutation(
        "say nothing of secrets in the clear",
        _LISTENER,
        "if is_local(host) or (self._is_guarded and self._is_encrypted):",
        "if is_local(host) or self._is_guarded:",
        "tests.net.test_listener",
    ),
    Mutation(
        "say nothing of them after a reload",
        _LISTENER,
        "if has_changed and self._port is not None:",
        "if False:",
        "tests.net.test_listener",
    ),
    Mutation(
        "take every port for one with TLS",
        "achat_twisted/tap.py",
        "is_encrypted=is_encrypted(description),",
        "is_encrypted=True,",
        "tests.functional.test_tls.TLSTests.test_secrets_in_the_clear",
    ),
    Mutation(
        "need a process that is in sight",
        "achat_twisted/operator/metrics.py",
        "        except OSError:\n            return",
        "        except BlockingIOError:\n            return",
        "tests.operator.test_metrics",
    ),
)
