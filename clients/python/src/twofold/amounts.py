"""Amounts: whole numbers of the asset's smallest unit."""

from typing import Any


def require_amount(amount: Any, name: str = "amount") -> None:
    """Raises TypeError for anything but an int.

    A float is not exact. A Decimal or a text such as "10.50" leaves open whether it counts dollars
    or cents. A bool is an int to Python, and never an amount.
    """
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise TypeError(
            f"{name} is {amount!r}, a {type(amount).__name__}: give an int of the asset's smallest "
            "unit, such as 1050 for 10.50 of USD/2"
        )
