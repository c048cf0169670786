/**
 * The highest version that a client has seen of each account and transaction. The most recently
 * seen are kept, up to a limit.
 */
export class Versions {
  readonly #limit: number;
  readonly #highest = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The version that a read of an account must show, or nothing. */
  ofAccount(id: string): number | undefined {
    return this.#highest.get(`account/${id}`);
  }

  /** The version that a read of a transaction must show, or nothing. */
  ofTransaction(id: string): number | undefined {
    return this.#highest.get(`transaction/${id}`);
  }

  /** Remembers the version of an account. */
  sawAccount(account: Versioned): void {
    this.#saw(`account/${account.id}`, account.version);
  }

  /** Remembers the version of a transaction, and those of the accounts that its entries are on. */
  sawTransaction(transaction: Versioned & { readonly entries: readonly VersionedEntry[] }): void {
    this.#saw(`transaction/${transaction.id}`, transaction.version);
    for (const entry of transaction.entries) {
      this.#saw(`account/${entry.account}`, entry.version);
    }
  }

  #saw(name: string, version: number): void {
    const highest = Math.max(version, this.#highest.get(name) ?? 0);
    this.#highest.delete(name);
    this.#highest.set(name, highest);
    if (this.#highest.size > this.#limit) {
      const [oldest] = this.#highest.keys();
      this.#highest.delete(oldest as string);
    }
  }
}

interface Versioned {
  readonly id: string;
  readonly version: number;
}

interface VersionedEntry {
  readonly account: string;
  readonly version: number;
}
