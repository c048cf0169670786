/** What the compiler must accept and refuse; compiled, and never run. */
import { type Account, credit, debit, Ledger, type NewTransaction, Problem } from "twofold";

const books = new Ledger("acme", { root: "https://ledger.example.com" }, { key: "tf_" });

// Amounts are bigints.
credit("alice", 1n);
// @ts-expect-error A number is no amount.
credit("alice", 1);
// @ts-expect-error Nor is a string.
debit("alice", "1");
books.accounts.open({ asset: "USD/2", normal_balance: "debit", min_balance: null });
// @ts-expect-error A limit is a bigint or null.
books.accounts.open({ asset: "USD/2", normal_balance: "debit", min_balance: 0 });

// A request has its required fields, and no others.
const order: NewTransaction = { entries: [debit("a", 1n), credit("b", 1n)], reference: "order" };
// @ts-expect-error A transaction has entries.
books.transactions.post({ reference: "order" });
// @ts-expect-error There is no such side.
books.accounts.open({ asset: "USD/2", normal_balance: "left" });
// @ts-expect-error A ledger is somewhere.
new Ledger("acme", { accounts: "https://a.example.com" });

/** Each answer has its type. */
export async function answers(): Promise<void> {
  const account: Account = await books.accounts.get("alice");
  const available: bigint = account.available;
  const limit: bigint | null = account.min_balance;
  const version: number = (await books.transactions.post(order)).versionOf("alice");
  const state: "open" | "closed" = account.state;
  for await (const { recorded_at } of books.accounts.entries("alice")) {
    const time: string = recorded_at;
    console.log(available, limit, version, state, time);
  }
  const [result] = await books.transactions.postBatch([order]);
  // @ts-expect-error A part may have been refused.
  result?.transaction.id;
}

/** A problem's code is completed by editors, and a newer ledger may have others. */
export function reason(error: unknown): bigint | undefined {
  if (error instanceof Problem && (error.code === "insufficient_funds" || error.code === "newer")) {
    return error.figures.available;
  }
  return undefined;
}
