"""DynamoDB's errors of reads and appends: Busy (nothing was done) or Unanswered (unknown).

The codes are from the API Reference's pages "Common Errors", PutItem, TransactWriteItems,
TransactGetItems, GetItem and Query.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from botocore.parsers import ResponseParserError
from pynamodb.exceptions import GetError, PynamoDBException, QueryError, TransactGetError

from chalicelib.events.store import Busy, Unanswered
from chalicelib.tables import response_code, response_status

TAKEN = frozenset({"TransactionConflictException", "ReplicatedWriteConflictException"})
"""Codes of a put that conflicted with a transaction, or with a write in another region."""

_BUSY = {
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
}
_UNKNOWN = {
    "IdempotentParameterMismatchException",
    "InternalFailure",
    "InternalServerError",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TransactionInProgressException",
}
"""The server failed, or is processing an earlier request with the same transaction."""
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError)


@contextmanager
def reading() -> Iterator[None]:
    """Around a read. Raises Busy if a retry may succeed, otherwise PynamoDB's error."""
    try:
        yield
    except (GetError, QueryError, TransactGetError) as error:
        reasons = getattr(error, "cancellation_reasons", ())
        codes = {response_code(error), *(one.code for one in reasons if one is not None)}
        known = codes & (_BUSY | _UNKNOWN | {"TransactionConflict"})
        if known or _has_no_reply(error):
            raise Busy(_name(known, error)) from error
        raise
    except ResponseParserError as error:
        raise Busy(str(error)) from error


def of_append(error: PynamoDBException, codes: Collection[str] = ()) -> Exception:
    """Busy if nothing was written and a retry may succeed, Unanswered if it may have been written,
    otherwise the error itself.
    """
    known = {*codes, response_code(error)}
    if known & _BUSY or isinstance(error.cause, _NEVER_SENT):
        return Busy(_name(known & _BUSY, error))
    if known & _UNKNOWN or _has_no_reply(error):
        return Unanswered(_name(known & _UNKNOWN, error))
    return error


def _has_no_reply(error: PynamoDBException) -> bool:
    return not isinstance(error.cause, ClientError) or response_status(error) >= 500


def _name(codes: Collection[str], error: PynamoDBException) -> str:
    return ", ".join(sorted(codes)) or str(error)
