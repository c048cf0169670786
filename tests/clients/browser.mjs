/**
 * Runs a bundle of the TypeScript client where only a browser's globals are, against a server:
 * `node browser.mjs BUNDLE URL LEDGER`. Prints what an account holds.
 */
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";

const [bundle, url, ledger] = process.argv.slice(2);
const web = { fetch, Request, Response, Headers, FormData, URL, URLSearchParams };
const more = { AbortController, AbortSignal, crypto, performance, setTimeout, clearTimeout };
const page = createContext({ ...web, ...more, url, ledger });

runInContext(readFileSync(bundle, "utf8"), page);
const holds = await runInContext(
  `(async () => {
    const { credit, debit, Ledger } = twofold;
    const books = new Ledger(ledger, url);
    await books.accounts.open({ id: "a", asset: "USD/2", normal_balance: "debit", min_balance: null });
    await books.accounts.open({ id: "b", asset: "USD/2", normal_balance: "credit" });
    await books.transactions.post({ entries: [debit("a", 10n ** 20n), credit("b", 10n ** 20n)] });
    return (await books.accounts.get("b")).posted;
  })()`,
  page,
);
console.log(String(holds));
