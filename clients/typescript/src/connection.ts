/** The connection of a ledger: its addresses, and what all its calls have in common. */
import createClient, { type Client } from "openapi-fetch";
import { decoded, encoded } from "./amounts.js";
import type { ReadOptions } from "./options.js";
import type { paths } from "./schema.js";
import type { Call, Transport } from "./transport.js";
import type { Versions } from "./versions.js";

/** The Write API and the two Read APIs, which may have addresses of their own. */
export type Api = "write" | "accounts" | "journal";

type Send = (request: Request) => Promise<Response>;

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

  /** What `client` must know of a call: where its request goes, and how it is sent. */
  options(api: Api, call: Call): { baseUrl: string; fetch: Send } {
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
