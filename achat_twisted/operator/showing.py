"""The ways in which an operator is shown an answer: as a table, in lines, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from achat_twisted.operator.protocol import Facts

_JSON = f"{__name__}.json"
"""The key for C{--json} in what nested commands share."""


def _wants_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[_JSON] = context.meta.get(_JSON) or value


with_json = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=_wants_json,
    help="Print each part of the answer as a JSON object, one a line.",
)
"""The option of the whole and of each of its parts, so that its place does not matter."""


def is_json() -> bool:
    return bool(click.get_current_context().meta[_JSON])


def show(rows: Iterable[Facts]) -> None:
    for row in rows:
        if is_json():
            click.echo(json.dumps(row, ensure_ascii=False))
            continue
        width = max(map(len, row))
        for key, value in row.items():
            click.echo(f"{key:{width}}  {value}")


def show_table(facts: Iterable[Facts], nothing: str = "") -> None:
    """Show rows that have the same facts; C{nothing}, on standard error, if there are none."""
    if is_json():
        show(facts)
        return
    rows = [{key: str(value) for key, value in row.items()} for row in facts]
    if not rows:
        click.echo(nothing, err=True)
        return
    table = [{key: key.upper() for key in rows[0]}, *rows]
    widths = {key: max(len(row[key]) for row in table) for key in rows[0]}
    for row in table:
        click.echo("  ".join(row[key].ljust(width) for key, width in widths.items()).rstrip())
