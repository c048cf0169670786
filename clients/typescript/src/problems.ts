import type { components } from "./schema.js";

/** One wrong field of a request. */
export interface FieldError {
  readonly field: string;
  readonly detail: string;
}

/** The code of a reply that is not the ledger's, but a proxy's, say. */
export const UNEXPECTED = "unexpected_answer";

/** The codes of the ledger's problems. A newer ledger may have more. */
export type ProblemCode =
  | components["schemas"]["Problem"]["code"]
  | typeof UNEXPECTED
  | (string & Record<never, never>);

/** The figures that are amounts. An `asset_mismatch` has an asset as `asked`. */
const AMOUNT_FIGURES = [
  "asked",
  "available",
  "balance",
  "credits",
  "debits",
  "held",
  "max_balance",
  "min_balance",
  "pending_credits",
  "pending_debits",
  "posted",
] as const;

const STANDARD = ["type", "title", "status", "code", "detail", "errors"] as const;

type Document = components["schemas"]["Problem"];

/** The names of the figures that are known. The document allows any. */
type Figure = keyof {
  [Name in keyof Document as string extends Name ? never : Name]: unknown;
};

/** The type of a figure, whose amount is a bigint. */
type Exact<Name extends Figure> = Name extends "asked"
  ? bigint | string
  : Name extends (typeof AMOUNT_FIGURES)[number]
    ? bigint | Extract<Document[Name], null>
    : Document[Name];

/**
 * The figures of a refusal, such as `available`. Amounts are bigints, other numbers strings. A newer
 * ledger may have others.
 */
export type Figures = Readonly<Record<string, unknown>> & {
  readonly [Name in Exclude<Figure, (typeof STANDARD)[number]>]?: Exact<Name>;
};

/**
 * The base of the client's errors. `key` is the id or the idempotency key of the request.
 *
 * After `NoReply`, and after a `Problem` with the code `outcome_unknown`, `internal_error` or
 * `unexpected_answer`, a write may have been done, or may still be: repeat the call with this key,
 * and it is done once.
 */
export class TwofoldError extends Error {
  // Not the constructor's name, which a bundler may shorten.
  override readonly name: string = "TwofoldError";
  readonly key: string | undefined;

  constructor(message: string, key?: string, options?: ErrorOptions) {
    super(message, options);
    this.key = key;
  }
}

/** No reply before the deadline, or an attempt without a reply may have been done. */
export class NoReply extends TwofoldError {
  override readonly name: string = "NoReply";
}

/**
 * No connection could be made: nothing was sent, so nothing was done. Thrown at once, and not at
 * the deadline, if that is so at the first attempt of a call.
 */
export class NoConnection extends NoReply {
  override readonly name: string = "NoConnection";
}

/**
 * A refusal or a failure of the ledger.
 *
 * `code` is stable, for programs; `detail` is for people; `errors` names wrong fields; `figures`
 * has what the refusal was decided by, with amounts as bigints.
 */
export class Problem extends TwofoldError {
  override readonly name: string = "Problem";
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly figures: Figures;

  constructor(status: number, document: Readonly<Record<string, unknown>>, key?: string) {
    const { code = UNEXPECTED, detail = "this is not an answer of the ledger" } = document;
    super(`${code} (${status}): ${detail}`, key);
    this.status = status;
    this.code = String(code);
    this.detail = String(detail);
    this.errors = Array.isArray(document.errors) ? document.errors : [];
    this.figures = figuresOf(document);
  }
}

/** The problem of a reply, also of one that is not the ledger's. */
export function problemOf(status: number, text: string, key?: string): Problem {
  try {
    const document: unknown = JSON.parse(text);
    return new Problem(status, isProblem(document) ? document : {}, key);
  } catch {
    return new Problem(status, {}, key);
  }
}

function isProblem(document: unknown): document is Record<string, unknown> {
  return (
    typeof document === "object" &&
    document !== null &&
    "code" in document &&
    "detail" in document &&
    "errors" in document
  );
}

function figuresOf(document: Readonly<Record<string, unknown>>): Figures {
  const named = (names: readonly string[], name: string) => names.includes(name);
  const figures = Object.entries(document).filter(([name]) => !named(STANDARD, name));
  const exact = figures.map(([name, value]) => [
    name,
    named(AMOUNT_FIGURES, name) && isInteger(value) ? BigInt(value) : value,
  ]);
  return Object.fromEntries(exact);
}

function isInteger(value: unknown): value is string {
  return typeof value === "string" && /^-?\d+$/.test(value);
}
