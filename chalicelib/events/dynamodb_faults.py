"""What DynamoDB's errors say of a read or an append: nothing done, or nobody knows.

The codes are those of the API Reference's pages "Common Errors", PutItem, TransactWriteItems,
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
"""A single put met a transaction under way, or a write to the same item in another region."""

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
"""The server failed, or it is doing an earlier send of the same transaction."""
_SERVER_ERROR = 500
"""From this HTTP status on, an error is the server's, and says nothing of what it did."""
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError)


@contextmanager
def reading() -> Iterator[None]:
    """Around a read. Raises Busy if it may succeed in a moment, or PynamoDB's error."""
    try:
        yield
    except (GetError, QueryError, TransactGetError) as error:
        reasons = getattr(error, "cancellation_reasons", ())
        raise _of_read(error, {one.code for one in reasons if one is not None}) from error
    except ResponseParserError as error:
        raise Busy(str(error)) from error


def _of_read(error: PynamoDBException, codes: Collection[str]) -> Exception:
    known = {*codes, response_code(error)} & (_BUSY | _UNKNOWN | {"TransactionConflict"})
    return Busy(_name(known, error)) if known or _has_no_reply(error) else error


def of_append(error: PynamoDBException, codes: Collection[str] = ()) -> Exception:
    """What a failed append says: Busy where nothing was written and it may succeed in a moment,
    Unanswered where it may have been written, or the error itself.
    """
    known = {*codes, response_code(error)}
    if known & _BUSY or isinstance(error.cause, _NEVER_SENT):
        return Busy(_name(known & _BUSY, error))
    if known & _UNKNOWN or _has_no_reply(error):
        return Unanswered(_name(known & _UNKNOWN, error))
    return error


def _has_no_reply(error: PynamoDBException) -> bool:
    """Whether the network failed, or the server."""
    return not isinstance(error.cause, ClientError) or response_status(error) >= _SERVER_ERROR


def _name(codes: Collection[str], error: PynamoDBException) -> str:
    return ", ".join(sorted(codes)) or str(error)
