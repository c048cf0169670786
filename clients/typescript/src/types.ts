/** The messages of the API, by the names under which the client has them. */
import type { Problem } from "./problems.js";
import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** Says whether a write was done before, and this is the first answer again. */
export interface Replayable {
  readonly replayed: boolean;
}

/** An account to be opened. Without a `min_balance` it is 0n; null is no limit. */
export type NewAccount = Schemas["OpenAccountRequest"];
/** What is changed of an account. */
export type AccountChange = Schemas["ChangeAccountRequest"];
/** The sides of an account that are frozen or unfrozen. */
export type Sides = Schemas["DirectionsRequest"];
export type Account = Schemas["AccountBody"];
export type Balance = Schemas["Balance"];
/** An entry as its account shows it; `version` is the account's. */
export type AccountEntry = Schemas["EntryBody"];

/** One entry of a transaction to be made. With an `asset`, the account must hold that one. */
export type Entry = Schemas["EntryRequest"];
/** A transaction to be made; with `pending` a hold. */
export type NewTransaction = Schemas["NewTransactionRequest"];
/** What a reversal says of itself. */
export type NewReversal = Schemas["ReverseTransactionRequest"];
/** An entry as its transaction shows it, with its account's version and balance after it. */
export type TransactionEntry = Schemas["TransactionEntryBody"];
export type TransactionBody = Schemas["TransactionBody"];

/** A transaction. */
export interface Transaction extends TransactionBody {
  /**
   * The version that an account has after this transaction. Throws RangeError for an account
   * without an entry in it.
   */
  versionOf(account: string): number;
}

/** An account from one time up to another; both balances are the whole period's. */
export interface Statement extends Omit<Schemas["Statement"], "entries" | "next_cursor"> {
  /** Oldest first. Pages are fetched as they are iterated over; only once. */
  readonly entries: AsyncIterable<AccountEntry>;
}

/** The result of one account of a batch: the account, or the problem. */
export interface AccountResult {
  readonly status: number;
  readonly account?: Account & Replayable;
  readonly problem?: Problem;
}

/** The result of one transaction of a batch: the transaction, or the problem. */
export interface TransactionResult {
  readonly status: number;
  readonly transaction?: Transaction & Replayable;
  readonly problem?: Problem;
}

export type TrialBalance = Schemas["Totals"];
export type Integrity = Schemas["Integrity"];
/** How far the read models of one Read API have come. */
export type Status = Schemas["Status"];
/** An event of an account or a transaction, without its content. */
export type LedgerEvent = Schemas["EventBody"];
export type LedgerEntry = Schemas["LedgerBody"];
export type Health = Schemas["HealthBody"];

/** An entry on an account's debit side. */
export function debit(account: string, amount: bigint): Entry {
  return { account, direction: "debit", amount };
}

/** An entry on an account's credit side. */
export function credit(account: string, amount: bigint): Entry {
  return { account, direction: "credit", amount };
}
