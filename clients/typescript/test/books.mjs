/** What the tests share: a Ledger whose requests are noted and answered here, without a server. */
import { Ledger } from "../dist/index.js";

/** A reply in JSON. */
export function json(body, status = 200, headers = {}) {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": type, ...headers },
  });
}

/** A problem's reply. */
export function problem(status, code, figures = {}) {
  return json({ code, detail: "as asked", errors: [], ...figures }, status);
}

/** What Node's fetch throws if there is no reply. */
export function failure(code) {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}

/** An account's answer. */
export function account(fields = {}) {
  return {
    id: "alice",
    ledger: "acme",
    asset: "USD/2",
    normal_balance: "credit",
    min_balance: "0",
    max_balance: null,
    posted: "0",
    pending_debits: "0",
    pending_credits: "0",
    available: "0",
    frozen: { debits: false, credits: false },
    state: "open",
    metadata: {},
    version: 1,
    opened_at: "2026-11-01T12:00:00.000001Z",
    recorded_at: "2026-11-01T12:00:00.000001Z",
    ...fields,
  };
}

/** A transaction's answer, with an entry on each account at a version. */
export function transaction(versions, fields = {}) {
  const entries = Object.entries(versions).map(([name, version]) => ({
    account: name,
    direction: "credit",
    amount: "1",
    asset: "USD/2",
    version,
    balance_after: "1",
  }));
  return {
    id: "t",
    ledger: "acme",
    state: "posted",
    reference: null,
    effective_at: "2026-11-01T12:00:00.000001Z",
    recorded_at: "2026-11-01T12:00:00.000001Z",
    metadata: {},
    version: 1,
    entries,
    ...fields,
  };
}

/**
 * A Ledger that is given these replies in turn: a Response, an error that fetch throws, or a
 * function of the request that returns either. `asked` has the requests so far, `waits` the waits.
 */
export function ledgerWith(replies, options = {}) {
  const asked = [];
  const waits = [];
  const fetch = async (url, init) => {
    asked.push({ url, ...init });
    const next = replies.shift();
    const reply = typeof next === "function" ? await next({ url, ...init }) : next;
    if (!(reply instanceof Response)) {
      throw reply ?? new Error("one request too many");
    }
    return reply;
  };
  const sleep = async (milliseconds) => {
    waits.push(milliseconds);
  };
  const books = new Ledger("acme", "http://ledger.example", { fetch, sleep, ...options });
  return { books, asked, waits };
}
