"""Kinds of values on command lines."""

from __future__ import annotations

import math
from collections.abc import Callable

import click

from achat_twisted.tools.quantities import SECONDS


def duration(most: float) -> Callable[[str | float], float]:
    """A kind of value: a number of seconds up to C{most}, or a time such as 5m or 12h."""

    def time(value: str | float) -> float:
        try:
            seconds = SECONDS.parse(str(value))
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= most:
            raise click.BadParameter(
                f"{value!r} is neither seconds from 0 to {most:.15g}, nor a time such as 5m"
            )
        return seconds

    return time
