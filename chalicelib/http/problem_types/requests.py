"""Problem types of a request that is not served, whatever the ledger holds: 400 to 415, and 429."""

from chalicelib.http.problem_types.problem_type import CAUSE_FIRST, CHANGE_FIRST, ProblemType

REQUESTS = {
    "malformed_json": ProblemType(
        400,
        "The body is not JSON. `detail` says why, and where.",
        "Single quotes, a comma too many, `NaN`, a text that is not UTF-8, or an empty body where "
        "one is required. In a shell, quotes that the shell removed.",
        "Print the exact bytes that you send and check them with a JSON parser. With curl, put the "
        "body in single quotes, or in a file: `-d @body.json`.",
        CHANGE_FIRST,
    ),
    "validation_failed": ProblemType(
        400,
        "A field, parameter or header is missing, unknown, given twice, or not of its form. "
        "`errors` lists each fault with its `field`.",
        "A misspelt name, an id with a space or a slash, a time without `Z` or an offset, an asset "
        "without its scale (`USD` for `USD/2`), or a period whose `from` is later than its `to`.",
        "Correct every field that `errors` names. Its `detail` says what is expected.",
        CHANGE_FIRST,
    ),
    "invalid_amount": ProblemType(
        400,
        "An amount or a limit is not a whole number of the asset's smallest unit.",
        'A decimal (`"10.50"`, where `USD/2` needs `"1050"`), a float, a negative amount, a '
        "leading zero, or an amount of 0 or above 10^30.",
        "Send the amount as a string of digits, counted in the smallest unit. To move money the "
        "other way, swap `debit` and `credit`; an amount is never negative.",
        CHANGE_FIRST,
    ),
    "invalid_cursor": ProblemType(
        400,
        "The `cursor` is not one that this listing returned.",
        "The cursor was cut off, belongs to another listing or ledger, came with other filters "
        "than before, or was made before the environment's cursor key was changed.",
        "Start again without `cursor`. Then pass on `next_cursor` exactly as you get it, and "
        "either repeat the filters unchanged or leave them out.",
        CHANGE_FIRST,
    ),
    "unauthorized": ProblemType(
        401,
        "The request has no valid key, token or signature.",
        "The header `Authorization: Bearer tf_…` is missing or misspelt, or the key was revoked or "
        "belongs to another environment. With IAM or Cognito: signature or token have expired.",
        "Send a key of this environment. Operators make and list keys with `twofold keys`. "
        "If a key stopped working, look there whether it was revoked before you make another.",
        CAUSE_FIRST,
    ),
    "forbidden": ProblemType(
        403,
        "The key is valid, but does not have the scope that the request needs.",
        "A key with the scope `read` was used to write, or one with `write` to read.",
        "Use a key that has the scope, or have one made. Do not widen the scopes of a key that "
        "many programs share.",
        CAUSE_FIRST,
    ),
    "not_found": ProblemType(
        404,
        "There is no such path, or the key does not open this ledger. The answer does not reveal "
        "which of the two.",
        "A typing error in the path, a write sent to a Read API or a read to the Write API, a "
        "missing base path or stage name in the address, or a key of other ledgers.",
        "Compare method and path with `/docs`, then the address with that of the stage, then the "
        "ledgers of the key.",
        CHANGE_FIRST,
    ),
    "ledger_not_found": ProblemType(
        404,
        "The Read API knows nothing of this ledger.",
        "A misspelt ledger, or a ledger whose first account was opened a moment ago and has not "
        "been projected yet. A ledger begins with its first account.",
        "Compare the name with `GET /ledgers`. If the ledger is new, ask again after a second. If "
        "an old ledger is missing, its projection is behind: see the operating guide.",
        "Yes, if the ledger is new. Otherwise change the name first.",
    ),
    "account_not_found": ProblemType(
        404,
        "There is no account with this id in this ledger; for a read: none that has arrived.",
        "The account was not opened, the id is misspelt (capitals count), the ledger is another "
        "one, or the account was opened a moment ago and read without `min_version`.",
        "After a write, read with `min_version` of the version that the write returned: the read "
        "then waits. For a write, open the account first.",
        "A read: yes, with `min_version=1` if you know that the account was opened. A write: open "
        "the account first, then send the same request again.",
    ),
    "transaction_not_found": ProblemType(
        404,
        "There is no transaction with this id in this ledger; for a read: none that has arrived.",
        "The id is misspelt, the transaction was refused, or it was written a moment ago and read "
        "without `min_version`.",
        "After a write, read with `min_version=1`: the read then waits. This answer is no proof "
        "that a write was not done: to find out, send the write again, with the same id.",
        "A read: yes, with `min_version=1`. A write that names it: not before it exists.",
    ),
    "method_not_allowed": ProblemType(
        405,
        "The path exists, but not with this method.",
        "`PUT` or `DELETE`, or a `POST` to a path that is only read. Nothing in a ledger is "
        "replaced or deleted.",
        "Use a method of the header `Allow`. To undo a transaction, reverse it.",
        CHANGE_FIRST,
    ),
    "request_too_large": ProblemType(
        413,
        "The body is larger than 256 KB.",
        "A batch of many transactions with large metadata.",
        "Send several smaller batches. Keep documents elsewhere, and their address in `metadata`.",
        CHANGE_FIRST,
    ),
    "too_many_entries": ProblemType(
        413,
        "A transaction has more entries than one atomic write holds. `most` is the limit.",
        "A payroll or a settlement in a single transaction.",
        "Add up the entries of the same account and side, or split it into transactions that each "
        "balance, over a clearing account, with one `reference`.",
        CHANGE_FIRST,
    ),
    "batch_too_large": ProblemType(
        413,
        "A batch has more parts than can be done at once: `size` is how many, `most` the limit.",
        "More than 100 transactions or accounts. An atomic batch is limited by its events: one for "
        "each transaction and one for each entry.",
        "Split the batch. What must be all or none has to fit into one atomic batch.",
        CHANGE_FIRST,
    ),
    "unsupported_media_type": ProblemType(
        415,
        "A write was not sent as `Content-Type: application/json`.",
        "The header is missing, also where the body may be left out. curl sends "
        "`application/x-www-form-urlencoded` with `-d` unless told otherwise.",
        "Send the header with every write: `-H 'Content-Type: application/json'`.",
        CHANGE_FIRST,
    ),
    "rate_limited": ProblemType(
        429,
        "More requests than the API's rate limit allows were sent at once.",
        "A burst of requests, such as an import without pauses; or another client of the same API.",
        "Slow down, then continue; use batches for imports. If normal traffic meets this, raise "
        "`throttle` in the environment's settings; the account has a quota of its own.",
        "Yes: the same request after `Retry-After` seconds, with longer and longer pauses.",
    ),
}
