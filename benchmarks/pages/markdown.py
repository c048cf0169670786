"""Markdown: tables, and numbers as a page shows them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Found = Mapping[str, Any]
"""What a part found."""

Row = Sequence[object]

NONE = "none"
"""What stands where there is no number."""


def table(head: Row, rows: Iterable[Row]) -> str:
    """A table in Markdown; numbers stand to the right."""
    lines = [list(map(str, row)) for row in rows]
    marks = [
        "--:" if all(_is_number(line[place]) for line in lines) and lines else "---"
        for place in range(len(head))
    ]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in [head, marks, *lines])


def _is_number(text: str) -> bool:
    return bool(text) and (text[0].isdigit() or text[0] in "+-$")


def dollars(value: float) -> str:
    """Dollars and cents, half a cent rounded up."""
    return f"${Decimal(str(round(value, 6))).quantize(Decimal('0.01'), ROUND_HALF_UP)}"


def units(value: float | None) -> str:
    """Units of DynamoDB."""
    return "?" if value is None else f"{value:g}"


def ms(value: float | None) -> str:
    """Milliseconds; "none" of none."""
    return NONE if value is None else f"{value:.1f}"
