"""What is known of a problem type, and the phrases that several of them share."""

from typing import NamedTuple

NOTHING_WRITTEN = "No: nothing was written."
PERHAPS_WRITTEN = "Perhaps: the write may have been done or not. The same request finds out."

CHANGE_FIRST = "No: the same request gets the same answer. Change it first."
CAUSE_FIRST = "Not yet: until the cause is gone, the same request gets the same answer."
SAME_REQUEST = (
    "Yes: send the same request again after `Retry-After` seconds, with longer and longer pauses. "
    "A write keeps its id or `Idempotency-Key`."
)


class ProblemType(NamedTuple):
    """One code of the contract: its HTTP status, and texts for people, with `code` in them.

    `retry` says whether to send the request again, `written` whether it changed anything.
    """

    status: int
    meaning: str
    cause: str
    remedy: str
    retry: str
    written: str = NOTHING_WRITTEN
