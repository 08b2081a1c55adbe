"""The view of an operator: its truth, and those who could disturb it."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_ACKNOWLEDGEMENTS = "achat_twisted/broker/acknowledgements.py"
_LOAD = "achat_twisted/broker/load.py"
_LOG = "achat_twisted/server/log.py"
_LOG_QUEUE = "achat_twisted/server/log_queue.py"
_METER = "achat_twisted/tools/meter.py"
_METRICS = "achat_twisted/operator/metrics.py"
_MONITOR = "achat_twisted/operator/http.py"
_ARRIVAL = "achat_twisted/reader/arrival.py"
_SERVICE = "achat_twisted/server/service.py"

WATCHING = (
    Mutation(
        "let idle visitors keep out one that asks",
        _MONITOR,
        "items() if not has_asked",
        "items() if has_asked",
        "tests.operator.test_http",
    ),
    Mutation(
        "stumble over what a visitor accepts",
        _MONITOR,
        "        except (TypeError, ValueError):",
        "        except TypeError:",
        "tests.operator.test_http",
    ),
    Mutation(
        "stumble over a length that is no length",
        _MONITOR,
        "        except ValueError:",
        "        except KeyError:",
        "tests.operator.test_http",
    ),
    Mutation(
        "let a client's own path steer the terminal",
        "achat_twisted/net/addresses.py",
        "c if c.isprintable() else",
        "c if c else",
        "tests.net.test_addresses",
    ),
    Mutation(
        "let a line of the log steer the terminal",
        "achat_twisted/server/log.py",
        "    return text.translate(_STEERING)",
        "    return text",
        "tests.server.test_log",
    ),
    Mutation(
        "leave the traceback out of the log",
        _LOG,
        '"log_failure", ',
        "",
        "tests.server.test_log",
    ),
    Mutation(
        "give all lines of the log the time of the first",
        _LOG,
        "_format_second(int(when))",
        "_format_second(0)",
        "tests.server.test_log",
    ),
    Mutation(
        "call a server ready that stops",
        _SERVICE,
        "        self.phase = Phase.STOPPING\n",
        "",
        "tests.operator.test_http",
    ),
    Mutation(
        "say not ready, but with a status that says otherwise",
        _MONITOR,
        "            request.setResponseCode(http.SERVICE_UNAVAILABLE)\n",
        "            pass\n",
        "tests.operator.test_http",
    ),
    Mutation(
        "let slow visitors stay",
        _MONITOR,
        "        self._deadlines.add(visit)\n",
        "",
        "tests.operator.test_http",
    ),
    Mutation(
        "let visitors in without end",
        _MONITOR,
        "if len(self._visits) >= VISITORS:",
        "if self._visits is None:",
        "tests.operator.test_http",
    ),
    Mutation(
        "keep what visitors bring along",
        _MONITOR,
        "        return len(data)\n",
        "        return super().write(data)\n",
        "tests.operator.test_http",
    ),
    Mutation(
        "serve visitors again and again",
        _MONITOR,
        "        return False\n",
        "        return True\n",
        "tests.operator.test_http",
    ),
    Mutation(
        "leave visitors there when all is over",
        _MONITOR,
        "        for visit in list(self._visits):\n",
        "        for visit in ():\n",
        "tests.operator.test_http",
    ),
    Mutation(
        "take the youngest line for the oldest",
        _LOAD,
        "marks[0].moment",
        "marks[-1].moment",
        "tests.broker.test_load",
    ),
    Mutation(
        "take what was last acknowledged for what is owed",
        _ACKNOWLEDGEMENTS,
        "if mark.written > arrived]",
        "if mark.written >= arrived]",
        "tests.broker.test_acknowledgements",
    ),
    Mutation(
        "note each second for ever",
        _ACKNOWLEDGEMENTS,
        "if is_new and is_due:",
        "if is_new:",
        "tests.broker.test_acknowledgements",
    ),
    Mutation(
        "forget the high water when it has gone",
        "achat_twisted/limits/memory.py",
        "max(self.highest, size)",
        "size",
        "tests.limits.test_memory",
    ),
    Mutation(
        "count a value in the bucket above its bound",
        _METER,
        "bisect_left(self._bounds, value)",
        "bisect_left(self._bounds, value + 1e-9)",
        "tests.tools.test_meter",
    ),
    Mutation(
        "time only what succeeds",
        _METER,
        "            finally:\n",
        "            except ZeroDivisionError:\n",
        "tests.tools.test_meter",
    ),
    Mutation(
        "hide reasons that have not occurred",
        _METRICS,
        "{**dict.fromkeys(REASONS, 0), **balance.refused}",
        "balance.refused",
        "tests.operator.test_metrics",
    ),
    Mutation(
        "take a login that was too late for one with a bad name",
        _ARRIVAL,
        "outcome or refusal.notice.word",
        "refusal.notice.word",
        "tests.reader.test_lines",
    ),
    Mutation(
        "wait for a log that nobody reads",
        _LOG_QUEUE,
        "if self._serving and not self._has_thread:",
        "if False:",
        "tests.server.test_log_queue",
    ),
    Mutation(
        "let what the log does not take grow without end",
        _LOG_QUEUE,
        "self._waiting.qsize() >= bound",
        "False",
        "tests.server.test_log_queue",
    ),
    Mutation(
        "leave lines out of the log in silence",
        _LOG_QUEUE,
        "        self._gap.lines += 1\n",
        "",
        "tests.server.test_log_queue",
    ),
    Mutation(
        "end before the last lines are in the log",
        _LOG_QUEUE,
        "            done.wait(max(0.0, self._until - monotonic()))\n",
        "",
        "tests.functional.test_log.UnreadTests.test_read_later tests.server.test_log_queue",
    ),
    Mutation(
        "wait for the log at the end for ever",
        _LOG_QUEUE,
        "done.wait(max(0.0, self._until - monotonic()))",
        "done.wait()",
        "tests.server.test_log_queue",
    ),
    Mutation(
        "lose a line over a character that the terminal has not",
        _LOG,
        'text.encode(self._encoding, "backslashreplace")',
        "text.encode(self._encoding)",
        "tests.server.test_log",
    ),
    Mutation(
        "serve no more while the log takes nothing",
        _LOG,
        "            self._reactor.callWhenRunning(self._queue.begin)\n",
        "",
        "tests.functional.test_log.UnreadTests",
    ),
    Mutation(
        "end one line with the next when a disk was full",
        _LOG,
        'b"\\n" + line if self._is_torn else line',
        "line",
        "tests.server.test_log",
    ),
)
