import { allResults } from "./batches.js";
import { answered, type Connection, isReplay, readQuery } from "./connection.js";
import { newId } from "./ids.js";
import type {
  AccountListOptions,
  ChangeOptions,
  EntriesOptions,
  EventsOptions,
  ReadOptions,
  StatementOptions,
  WriteOptions,
} from "./options.js";
import { pageQuery, rows } from "./pages.js";
import { Problem } from "./problems.js";
import type { components } from "./schema.js";
import type { CallOptions } from "./transport.js";
import type {
  Account,
  AccountChange,
  AccountEntry,
  AccountResult,
  Balance,
  LedgerEvent,
  NewAccount,
  Replayable,
  Sides,
  Statement,
} from "./types.js";

type Result = components["schemas"]["AccountResultBody"];

/** The accounts of a ledger: opening and managing them, and what they hold and held. */
export class Accounts {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Opens an account, or returns the open account of this id and content. */
  async open(account: NewAccount, options: WriteOptions = {}): Promise<Account & Replayable> {
    const { idempotencyKey } = options;
    const id = account.id ?? (idempotencyKey === undefined ? newId() : undefined);
    const result = await this.#connection.client.POST("/ledgers/{ledger}/accounts", {
      ...this.#connection.options("write", { ...options, key: id ?? idempotencyKey }),
      params: {
        path: { ledger: this.#connection.ledger },
        header: { "Idempotency-Key": idempotencyKey },
      },
      body: { ...account, id },
    });
    return { ...this.#written(answered(result)), replayed: isReplay(result) };
  }

