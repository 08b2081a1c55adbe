"""C{achat config}: the configuration that the server's options result in."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from achat_twisted.server import config
from achat_twisted.server.options import Options


class _WithServersOptions(click.Command):
    """A command that takes the options of C{twistd achat}, and lets shells complete them."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        words = sorted(f"--{word.rstrip('=')}" for word in Options().longOpt)
        found = [CompletionItem(word) for word in words if word.startswith(incomplete)]
        return found if incomplete.startswith("-") else super().shell_complete(ctx, incomplete)


@click.command(
    "config",
    cls=_WithServersOptions,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    options_metavar="",
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION OF twistd achat]...")
def command(options: tuple[str, ...]) -> None:
    """Print the configuration that the server would have with these options.

    It is TOML, which can be given to the server as it is with --config FILE. A comment on each
    option says where it is from: the default, a file, or the command line. If an option is wrong,
    the exit code is 1, with one sentence: so check with "achat config --config FILE" before a
    reload.
    """
    parsed = Options()
    parsed.parseOptions(options)
    click.echo(config.write(parsed.settings()), nl=False)
