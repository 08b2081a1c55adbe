"""The screen: a line to type in and a line of status, and above them what has happened.

Strategy: what is above is printed once, as by any program, so the terminal's own scrolling back
shows it. All that is to be shown in a turn of the loop is written together with the lines below, in
one write: so nothing flickers, and the terminal's mode never changes while one types or pastes.
(prompt_toolkit's own way, C{run_in_terminal}, puts the terminal into canonical mode for each
output, in which the kernel cuts what is pasted meanwhile at 4,095 bytes.)
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Protocol, TextIO

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import CompleteEvent, Completer, get_common_complete_suffix
from prompt_toolkit.data_structures import Size
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.history import History
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.processors import BeforeInput, HighlightIncrementalSearchProcessor
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import SearchToolbar

from achat_twisted.shell import exits
from achat_twisted.shell.editor.colours import STYLES, Fragments, are_wanted

_WAITING = 6
"""The most rows for lines that wait."""


class Desk(Protocol):
    """The chat, as the screen sees it."""

    def typed(self, text: str) -> None:
        """The user has typed, or pasted, a text of one line or several."""

    def about(self, text: str) -> Fragments:
        """A line on a text of several lines that is not typed to its end yet."""

    def status(self) -> Fragments:
        """The line of status."""

    def waiting(self) -> Fragments:
        """The lines whose fate is not known; empty if there are none."""


class _Steady(Vt100_Output):
    """A terminal that may be held back, and gets all at once then."""

    def __init__(self, stdout: TextIO, environ: Mapping[str, str]) -> None:
        # It is not asked where its cursor is: what is shown is as high as it needs to be.
        super().__init__(stdout, self._look, term=environ.get("TERM"), enable_cpr=False)
        self.is_held = False

    def flush(self) -> None:
        if not self.is_held:
            super().flush()

    def disable_bracketed_paste(self) -> None:
        """Do so at the end only: while it is off, a paste is typed line by line."""
        if not self.is_held:
            super().disable_bracketed_paste()

    def _look(self) -> Size:
        try:
            columns, rows = os.get_terminal_size(self.stdout.fileno())
        except (OSError, ValueError):  # it is gone, or none at all
            columns, rows = 80, 24
        return Size(rows=rows or 24, columns=columns or 80)


class Screen:
    """A terminal with a line editor below what has been shown."""

    def __init__(
        self,
        history: History,
        completer: Completer,
        environ: Mapping[str, str],
        source: Input | None = None,
        stdout: TextIO = sys.stdout,
    ) -> None:
        """@param source: what is typed, if it is not standard input."""
        self._source = source or create_input()
        self._above: Fragments = []
        self._is_due = self._rings = False
        self._style = Style.from_dict(STYLES)
        self._depth = None if are_wanted(environ) else ColorDepth.DEPTH_1_BIT
        self._output = _Steady(stdout, environ)
        self._completer = completer
        self._buffer = Buffer(history=history, completer=completer)
        self._app: Application[int] | None = None

    async def run(self, desk: Desk) -> int:
        """Let the user type, until they leave.

        @return: 0 if they leave in order, or the code that L{leave} was given.
        """
        self._app = Application(
            self._layout(desk),
            style=self._style,
            color_depth=self._depth,
            key_bindings=self._keys(desk),
            erase_when_done=True,
            input=self._source,
            output=self._output,
        )
        try:
            return await self._app.run_async(set_exception_handler=False)
        except EOFError:  # the terminal is gone
            return 0
        finally:
            self._app = None
            self._flush()

    def leave(self, code: int) -> None:
        """End what L{run} does, unless it has ended."""
        if self._app is not None and self._app.is_running and not self._app.is_done:
            self._app.exit(result=code)

    def show(self, entry: Fragments, *, rings: bool = False) -> None:
        """Show something above, at the end of this turn of the loop.

        @param rings: true to ring the terminal's bell.
        """
        self._above += entry
        self._rings |= rings
        if self._app is None:
            self._flush()
        elif not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def refresh(self) -> None:
        """Ask the desk again for what is below."""
        if self._app is not None:
            self._app.invalidate()

    # What is shown

    def _flush(self) -> None:
        self._is_due = False
        entries, self._above = self._above, []
        if not entries:
            return
        self._output.is_held = True
        try:
            app = self._app
            if app is None or app.context is None or app.is_done:
                self._print(entries)
                return
            app.renderer.erase()
            self._print(entries)
            app.context.copy().run(app.renderer.render, app, app.layout)
        finally:
            self._output.is_held = False
            self._output.flush()

    def _print(self, entries: Fragments) -> None:
        print_formatted_text(self._output, [*entries], self._style, color_depth=self._depth)
        if self._rings:
            self._rings = False
            self._output.bell()

    def _layout(self, desk: Desk) -> Layout:
        search = SearchToolbar()
        editor = BufferControl(
            self._buffer,
            input_processors=[
                BeforeInput("> ", style="class:prompt"),
                HighlightIncrementalSearchProcessor(),
            ],
            include_default_input_processors=False,
            search_buffer_control=search.control,
            preview_search=True,
        )
        typing = Window(
            editor, wrap_lines=True, dont_extend_height=True, height=self._height_to_type
        )
        waiting = Window(
            FormattedTextControl(lambda: [*desk.waiting()]),
            wrap_lines=True,
            dont_extend_height=True,
            height=Dimension(max=_WAITING),
        )
        status = Window(
            FormattedTextControl(lambda: [*self._status(desk)]), height=1, style="class:status"
        )
        is_waiting = Condition(lambda: bool(desk.waiting()))
        above = ConditionalContainer(waiting, is_waiting)
        return Layout(HSplit([above, typing, search, status]), focused_element=typing)

    def _height_to_type(self) -> Dimension:
        """Room to type: as much as it takes, up to the half of the screen."""
        return Dimension(min=1, max=max(1, self._output.get_size().rows // 2))

    def _status(self, desk: Desk) -> Fragments:
        """The desk's line of status; or what there is to know about what is being typed."""
        state = self._buffer.complete_state
        if state is not None and len(state.completions) > 1:
            return _choice(state, self._output.get_size().columns)
        if "\n" in self._buffer.text:
            return desk.about(self._buffer.text)
        return desk.status()

    # What is typed

    def _complete(self) -> None:
        """Complete as far as it is clear, at once, as one may type on; then offer the choice."""
        if self._buffer.complete_state is not None:
            self._buffer.complete_next()
            return
        document, asked = self._buffer.document, CompleteEvent(completion_requested=True)
        found = [*self._completer.get_completions(document, asked)]
        if len(found) == 1:
            self._buffer.apply_completion(found[0])
        elif found:
            self._buffer.insert_text(get_common_complete_suffix(document, found))
            self._buffer.start_completion()

    def _keys(self, desk: Desk) -> KeyBindings:
        keys = KeyBindings()
        typing = has_focus(self._buffer)
        is_empty = typing & Condition(lambda: not self._buffer.text)

        @keys.add("enter", filter=typing)
        def _(event: KeyPressEvent) -> None:
            text = self._buffer.text
            if text.strip():
                self._buffer.append_to_history()
            self._buffer.reset()
            desk.typed(text)

        @keys.add("tab", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self._complete()

        @keys.add("c-c", filter=typing & ~is_empty)
        def _(event: KeyPressEvent) -> None:
            self._buffer.reset()

        @keys.add("c-c", filter=is_empty)
        @keys.add("<sigint>")
        def _(event: KeyPressEvent) -> None:
            self.leave(exits.INTERRUPTED)

        @keys.add("c-d", filter=is_empty)
        def _(event: KeyPressEvent) -> None:
            self.leave(0)

        @keys.add("c-z")
        def _(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

        @keys.add("c-l")
        def _(event: KeyPressEvent) -> None:
            event.app.renderer.clear()

        return keys


def _choice(state: CompletionState, columns: int) -> Fragments:
    """The names to choose from, as far as it fits, with the chosen one in sight."""
    chosen = state.complete_index or 0
    first = 0
    texts = [each.display_text for each in state.completions]
    while first < chosen and sum(len(text) + 2 for text in texts[first : chosen + 1]) > columns:
        first += 1
    fragments: Fragments = [("", " ")]
    for index, text in enumerate(texts[first:], first):
        style = "class:status.chosen" if index == state.complete_index else ""
        fragments += [(style, text), ("", "  ")]
    return fragments
