/** The options of calls. */
import type { CallOptions } from "./transport.js";

/** How a read of one account or transaction is done. */
export interface ReadOptions extends CallOptions {
  /**
   * The version that the answer must have at least; the API waits for it. By default the highest
   * that this Ledger has seen; 0 takes what is there.
   */
  readonly min_version?: number | undefined;
  /** Reads the event table, where the ledger allows it. */
  readonly strong?: boolean | undefined;
}

/** How a write with an id is done. */
export interface WriteOptions extends CallOptions {
  /** Gives the id where there is none; for batches, holds and openings. */
  readonly idempotencyKey?: string | undefined;
}

/** How a listing is read. */
export interface ListOptions extends CallOptions {
  /** How many rows are fetched at a time: 200, the most, unless it is given. */
  readonly pageSize?: number | undefined;
}

/** How an account is changed. */
export interface ChangeOptions extends CallOptions {
  /** Changes the account only if it is at this version. */
  readonly ifMatch?: number | undefined;
}

/** Which accounts are listed. */
export interface AccountListOptions extends ListOptions {
  /** How the ids of the accounts begin. */
  readonly prefix?: string | undefined;
}

/** How entries of an account are listed. */
export interface EntriesOptions extends ReadOptions, ListOptions {
  /** Oldest first (`asc`), unless it is given. */
  readonly order?: "asc" | "desc" | undefined;
}

/** How events are listed. */
export interface EventsOptions extends ListOptions {
  /** Oldest first (`asc`), unless it is given. */
  readonly order?: "asc" | "desc" | undefined;
}

/** Which entries of an account are in a statement: what was recorded in a period. */
export interface StatementOptions extends ReadOptions, ListOptions {
  /** The time from which on, in RFC 3339: the beginning, unless it is given. */
  readonly from?: string | undefined;
  /** The time before which, in RFC 3339: now, unless it is given. */
  readonly to?: string | undefined;
}

/** How a transaction is posted. */
export interface PostOptions extends WriteOptions {
  /** Decides and answers, and writes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** How a batch is posted. */
export interface BatchOptions extends WriteOptions {
  /** All or none (true, the default), or each on its own. */
  readonly atomic?: boolean | undefined;
}

/** How a hold is posted. */
export interface PostHoldOptions extends WriteOptions {
  /** What is posted; the rest is released. All of it, unless it is given. */
  readonly amount?: bigint | undefined;
}

/** How a hold is voided. */
export interface VoidHoldOptions extends WriteOptions {
  readonly reason?: string | undefined;
}

/** Which transactions are listed: all, or the pending ones, or by reference, period or both. */
export interface TransactionListOptions extends ListOptions {
  readonly reference?: string | undefined;
  readonly state?: "pending" | undefined;
  /** The time of recording from which on, in RFC 3339. */
  readonly from?: string | undefined;
  /** The time of recording before which, in RFC 3339. */
  readonly to?: string | undefined;
  /** Oldest first (`asc`), unless it is given. */
  readonly order?: "asc" | "desc" | undefined;
}
