/** Versions: which version of each account and transaction a client has seen. */
import type { Account, AccountEntry, Balance, TransactionBody } from "./types.js";

interface Seen {
  readonly version: number;
  /** Of an account with stripes, which count their versions each for itself. */
  readonly striped: boolean;
}

/**
 * The versions that were seen, of at most `most` accounts and transactions: those seen last.
 *
 * The highest version counts. Of a striped account it is the one of the last write, since its
 * stripes' versions cannot be compared.
 */
export class Versions {
  readonly #most: number;
  readonly #seen = new Map<string, Seen>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The version that a read of an account must show, or nothing. */
  ofAccount(id: string): number | undefined {
    return this.#seen.get(`accounts/${id}`)?.version;
  }

  /** The version that a read of a transaction must show, or nothing. */
  ofTransaction(id: string): number | undefined {
    return this.#seen.get(`transactions/${id}`)?.version;
  }

  /** Remembers the version of an account, which this client has `written` or only read. */
  sawAccount({ id, version, stripes = 1 }: Account, written: boolean): void {
    this.#saw(`accounts/${id}`, { version, striped: stripes > 1 }, written);
  }

  /** Remembers the version of an account that a balance shows. */
  sawBalance({ account, version }: Balance): void {
    this.#saw(`accounts/${account}`, { version, striped: false }, false);
  }

  /** Remembers the version of an account that one of its entries shows. */
  sawEntry(account: string, { version }: AccountEntry): void {
    this.#saw(`accounts/${account}`, { version, striped: false }, false);
  }

  /** Remembers the version of a transaction, and those of the accounts of its entries. */
  sawTransaction(body: TransactionBody, written: boolean): void {
    if (body.dry_run) {
      return; // Its versions were never written.
    }
    this.#saw(`transactions/${body.id}`, { version: body.version, striped: false }, written);
    if (body.state === "posted" && body.reversed_by == null) {
      // Nothing but its reversal can follow.
      this.#saw(reversalOf(body.id), { version: body.version + 1, striped: false }, written);
    }
    for (const { account, version, balance_after } of body.entries) {
      const striped = balance_after === null;
      // The entries of a voided hold are the hold's own: each has been released later by one
      // version of its account.
      const released =
        body.state === "voided" && !striped
          ? body.entries.filter((entry) => entry.account === account).length
          : 0;
      this.#saw(`accounts/${account}`, { version: version + released, striped }, written);
    }
  }

  /** Remembers that a transaction was reversed. */
  sawReversed(id: string): void {
    const version = this.#seen.get(reversalOf(id))?.version ?? 2;
    this.#saw(`transactions/${id}`, { version, striped: false }, true);
  }

  #saw(name: string, now: Seen, written: boolean): void {
    const before = this.#seen.get(name) ?? now;
    const striped = before.striped || now.striped;
    const isNewer = striped ? written : now.version > before.version;
    this.#seen.delete(name);
    this.#seen.set(name, { version: (isNewer ? now : before).version, striped });
    if (this.#seen.size > this.#most) {
      const [oldest] = this.#seen.keys();
      this.#seen.delete(oldest as string);
    }
  }
}

/** The name of the version that a transaction has once it is reversed. */
function reversalOf(id: string): string {
  return `transactions/${id}/reverse`;
}
