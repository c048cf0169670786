// What a program does with answers and requests. Each line marked with @ts-expect-error must be refused.
import type { components, operations } from "./types";

type Schemas = components["schemas"];
export type Body<Id extends keyof operations> = operations[Id] extends {
  requestBody?: infer Request;
}
  ? NonNullable<Request> extends { content: { "application/json": infer Json } }
    ? Json
    : never
  : never;

export function account(found: Schemas["AccountBody"]): [string, number, bigint] {
  const least: string | null = found.min_balance;
  const stripes: number | undefined = found.stripes;
  const state: "open" | "closed" = found.state;
  return [`${least} ${state}`, stripes ?? 1, BigInt(found.available)];
}

export function transaction(found: Schemas["TransactionBody"]): string {
  const expires: string | null | undefined = found.expires_at;
  const resolved: string | undefined = found.resolved_at;
  const state: "pending" | "posted" | "voided" | "expired" = found.state;
  const [first] = found.entries;
  return `${expires} ${resolved} ${state} ${first?.version ?? 0}`;
}

export function problem(found: Schemas["Problem"]): string {
  const available: string | undefined = found.available;
  const later: unknown = found["a_member_of_a_newer_ledger"];
  switch (found.code) {
    case "insufficient_funds":
      return `${available} ${later}`;
    // @ts-expect-error: no such code
    case "no_such_code":
      return "";
    default:
      return found.detail;
  }
}

export function integrity(found: Schemas["Integrity"]): string | null {
  return found.checkpoint === null ? null : found.checkpoint.root;
}

export function batch(found: Schemas["ResultsBody"]): (Schemas["TransactionBody"] | undefined)[] {
  return found.results.map((each) => (each.problem === undefined ? each.transaction : undefined));
}

type Query = NonNullable<operations["listTransactions"]["parameters"]["query"]>;
export const newest: Query = { order: "desc", state: "pending" };

// @ts-expect-error: no such direction
export const sideways: Schemas["EntryRequest"] = { account: "a", direction: "left", amount: "1" };
// @ts-expect-error: an account has an asset
export const nothing: Body<"openAccount"> = { normal_balance: "credit" };
// @ts-expect-error: an unknown field
export const unknown: Body<"postHold"> = { amounts: "1" };
