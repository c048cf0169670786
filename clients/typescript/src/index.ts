/** Twofold's client: a ledger over HTTP, with amounts as bigints and retries that are safe. */

export type { Accounts } from "./accounts.js";
export type { Api } from "./connection.js";
export { type Addresses, Ledger, type LedgerOptions, type Root, type Where } from "./ledger.js";
export type * from "./options.js";
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
export type { Transactions } from "./transactions.js";
export type { CallOptions, TransportOptions } from "./transport.js";
export * from "./types.js";
