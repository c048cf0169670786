"""Problems: the schema of errors, with the figures that each code adds."""

from collections import defaultdict

from chalicelib.http.problem_pages import figures_of
from chalicelib.http.problems import STATUS
from ops.describing.messages import REF, Json

_MEMBERS: dict[str, Json] = {
    "type": {
        "type": "string",
        "format": "uri",
        "description": "The address of the page about this kind of error, which ends in its code.",
        "examples": ["https://twofold.dev/problems/insufficient_funds"],
    },
    "title": {
        "type": "string",
        "description": "The code in words.",
        "examples": ["Insufficient funds"],
    },
    "status": {"type": "integer", "description": "The HTTP status.", "examples": [422]},
    "code": {
        "type": "string",
        "enum": list(STATUS),
        "description": "The kind of error, by which a program decides. It never changes; a newer "
        "ledger may have further ones.",
        "examples": ["insufficient_funds"],
    },
    "detail": {
        "type": "string",
        "description": "What went wrong, for people. Its wording may change.",
        "examples": ["alice has 0 available, 1 asked; it grows by credits"],
    },
    "errors": {
        "type": "array",
        "description": "Each field that is not as it should be; empty for errors of other kinds.",
        "items": {"$ref": REF.format(name="FieldError")},
        "examples": [[]],
    },
}
_FIGURES = {
    "account": ("The account.", "alice"),
    "asked": ("What the request asked for: an amount, or the asset of an entry.", "1"),
    "asset": ("The asset.", "USD/2"),
    "available": ("What may be taken out.", "0"),
    "balance": ("The balance that the account would have.", "-1"),
    "credits": ("The sum of the credits.", "1000"),
    "debits": ("The sum of the debits.", "999"),
    "direction": ("The side that is frozen.", "debit"),
    "entries": ("How many entries there are.", "97"),
    "held": ("The amount that is held.", "400"),
    "if_version": ("The version in `If-Match`; `0` for a weak tag.", "2"),
    "ledger": ("The ledger.", "acme"),
    "max_balance": ("The account's maximum; null = no limit.", "1000000"),
    "min_balance": ("The account's minimum; null = no limit.", "0"),
    "min_version": ("The version that was asked for.", "3"),
    "most": ("How many there may be.", "96"),
    "normal_balance": ("The side on which the account grows.", "credit"),
    "of": ("What there are too many of.", "transactions"),
    "pending_credits": ("What is pending on the credit side.", "0"),
    "pending_debits": ("What is pending on the debit side.", "0"),
    "posted": ("The posted balance.", "1000"),
    "reversed_by": ("The transaction that reversed it before.", "refund-1"),
    "size": ("How many there are.", "101"),
    "state": ("The state in which the transaction is.", "posted"),
    "transaction": ("The transaction.", "order-77"),
    "version": ("The version at which the account is.", "3"),
}
_NULLABLE = ("min_balance", "max_balance")


def problem() -> Json:
    """The schema of a problem: the members of all, and those of some codes."""
    codes: dict[str, list[str]] = defaultdict(list)
    for code in STATUS:
        for name in figures_of(code):
            codes[name].append(code)
    return {
        "type": "object",
        "description": "An error (RFC 9457): a stable `code`, and the figures of the refusal, "
        "numbers as strings of digits. After a 4xx nothing was written.",
        "required": list(_MEMBERS),
        "properties": _MEMBERS | {name: _figure(name, codes[name]) for name in sorted(codes)},
        "additionalProperties": True,
    }


def _figure(name: str, codes: list[str]) -> Json:
    text, example = _FIGURES[name]
    named = ", ".join(f"`{code}`" for code in sorted(set(codes)))
    return {
        "type": ["string", "null"] if name in _NULLABLE else "string",
        "description": f"{text} With {named}.",
        "examples": [example],
    }
