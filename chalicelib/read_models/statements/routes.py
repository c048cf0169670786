"""The routes of this read model."""

from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models import event_queries
from chalicelib.read_models.event_queries import AccountEvents, Events
from chalicelib.read_models.statements import queries

routes = Router(__name__)


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/balance",
    errors=("account_not_found", "projection_behind"),
)
def balance(query: queries.AccountBalance) -> Response[queries.Balance]:
    """The balance of an account at a time."""
    return Response(queries.account_balance(query))


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/entries",
    errors=("account_not_found", "invalid_cursor", "projection_behind"),
)
def entries(query: queries.AccountEntries) -> Response[queries.Entries]:
    """A page of an account's entries."""
    return Response(queries.account_entries(query))


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/statement",
    errors=("account_not_found", "invalid_cursor", "projection_behind"),
)
def statement(query: queries.AccountStatement) -> Response[queries.Statement]:
    """A page of an account's statement."""
    return Response(queries.account_statement(query))


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/events",
    errors=("account_not_found", "invalid_cursor", "projection_behind"),
)
def account_events(query: AccountEvents) -> Response[Events]:
    """A page of an account's events, with their versions and hashes."""
    return Response(event_queries.account_events(query))
