import { Accounts } from "./accounts.js";
import { type Api, answered, Connection } from "./connection.js";
import type { ListOptions } from "./options.js";
import { pageQuery, rows } from "./pages.js";
import { Transactions } from "./transactions.js";
import { type CallOptions, sleep, Transport, type TransportOptions } from "./transport.js";
import type { Health, Integrity, LedgerEntry, Status, TrialBalance } from "./types.js";
import { Versions } from "./versions.js";

/** The addresses of the three APIs, where each has its own. Without a Read API's, `write` has it. */
export interface Addresses {
  readonly write: string;
  readonly accounts?: string | undefined;
  readonly journal?: string | undefined;
}

/** A domain that has the three APIs at `{root}/write`, `{root}/accounts` and `{root}/journal`. */
export interface Root {
  readonly root: string;
}

/** Where a ledger is: one server of all three APIs, a domain, or an address for each API. */
export type Where = string | Root | Addresses;

/** How a Ledger is reached. Times are in milliseconds. */
export interface LedgerOptions extends Partial<TransportOptions> {
  /** Sent as a bearer's. */
  readonly key?: string | undefined;
  /** How many accounts and transactions a Ledger remembers the versions of: 10,000; 0 is none. */
  readonly rememberVersions?: number | undefined;
}

/**
 * A ledger, by its name: its `accounts` and its `transactions`.
 *
 * One attempt may take `timeout` (15 s), and a call, with all its attempts, `deadline` (60 s).
 * Every method rejects with Problem for what the ledger refuses, with NoReply where the deadline
 * passes without an answer (at once, with NoConnection, where there is no server), and with the
 * reason of a `signal` that is aborted. Listings ask, and throw, while they are iterated over.
 *
 * A Ledger remembers the newest version that it has seen of each account and transaction, and its
 * reads of one of them show at least that version, and so its own writes.
 */
export class Ledger {
  readonly name: string;
  readonly accounts: Accounts;
  readonly transactions: Transactions;
  readonly #connection: Connection;

  /** Throws TypeError if the addresses are none. */
  constructor(name: string, where: Where, options: LedgerOptions = {}) {
    const { key, rememberVersions = 10_000 } = options;
    const transport = new Transport({
      timeout: options.timeout ?? 15_000,
      deadline: options.deadline ?? 60_000,
      // Read at each call: a page or a test may replace it later.
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      sleep: options.sleep ?? sleep,
    });
    this.name = name;
    this.#connection = new Connection(
      name,
      addresses(where),
      transport,
      key,
      new Versions(rememberVersions),
    );
    this.accounts = new Accounts(this.#connection);
    this.transactions = new Transactions(this.#connection);
  }

  /** Whether debits equal credits, by asset. */
  async trialBalance(options: CallOptions = {}): Promise<TrialBalance> {
    const result = await this.#connection.client.GET("/ledgers/{ledger}/trial-balance", {
      ...this.#connection.options("journal", options),
      params: { path: { ledger: this.name } },
    });
    return answered(result);
  }

  /** The verdict of the last audit of the ledger. */
  async integrity(options: CallOptions = {}): Promise<Integrity> {
    const result = await this.#connection.client.GET("/ledgers/{ledger}/integrity", {
      ...this.#connection.options("journal", options),
      params: { path: { ledger: this.name } },
    });
    return answered(result);
  }

  /** How far the read models of a Read API have come in the ledger, and the last audit. */
  async status(
    api: "accounts" | "journal" = "journal",
    options: CallOptions = {},
  ): Promise<Status> {
    const result = await this.#connection.client.GET("/ledgers/{ledger}/status", {
      ...this.#connection.options(api, options),
      params: { path: { ledger: this.name } },
    });
    return answered(result);
  }

  /** All ledgers that the key opens and a Read API has, in the order of their ids. */
  ledgers(
    api: "accounts" | "journal" = "journal",
    options: ListOptions = {},
  ): AsyncGenerator<LedgerEntry, void, undefined> {
    const ask = async (cursor: string | undefined) =>
      answered(
        await this.#connection.client.GET("/ledgers", {
          ...this.#connection.options(api, options),
          params: { query: pageQuery(options.pageSize, cursor) },
        }),
      );
    return rows(ask, (page) => page.ledgers);
  }

  /** Whether an API answers, and what it serves. */
  async health(api: Api = "write", options: CallOptions = {}): Promise<Health> {
    return answered(
      await this.#connection.client.GET("/health", this.#connection.options(api, options)),
    );
  }
}

/** The addresses of the three APIs, without a slash at their ends. */
function addresses(where: Where): Record<Api, string> {
  if (typeof where === "string") {
    return addresses({ write: where });
  }
  if ("root" in where) {
    if ("write" in where || "accounts" in where || "journal" in where) {
      throw new TypeError("give either root, or write with accounts and journal");
    }
    const root = address(where.root);
    return { write: `${root}/write`, accounts: `${root}/accounts`, journal: `${root}/journal` };
  }
  const { write, accounts = write, journal = write } = where;
  return { write: address(write), accounts: address(accounts), journal: address(journal) };
}

function address(given: string): string {
  if (!given) {
    throw new TypeError("where is the ledger? Give its address, or the root of its domain");
  }
  if (!/^https?:\/\/[^/]/.test(given)) {
    throw new TypeError(`${given} is no address: it begins with http:// or https://`);
  }
  return given.replace(/\/+$/, "");
}
