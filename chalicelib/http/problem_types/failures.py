"""Problem types of a request that may succeed later without any change: 500 and 503."""

from chalicelib.http.problem_types.problem_type import (
    PERHAPS_WRITTEN,
    SAME_REQUEST,
    ProblemType,
)

FAILURES = {
    "internal_error": ProblemType(
        500,
        "Something failed that nobody foresaw. The log has the exception; the answer does not.",
        "A defect, a missing permission or table, or an engine that was stopped.",
        "Client: send the same request with the same id. A write without an id or key may already "
        "be done: look for it in the account's entries before you send it. Operator: find the "
        "request's `x-amzn-RequestId` in the logs.",
        "Yes: the same request, with pauses. A write keeps its id or `Idempotency-Key`; it is done "
        "at most once.",
        PERHAPS_WRITTEN,
    ),
    "contention": ProblemType(
        503,
        "Other writers were first on the same accounts until the deadline.",
        "One account that almost every transaction uses, such as revenue, cash or a bank.",
        "Send it again. If it happens often, open that account with `stripes` (for accounts "
        "without limits), or send its transactions in batches.",
        SAME_REQUEST,
    ),
    "not_attempted": ProblemType(
        503,
        "This was not begun.",
        "A batch had more parts than there was time for; or an account's newest event was recorded "
        "more than a minute ahead of the server's clock, because a clock is wrong.",
        "Send the same batch again: parts that are done are answered from record, and it goes on "
        "where it stopped. If `detail` speaks of clocks, the operator looks at the alarm "
        "`ClocksApart`.",
        SAME_REQUEST,
    ),
    "outcome_unknown": ProblemType(
        503,
        "The reply to a write was lost, and what was stored could not be read in time.",
        "DynamoDB or the network failed for a moment, or a Lambda was stopped while it wrote.",
        "Send the same request with the same id until another answer comes. Do not make a new id: "
        "that could pay twice. A write without an id or key may already be done: look for it in "
        "the account's entries before you send it.",
        SAME_REQUEST,
        PERHAPS_WRITTEN,
    ),
    "projection_behind": ProblemType(
        503,
        "The read waited for two seconds, and the version asked for by `min_version` has not "
        "arrived.",
        "The projection is behind for a moment; or `min_version` is a version that the account or "
        "transaction does not have, such as the one of another account.",
        "Check that the version is of the same account (`entries[…].version` of that account's "
        "entry) or transaction (`version`). Then ask again. If it goes on for minutes, the "
        "operator looks at the alarms `Behind` and `Parked`.",
        "Yes: the same read, after `Retry-After` seconds.",
        "The write that returned this version was done. The read writes nothing.",
    ),
    "unavailable": ProblemType(
        503,
        "The request could not be answered now.",
        "Lambda was at its concurrency limit, or the authorizer or a Read API did not answer.",
        "Send it again. If it goes on, the operator looks at the throttles and errors on the "
        "dashboard of the stage.",
        SAME_REQUEST,
    ),
}
