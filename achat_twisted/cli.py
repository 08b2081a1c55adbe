"""The C{achat} command: a door, behind which each command has a room of its own."""

from __future__ import annotations

from pkgutil import resolve_name

import click
from click.shell_completion import CompletionItem

from achat_twisted import __version__

COMMANDS = {
    "admin": ("achat_twisted.operator.command:admin", "Look after a server, on its own machine."),
    "bench": (
        "achat_twisted.bench.command:bench",
        "Measure chat servers under load: how fast they are, and what that costs them.",
    ),
    "chat": ("achat_twisted.shell.chat:chat", "Chat as NAME with the server at HOST."),
    "config": (
        "achat_twisted.server.command:command",
        "Print the configuration that the server would have with these options.",
    ),
    "mcp": (
        "achat_twisted.shell.mcp:mcp",
        "Serve the chat of NAME as tools for an agent, by the Model Context Protocol.",
    ),
    "passwd": (
        "achat_twisted.login.command:passwd",
        "Give NAME a secret in FILE, for twistd achat --auth argon2:FILE.",
    ),
    "say": ("achat_twisted.shell.say:say", "Say TEXT, or each line of standard input, to TO."),
    "take": (
        "achat_twisted.shell.take:take",
        "Take the messages to NAME, and run COMMAND for each, or print them.",
    ),
}
"""The commands by their words: where each is, and the first sentence of its help.

A command is imported only when it is used, so that C{achat --help}, and a shell that completes
words, need not wait for all of them.
"""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return resolve_name(COMMANDS[cmd_name][0]) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(word, sentence) for word, (_, sentence) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        words = [
            CompletionItem(word, help=sentence)
            for word, (_, sentence) in COMMANDS.items()
            if word.startswith(incomplete)
        ]
        return words + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="achat")
def main() -> None:
    """Chat over plain lines; twistd achat starts the server."""
