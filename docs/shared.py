"""Everything in C{share/}: man pages and completions, made from the commands themselves.

The wheel installs them below its prefix, where C{man} and shells look. C{python -m docs.shared}
writes them anew; a test tells when that is due. (click-man, which does the first half for other
programs, finds no command that is imported only when it is used, and puts text into roff as it is.)
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path

import click
from click.shell_completion import ShellComplete, get_completion_class

from achat_twisted.cli import COMMANDS, main
from achat_twisted.server.options import Options

SHARE = Path(__file__).parents[1] / "share"

_COMPLETIONS = {
    "bash": "bash-completion/completions/achat",
    "zsh": "zsh/site-functions/_achat",
    "fish": "fish/vendor_completions.d/achat.fish",
}

_ONCE, _ALWAYS = "$zsh_eval_context[-1] == loadautofunc", "$funcstack[1] == _achat"
"""A condition of click's for zsh, which holds for the first Tab alone, and the right one."""

_OPTION = re.compile(r"^ +(?P<words>(-\w, )?--[\w-]+=?) +(?P<help>\S.*)$", re.MULTILINE)

_SERVER = "run achat, a chat server that never silently loses a line it has accepted"


def files() -> dict[Path, str]:
    """The text of each file, by its path in C{share/}."""
    found = {Path("man", "man1", f"{name}.1"): text for name, text in _pages()}
    for shell, path in _COMPLETIONS.items():
        kind = get_completion_class(shell)
        assert kind is not None
        # Bash's own would look first at the version of the bash on this machine.
        text = ShellComplete.source(kind(main, {}, "achat", "_ACHAT_COMPLETE"))
        found[Path(path)] = f"{text.rstrip()}\n".replace(_ONCE, _ALWAYS)
    return found


def _pages() -> Iterator[tuple[str, str]]:
    top = click.Context(main, info_name="achat", **main.context_settings)
    names = {word: f"achat-{word}" for word in COMMANDS}
    rows = [(f"{names[word]}(1)", sentence) for word, (_, sentence) in COMMANDS.items()]
    yield "achat", _page("achat", [*_command(top), ".SH COMMANDS", *_list(rows)], names.values())
    for word, name in names.items():
        command = main.get_command(top, word)
        assert command is not None
        yield name, _page(name, _command(_context(command, word, top)), ["achat"])
    yield "twistd-achat", _page("twistd-achat", _server(), ["achat", "achat-config", "twistd"])


def _context(command: click.Command, word: str, parent: click.Context) -> click.Context:
    return click.Context(command, info_name=word, parent=parent)


def _page(name: str, sections: Iterable[str], others: Iterable[str]) -> str:
    also = ", ".join(f"{_text(other)}(1)" for other in others)
    lines = [
        f'.TH {_text(name.upper())} 1 "" achat "User Commands"',
        *sections,
        ".SH SEE ALSO",
        also,
    ]
    return "".join(f"{line}\n" for line in lines)


def _server() -> list[str]:
    usage = Options(environ={}).getUsage(10_000)
    return [
        *(".SH NAME", _text(f"twistd-achat - {_SERVER}")),
        *(".SH SYNOPSIS", ".B twistd", _text("[OPTIONS OF twistd] achat [OPTIONS]")),
        *(".SH DESCRIPTION", _text(Options.longdesc)),
        *(
            ".SH OPTIONS",
            *_list((match["words"], match["help"]) for match in _OPTION.finditer(usage)),
        ),
    ]


def _command(context: click.Context) -> list[str]:
    """The sections of a command, those of its own commands included."""
    command, path = context.command, context.command_path
    sentence = command.get_short_help_str(200).rstrip(".")
    lines = [
        *(
            ".SH NAME",
            f"{_text(path.replace(' ', '-'))} \\- {_text(sentence[0].lower() + sentence[1:])}",
        ),
        *(".SH SYNOPSIS", f".B {_text(path)}", _text(_usage(context))),
        *(".SH DESCRIPTION", *_paragraphs(command.help)),
        *(".SH OPTIONS", *_options(context, command.get_params(context))),
    ]
    if isinstance(command, click.Group) and command is not main:
        lines.append(".SH COMMANDS")
        for word in command.list_commands(context):
            part = command.get_command(context, word)
            assert part is not None
            inner = _context(part, word, context)
            lines.append(f'.SS "{_text(f"{word} {_usage(inner)}")}"')
            lines += [*_paragraphs(part.help), *_options(inner, part.params)]
    return [*lines, *_paragraphs(command.epilog)]


def _usage(context: click.Context) -> str:
    return " ".join(context.command.collect_usage_pieces(context))


def _options(context: click.Context, params: Iterable[click.Parameter]) -> list[str]:
    options = (param for param in params if isinstance(param, click.Option))
    return _list(filter(None, (option.get_help_record(context) for option in options)))


def _list(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [line for words, what in rows for line in (".TP", f".B {_text(words)}", _text(what))]


def _paragraphs(text: str | None) -> list[str]:
    """The paragraphs of a help text; those behind a C{\\b} are left as they are."""
    lines: list[str] = []
    for paragraph in cleandoc(text or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            lines += [".PP", ".nf", *map(_text, paragraph.splitlines()[1:]), ".fi"]
        elif paragraph:
            lines += [".PP", _text(" ".join(paragraph.split()))]
    return lines


def _text(text: str) -> str:
    """Text as roff prints it: no line is a request, and a hyphen can be copied as an option's."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


def write() -> None:
    """Write all files, and remove others that are there."""
    found = files()
    for path in SHARE.rglob("*"):
        if path.is_file() and path.relative_to(SHARE) not in found:
            path.unlink()
    for name, text in found.items():
        path = SHARE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    ArgumentParser(description="Write the man pages and completions anew.").parse_args()
    write()