  /**
   * Opens up to 100 accounts independently; the result of each. An account without an id gets one
   * from the key and its index.
   */
  async openBatch(
    accounts: readonly NewAccount[],
    options: WriteOptions = {},
  ): Promise<readonly AccountResult[]> {
    const key = options.idempotencyKey ?? newId();
    const results = await allResults<Result>((isUnfinished) =>
      this.#connection.client.POST("/ledgers/{ledger}/accounts/batch", {
        ...this.#connection.options("write", { ...options, key, isUnfinished }),
        params: { path: { ledger: this.#connection.ledger }, header: { "Idempotency-Key": key } },
        body: { accounts: [...accounts] },
      }),
    );
    return results.map(({ status, account, replayed = false, problem }) => ({
      status,
      ...(account ? { account: { ...this.#written(answered({ data: account })), replayed } } : {}),
      ...(problem ? { problem: new Problem(status, problem) } : {}),
    }));
  }

  /**
   * Changes the given fields. If a change with `ifMatch` was done but its reply was lost, the
   * second attempt is refused as `version_conflict`: read the account to see whose change it was.
   */
  async change(id: string, change: AccountChange, options: ChangeOptions = {}): Promise<Account> {
    const ifMatch = options.ifMatch === undefined ? undefined : `"${options.ifMatch}"`;
    const result = await this.#connection.client.PATCH("/ledgers/{ledger}/accounts/{account}", {
      ...this.#connection.options("write", options),
      params: { path: this.#path(id), header: { "If-Match": ifMatch } },
      body: change,
    });
    return this.#written(answered(result));
  }

  /** Freezes an account for entries on the given sides, or both; the other side is unchanged. */
  async freeze(id: string, sides: Sides = {}, options: CallOptions = {}): Promise<Account> {
    const result = await this.#connection.client.POST(
      "/ledgers/{ledger}/accounts/{account}/freeze",
      {
        ...this.#connection.options("write", options),
        params: { path: this.#path(id) },
        body: sides,
      },
    );
    return this.#written(answered(result));
  }

  /** Unfreezes an account for entries on the given sides, or both. */
  async unfreeze(id: string, sides: Sides = {}, options: CallOptions = {}): Promise<Account> {
    const result = await this.#connection.client.POST(
      "/ledgers/{ledger}/accounts/{account}/unfreeze",
      {
        ...this.#connection.options("write", options),
        params: { path: this.#path(id) },
        body: sides,
      },
    );
    return this.#written(answered(result));
  }

  /** Closes an empty account permanently. */
  async close(id: string, options: CallOptions = {}): Promise<Account> {
    const result = await this.#connection.client.POST(
      "/ledgers/{ledger}/accounts/{account}/close",
      {
        ...this.#connection.options("write", options),
        params: { path: this.#path(id) },
        body: {},
      },
    );
    return this.#written(answered(result));
  }

  /** The account now. */
  async get(id: string, options: ReadOptions = {}): Promise<Account> {
    const result = await this.#connection.client.GET("/ledgers/{ledger}/accounts/{account}", {
      ...this.#connection.options("accounts", options),
      params: { path: this.#path(id), query: this.#query(id, options) },
    });
    return this.#read(answered(result));
  }

  /** The accounts whose ids have the prefix, or all, in the order of their ids. */
  list(options: AccountListOptions = {}): AsyncGenerator<Account, void, undefined> {
    const { prefix, pageSize } = options;
    const ask = async (cursor: string | undefined) =>
      answered(
        await this.#connection.client.GET("/ledgers/{ledger}/accounts", {
          ...this.#connection.options("accounts", options),
          params: {
            path: { ledger: this.#connection.ledger },
            query: { prefix, ...pageQuery(pageSize, cursor) },
          },
        }),
      );
    return rows(ask, (page) => page.accounts.map((account) => this.#read(account)));
  }

  /** The posted balance of an account at a time in RFC 3339, or now. */
  async balance(id: string, options: ReadOptions & { at?: string } = {}): Promise<Balance> {
    const result = await this.#connection.client.GET(
      "/ledgers/{ledger}/accounts/{account}/balance",
      {
        ...this.#connection.options("accounts", options),
        params: { path: this.#path(id), query: { at: options.at, ...this.#query(id, options) } },
      },
    );
    const balance = answered(result);
    this.#connection.versions.sawBalance(balance);
    return balance;
  }

  /** The entries of an account. */
  entries(id: string, options: EntriesOptions = {}): AsyncGenerator<AccountEntry, void, undefined> {
    const order = options.order ?? "asc";
    const query = { order, ...this.#query(id, options) };
    const ask = async (cursor: string | undefined) =>
      answered(
        await this.#connection.client.GET("/ledgers/{ledger}/accounts/{account}/entries", {
          ...this.#connection.options("accounts", options),
          params: {
            path: this.#path(id),
            query: { ...query, ...pageQuery(options.pageSize, cursor) },
          },
        }),
      );
    return rows(ask, (page) => this.#entries(id, page));
  }

  /** The events of an account, from the event table, where the ledger allows strong reads. */
  events(id: string, options: EventsOptions = {}): AsyncGenerator<LedgerEvent, void, undefined> {
    const ask = async (cursor: string | undefined) =>
      answered(
        await this.#connection.client.GET("/ledgers/{ledger}/accounts/{account}/events", {
          ...this.#connection.options("accounts", options),
          params: {
            path: this.#path(id),
            query: { order: options.order ?? "asc", ...pageQuery(options.pageSize, cursor) },
          },
        }),
      );
    return rows(ask, (page) => page.events);
  }

  /** What was recorded on an account in a period. */
  async statement(id: string, options: StatementOptions = {}): Promise<Statement> {
    const { from, to } = options;
    const query = { from, to, ...this.#query(id, options) };
    const ask = async (cursor: string | undefined) =>
      answered(
        await this.#connection.client.GET("/ledgers/{ledger}/accounts/{account}/statement", {
          ...this.#connection.options("accounts", options),
          params: {
            path: this.#path(id),
            query: { ...query, ...pageQuery(options.pageSize, cursor) },
          },
        }),
      );
    const first = await ask(undefined);
    const { entries: _, next_cursor: __, ...whole } = first;
    return { ...whole, entries: rows(ask, (page) => this.#entries(id, page), first) };
  }

  #path(id: string): { ledger: string; account: string } {
    return { ledger: this.#connection.ledger, account: id };
  }

  #query(id: string, options: ReadOptions): ReturnType<typeof readQuery> {
    return readQuery(options, this.#connection.versions.ofAccount(id));
  }

  #entries(id: string, page: { entries: AccountEntry[] }): AccountEntry[] {
    for (const entry of page.entries) {
      this.#connection.versions.sawEntry(id, entry);
    }
    return page.entries;
  }

  #read(account: Account): Account {
    this.#connection.versions.sawAccount(account, false);
    return account;
  }

  #written(account: Account): Account {
    this.#connection.versions.sawAccount(account, true);
    return account;
  }
}
