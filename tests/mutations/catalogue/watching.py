"""What an operator sees: whether it is true, and who can disturb it."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_ARREARS = "achat_twisted/monitoring/arrears.py"
_LOAD = "achat_twisted/monitoring/load.py"
_LOGBOOK = "achat_twisted/logbook.py"
_LOG_QUEUE = "achat_twisted/log_queue.py"
_METER = "achat_twisted/monitoring/meter.py"
_METRICS = "achat_twisted/monitoring/metrics.py"
_MONITOR = "achat_twisted/monitoring/monitor.py"
_READER = "achat_twisted/reader.py"
_SERVICE = "achat_twisted/service.py"
_TURNS = "achat_twisted/turns.py"

WATCHING = (
    Mutation(
        "let idle visitors keep out one that asks",
        _MONITOR,
        "            if not self._idle:",
        "            if self._idle:",
        "tests.test_monitor",
    ),
    Mutation(
        "stumble over what a visitor accepts",
        _MONITOR,
        "        except (TypeError, ValueError):",
        "        except TypeError:",
        "tests.test_monitor",
    ),
    Mutation(
        "stumble over a length that is no length",
        _MONITOR,
        "        except ValueError:",
        "        except KeyError:",
        "tests.test_monitor",
    ),
    Mutation(
        "let a client's own path steer the terminal",
        "achat_twisted/addresses.py",
        "char if char.isprintable() else",
        "char if char else",
        "tests.test_addresses",
    ),
    Mutation(
        "let a line of the log steer the terminal",
        "achat_twisted/logbook.py",
        "    return text and text.translate(_STEERING)",
        "    return text",
        "tests.test_logbook",
    ),
    Mutation(
        "call a server ready that stops",
        _SERVICE,
        "        self.phase = Phase.STOPPING\n",
        "",
        "tests.test_monitor",
    ),
    Mutation(
        "say not ready, but with a status that says otherwise",
        _MONITOR,
        "            request.setResponseCode(http.SERVICE_UNAVAILABLE)\n",
        "            pass\n",
        "tests.test_monitor",
    ),
    Mutation(
        "let slow visitors stay",
        _MONITOR,
        "        self._deadlines.add(visit)\n",
        "",
        "tests.test_monitor",
    ),
    Mutation(
        "let visitors in without end",
        _MONITOR,
        "if len(self._visits) >= VISITORS:",
        "if self._visits is None:",
        "tests.test_monitor",
    ),
    Mutation(
        "keep what visitors bring along",
        _MONITOR,
        "        return len(data)\n",
        "        return super().write(data)\n",
        "tests.test_monitor",
    ),
    Mutation(
        "serve visitors again and again",
        _MONITOR,
        "        return False\n",
        "        return True\n",
        "tests.test_monitor",
    ),
    Mutation(
        "leave visitors there when all is over",
        _MONITOR,
        "        self._lobby.close()\n",
        "",
        "tests.test_monitor",
    ),
    Mutation(
        "take the youngest line for the oldest",
        _LOAD,
        "marks[0].moment",
        "marks[-1].moment",
        "tests.test_load",
    ),
    Mutation(
        "take what was last acknowledged for what is owed",
        _ARREARS,
        "if mark.written > arrived]",
        "if mark.written >= arrived]",
        "tests.test_arrears",
    ),
    Mutation(
        "note each second for ever",
        _ARREARS,
        "if is_new and is_due:",
        "if is_new:",
        "tests.test_arrears",
    ),
    Mutation(
        "forget the high water when it has gone",
        "achat_twisted/limits/pool.py",
        "max(self.highest, size)",
        "size",
        "tests.test_pool",
    ),
    Mutation(
        "count a value in the bucket above its bound",
        _METER,
        "bisect_left(self._bounds, value)",
        "bisect_left(self._bounds, value + 1e-9)",
        "tests.test_meter",
    ),
    Mutation(
        "time only what succeeds",
        _METER,
        "            finally:\n",
        "            except ZeroDivisionError:\n",
        "tests.test_meter",
    ),
    Mutation(
        "hide reasons that have not occurred",
        _METRICS,
        "{**dict.fromkeys(REASONS, 0), **balance.refused}",
        "balance.refused",
        "tests.test_metrics",
    ),
    Mutation(
        "take a login that was too late for one with a bad name",
        _READER,
        "outcome or refusal.notice.word",
        "refusal.notice.word",
        "tests.test_reader",
    ),
    Mutation(
        "wait for a log that nobody reads",
        _LOG_QUEUE,
        "if self._serving and not self._has_thread:",
        "if False:",
        "tests.test_log_queue",
    ),
    Mutation(
        "let what the log does not take grow without end",
        _LOG_QUEUE,
        "self._waiting.qsize() >= bound",
        "False",
        "tests.test_log_queue",
    ),
    Mutation(
        "leave lines out of the log in silence",
        _LOG_QUEUE,
        "        self._gap.lines += 1\n",
        "",
        "tests.test_log_queue",
    ),
    Mutation(
        "end before the last lines are in the log",
        _LOG_QUEUE,
        "            done.wait(max(0.0, self._until - monotonic()))\n",
        "",
        "tests.functional.test_log.UnreadTests.test_read_later tests.test_log_queue",
    ),
    Mutation(
        "wait for the log at the end for ever",
        _LOG_QUEUE,
        "done.wait(max(0.0, self._until - monotonic()))",
        "done.wait()",
        "tests.test_log_queue",
    ),
    Mutation(
        "lose a line over a character that the terminal has not",
        _LOGBOOK,
        'text.encode(self._encoding, "backslashreplace")',
        "text.encode(self._encoding)",
        "tests.test_logbook",
    ),
    Mutation(
        "serve no more while the log takes nothing",
        _LOGBOOK,
        "            self._reactor.callWhenRunning(self._queue.begin)\n",
        "",
        "tests.functional.test_log.UnreadTests",
    ),
    Mutation(
        "end one line with the next when a disk was full",
        _LOGBOOK,
        'b"\\n" + line if self._is_torn else line',
        "line",
        "tests.test_logbook",
    ),
)
