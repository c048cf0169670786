/** Twofold's client: a ledger over HTTP, with amounts as bigints and retries that are safe. */

export type {
  AccountListOptions,
  Accounts,
  ChangeOptions,
  EntriesOptions,
  StatementOptions,
} from "./accounts.js";
export type { Api, ListOptions, ReadOptions, WriteOptions } from "./connection.js";
export { type Addresses, Ledger, type LedgerOptions, type Root, type Where } from "./ledger.js";
export {
  type FieldError,
  type Figures,
  NoConnection,
  NoReply,
  Problem,
  type ProblemCode,
  TwofoldError,
} from "./problems.js";
export type { components, operations, paths } from "./schema.js";
export type {
  BatchOptions,
  PostHoldOptions,
  PostOptions,
  TransactionListOptions,
  Transactions,
  VoidHoldOptions,
} from "./transactions.js";
export type { CallOptions, TransportOptions } from "./transport.js";
export * from "./types.js";
