import { allResults } from "./batches.js";
import { answered, type Connection, isReplay, readQuery } from "./connection.js";
import { newId } from "./ids.js";
import type {
  BatchOptions,
  EventsOptions,
  PostHoldOptions,
  PostOptions,
  ReadOptions,
  TransactionListOptions,
  VoidHoldOptions,
  WriteOptions,
} from "./options.js";
import { pageQuery, rows } from "./pages.js";
import { Problem } from "./problems.js";
import { transactionOf } from "./results.js";
import type { components } from "./schema.js";
import type {
  LedgerEvent,
  NewReversal,
  NewTransaction,
  Replayable,
  Transaction,
  TransactionBody,
  TransactionResult,
} from "./types.js";

type Result = components["schemas"]["ResultBody"];

/**
 * The transactions of a ledger. Each write has an id, which is made where none is given, so that
 * the ledger does it once.
 */
export class Transactions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Posts a transaction, or holds it if `pending` is given. */
  async post(
    transaction: NewTransaction,
    options: PostOptions = {},
  ): Promise<Transaction & Replayable> {
    const { idempotencyKey, dryRun } = options;
    const id = transaction.id ?? (idempotencyKey === undefined ? newId() : undefined);
    const result = await this.#connection.client.POST("/ledgers/{ledger}/transactions", {
      ...this.#connection.options("write", { ...options, key: id ?? idempotencyKey }),
      params: {
        path: { ledger: this.#connection.ledger },
        header: { "Idempotency-Key": idempotencyKey },
        query: { dry_run: dryRun ? "true" : undefined },
      },
      body: { ...transaction, id },
    });
    return this.#made(answered(result), isReplay(result));
  }

  /**
   * Posts several transactions, all or none or independently; the result of each. A transaction
   * without an id gets one from the key and its index.
   *
   * The same batch is sent again for transactions that were not attempted or are unknown, within
   * the deadline. The rest then has a problem with the status 503, and the same batch with the same
   * key continues.
   */
  async postBatch(
    transactions: readonly NewTransaction[],
    options: BatchOptions = {},
  ): Promise<readonly TransactionResult[]> {
    const key = options.idempotencyKey ?? newId();
    const results = await allResults<Result>((isUnfinished) =>
      this.#connection.client.POST("/ledgers/{ledger}/transactions/batch", {
        ...this.#connection.options("write", { ...options, key, isUnfinished }),
        params: { path: { ledger: this.#connection.ledger }, header: { "Idempotency-Key": key } },
        body: { atomic: options.atomic ?? true, transactions: [...transactions] },
      }),
    );
    return results.map(({ status, transaction, replayed = false, problem }) => ({
      status,
      ...(transaction
        ? { transaction: this.#made(answered({ data: transaction }), replayed) }
        : {}),
      ...(problem ? { problem: new Problem(status, problem) } : {}),
    }));
  }

  /** Posts a pending transaction, or an `amount` of it. */
  async postHold(id: string, options: PostHoldOptions = {}): Promise<Transaction & Replayable> {
    const { amount, idempotencyKey: key = newId() } = options;
    const result = await this.#connection.client.POST(
      "/ledgers/{ledger}/transactions/{transaction}/post",
      {
        ...this.#connection.options("write", { ...options, key }),
        params: { path: this.#path(id), header: { "Idempotency-Key": key } },
        body: { amount },
      },
    );
    return this.#made(answered(result), isReplay(result));
  }

  /** Voids a pending transaction: all of it is released. */
  async voidHold(id: string, options: VoidHoldOptions = {}): Promise<Transaction & Replayable> {
    const { reason, idempotencyKey: key = newId() } = options;
    const result = await this.#connection.client.POST(
      "/ledgers/{ledger}/transactions/{transaction}/void",
      {
        ...this.#connection.options("write", { ...options, key }),
        params: { path: this.#path(id), header: { "Idempotency-Key": key } },
        body: { reason },
      },
    );
    return this.#made(answered(result), isReplay(result));
  }

  /** Reverses a posted transaction by a new one, which is returned. */
  async reverse(
    id: string,
    reversal: NewReversal = {},
    options: WriteOptions = {},
  ): Promise<Transaction & Replayable> {
    const { idempotencyKey } = options;
    const made = reversal.id ?? (idempotencyKey === undefined ? newId() : undefined);
    const result = await this.#connection.client.POST(
      "/ledgers/{ledger}/transactions/{transaction}/reverse",
      {
        ...this.#connection.options("write", { ...options, key: made ?? idempotencyKey }),
        params: { path: this.#path(id), header: { "Idempotency-Key": idempotencyKey } },
        body: { ...reversal, id: made },
      },
    );
    this.#connection.versions.sawReversed(id);
    return this.#made(answered(result), isReplay(result));
  }

  /** The transaction now. */
  async get(id: string, options: ReadOptions = {}): Promise<Transaction> {
    const seen = this.#connection.versions.ofTransaction(id);
    const result = await this.#connection.client.GET(
      "/ledgers/{ledger}/transactions/{transaction}",
      {
        ...this.#connection.options("journal", options),
        params: { path: this.#path(id), query: readQuery(options, seen) },
      },
    );
    return this.#read(answered(result));
  }

  /** The events of a transaction, from the event table, where the ledger allows strong reads. */
  events(id: string, options: EventsOptions = {}): AsyncGenerator<LedgerEvent, void, undefined> {
    const ask = async (cursor: string | undefined) =>
      answered(
        await this.#connection.client.GET("/ledgers/{ledger}/transactions/{transaction}/events", {
          ...this.#connection.options("journal", options),
          params: {
            path: this.#path(id),
            query: { order: options.order ?? "asc", ...pageQuery(options.pageSize, cursor) },
          },
        }),
      );
    return rows(ask, (page) => page.events);
  }

  /** The transactions, oldest or newest first. */
  list(options: TransactionListOptions = {}): AsyncGenerator<Transaction, void, undefined> {
    const { reference, state, from, to, order = "asc", pageSize } = options;
    const ask = async (cursor: string | undefined) =>
      answered(
        await this.#connection.client.GET("/ledgers/{ledger}/transactions", {
          ...this.#connection.options("journal", options),
          params: {
            path: { ledger: this.#connection.ledger },
            query: { reference, state, from, to, order, ...pageQuery(pageSize, cursor) },
          },
        }),
      );
    return rows(ask, (page) => page.transactions.map((body) => this.#read(body)));
  }

  #path(id: string): { ledger: string; transaction: string } {
    return { ledger: this.#connection.ledger, transaction: id };
  }

  #made(body: TransactionBody, replayed: boolean): Transaction & Replayable {
    this.#connection.versions.sawTransaction(body, true);
    return Object.assign(transactionOf(body), { replayed });
  }

  #read(body: TransactionBody): Transaction {
    this.#connection.versions.sawTransaction(body, false);
    return transactionOf(body);
  }
}
