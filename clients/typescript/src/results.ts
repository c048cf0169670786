import type { Transaction, TransactionBody } from "./types.js";

/** The methods of a transaction. They are not its own properties: a copy is its fields only. */
const METHODS = {
  versionOf(this: TransactionBody, account: string): number {
    const versions = this.entries.filter((entry) => entry.account === account);
    if (!versions.length) {
      throw new RangeError(`transaction ${this.id} has no entry on ${account}`);
    }
    return Math.max(...versions.map((entry) => entry.version));
  },
};

/** The same object, with its methods. */
export function transactionOf(body: TransactionBody): Transaction {
  return Object.setPrototypeOf(body, METHODS);
}
