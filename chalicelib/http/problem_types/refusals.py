"""Problem types of a command that the rules of the ledger refuse: 409, 422 and 424."""

from chalicelib.http.problem_types.problem_type import CAUSE_FIRST, CHANGE_FIRST, ProblemType

REFUSALS = {
    "version_conflict": ProblemType(
        409,
        "The account has changed since the version in `If-Match`. `version` is the current one.",
        "Another client changed or used the account in between, or the tag is a weak one (`W/…`), "
        "which never matches.",
        "Read the account again, decide again whether the change is still right, and send it with "
        "the new `ETag`. Leave `If-Match` out only if you mean to overwrite any version.",
        "Not unchanged: read the account first.",
    ),
    "account_exists": ProblemType(
        409,
        "An account with this id is open, with other content.",
        "Two programs use one id for different things, or the second opening has another asset, "
        "normal balance, limit or metadata. (The same content is answered 200, as a repetition.)",
        "Read the account and compare. To change limits or metadata, use `PATCH`; asset and normal "
        "balance never change, so take another id for those.",
        CHANGE_FIRST,
    ),
    "transaction_not_pending": ProblemType(
        409,
        "The hold was already posted or voided, or has expired: `state` says which.",
        "It was resolved by another request or a retry without an `Idempotency-Key`, its "
        "`expires_at` has passed, or the transaction was never a hold.",
        "`posted` or `voided`: read the transaction and check that the outcome is what you wanted. "
        "`expired`: the amount is available again; if it still has to move, make a new "
        "transaction with a new id, which may be refused.",
        CHANGE_FIRST,
    ),
    "transaction_not_posted": ProblemType(
        409,
        "Only a posted transaction can be reversed. This one is in `state`.",
        "It is a hold that is still pending, or one that was voided or has expired.",
        "Void a pending hold with `/void`. A voided or expired hold moved nothing, so there is "
        "nothing to undo.",
        CHANGE_FIRST,
    ),
    "already_reversed": ProblemType(
        409,
        "The transaction was reversed before. `reversed_by` is that reversal.",
        "Two people or programs undid the same transaction, each with an id of its own.",
        "Read `reversed_by`. Usually nothing is left to do. If the reversal was the mistake, "
        "reverse the reversal.",
        CHANGE_FIRST,
    ),
    "account_not_empty": ProblemType(
        409,
        "An account with a balance or with open holds cannot be closed.",
        "`posted` is not 0, or `pending_debits` or `pending_credits` are not.",
        "Post or void the holds, move the balance to another account, then close. To stop entries "
        "meanwhile, freeze the account.",
        CAUSE_FIRST,
    ),
    "unbalanced_transaction": ProblemType(
        422,
        "The debits of an asset do not equal its credits. `debits` and `credits` are the sums.",
        "A missing entry such as a fee, a rounding difference, an entry on the wrong side, or an "
        "account of another asset: each asset has to balance by itself.",
        "Add up each asset's debits and credits. Compute the last part as the rest, never by "
        "rounding. A conversion needs a position account in each asset.",
        CHANGE_FIRST,
    ),
    "insufficient_funds": ProblemType(
        422,
        "An entry would take more out of the account than is `available` above its `min_balance`.",
        "The money is not there, or a hold has it; or the sides are the wrong way round: an "
        "account grows on its `normal_balance`, and an entry on the other side takes out.",
        "Compare `available` with `asked`, then look at the account's holds "
        "(`GET …/transactions?state=pending`). If the entry was meant to add, swap `debit` and "
        "`credit`. If the account may be overdrawn, `PATCH` its `min_balance`.",
        CAUSE_FIRST,
    ),
    "balance_limit_exceeded": ProblemType(
        422,
        "The balance would lie outside the account's limits: `balance` is what it would be.",
        "An entry adds more than `max_balance` allows, with pending amounts counted; or limits "
        "were set or changed that exclude the present balance.",
        "Take something out first, void a hold that would add, or change the limit with `PATCH` if "
        "it is too narrow.",
        CAUSE_FIRST,
    ),
    "account_frozen": ProblemType(
        422,
        "The account is frozen for entries of this `direction`.",
        "Somebody froze it with `/freeze`, for instance during an investigation.",
        "Find out who froze it and why before you `/unfreeze` it. Posting and voiding a hold "
        "that was made before the freeze remain possible.",
        CAUSE_FIRST,
    ),
    "account_closed": ProblemType(
        422,
        "The account is closed. It stays readable and never changes again.",
        "A program still uses an account that was closed with `/close`.",
        "Use another account. A closed account cannot be opened again, and its id is not free.",
        CHANGE_FIRST,
    ),
    "asset_mismatch": ProblemType(
        422,
        "An entry names an `asset` that its account does not hold.",
        "The wrong account, or another scale or spelling: `USD/2`, `usd/2` and `USD/4` are three "
        "assets.",
        "Check the account's `asset`. If the account is right, correct the entry or leave its "
        "`asset` out.",
        CHANGE_FIRST,
    ),
    "exceeds_pending_amount": ProblemType(
        422,
        "More was to be posted than the hold has. `held` is its amount.",
        "The final price is above the authorised one: a tip, shipping, another rate.",
        "Post `held`, and take the rest with a second transaction, which may be refused; or void "
        "the hold and make a larger one.",
        CHANGE_FIRST,
    ),
    "idempotency_key_reused": ProblemType(
        422,
        "The id or `Idempotency-Key` was already used for a request with other content.",
        "An id that is not unique (a counter that began again, an order id used for payment and "
        "refund), or a retry that computed its content anew, such as a time or a rate.",
        "Read the transaction of this id. If it is yours, keep its content for retries. If it is "
        "another one, take a new id, such as `order-77:refund-1`.",
        CHANGE_FIRST,
    ),
    "batch_aborted": ProblemType(
        424,
        "This transaction was not at fault: another one of the same atomic batch was refused.",
        "See the result in the batch whose code is another one.",
        "Correct or remove that transaction, and send the whole batch again.",
        "With the corrected batch.",
    ),
}
