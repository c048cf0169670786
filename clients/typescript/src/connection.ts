/** The connection of a ledger: its addresses, and what all its calls have in common. */
import createClient, { type Client } from "openapi-fetch";
import { decoded, encoded } from "./amounts.js";
import type { paths } from "./schema.js";
import type { Call, CallOptions, Transport } from "./transport.js";
import type { Versions } from "./versions.js";

/** The Write API and the two Read APIs, which may have addresses of their own. */
export type Api = "write" | "accounts" | "journal";

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

export class Connection {
  readonly ledger: string;
  readonly versions: Versions;
  readonly client: Client<paths>;
  readonly #roots: Readonly<Record<Api, string>>;
  readonly #transport: Transport;

  constructor(
    ledger: string,
    roots: Readonly<Record<Api, string>>,
    transport: Transport,
    key: string | undefined,
    versions: Versions,
  ) {
    this.ledger = ledger;
    this.versions = versions;
    this.#roots = roots;
    this.#transport = transport;
    const headers = key === undefined ? {} : { Authorization: `Bearer ${key}` };
    this.client = createClient<paths>({ headers, bodySerializer: encoded });
  }

  /** Where and how `client` sends the request of a call. */
  to(api: Api, call: Call): { baseUrl: string; fetch: (request: Request) => Promise<Response> } {
    return {
      baseUrl: this.#roots[api],
      fetch: (request) => this.#transport.send(request, call),
    };
  }
}

/** The parameters of a read; `seen` is the version that it must show unless the caller says. */
export function readQuery(
  { min_version, strong }: ReadOptions,
  seen: number | undefined,
): { min_version: number | undefined; consistency: "strong" | undefined } {
  const version = min_version ?? (strong ? undefined : seen);
  return { min_version: version || undefined, consistency: strong ? "strong" : undefined };
}

/** The answer to a request, with amounts as bigints. */
export function answered<Answer>(result: { data?: Answer }): Answer {
  // The transport throws for every reply that has none.
  return decoded(result.data as Answer);
}

/** Whether a write was done before. */
export function isReplay(result: { response: Response }): boolean {
  return result.response.headers.get("Idempotency-Replayed") === "true";
}
