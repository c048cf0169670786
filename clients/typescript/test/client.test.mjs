/** What only the TypeScript client has, or what only Node can tell: amounts, signals, iterators. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  credit,
  debit,
  Ledger,
  NoConnection,
  NoReply,
  Problem,
  TwofoldError,
} from "../dist/index.js";
import { account, failure, json, ledgerWith, problem, transaction } from "./books.mjs";

const LARGE = 10n ** 30n;

for (const amount of [10, 10.5, Number.NaN, "1000", "10.50"]) {
  test(`the ${typeof amount} ${amount} is no amount, and is refused before anything is sent`, async () => {
    const { books, asked } = ledgerWith([]);
    const entries = [credit("alice", 1n), debit("bank", amount)];
    const refused = { name: "TypeError", message: /amount: .* amounts are bigints/ };

    await assert.rejects(books.transactions.post({ entries }), refused);
    await assert.rejects(books.transactions.postBatch([{ entries }]), {
      name: "TypeError",
      message:
        /^transactions\[0\]\.entries\[1\]\.amount: .* is a (number|string); amounts are bigints/,
    });
    await assert.rejects(books.transactions.postHold("h", { amount }), refused);
    await assert.rejects(books.accounts.change("alice", { max_balance: amount }), {
      name: "TypeError",
      message: /^max_balance: /,
    });
    assert.deepEqual(asked, []);
  });
}

test("amounts beyond what numbers hold go and come to the last digit", async () => {
  const { books, asked } = ledgerWith([
    json(account({ posted: String(-LARGE), min_balance: null, max_balance: String(LARGE) }), 201),
  ]);

  const opened = await books.accounts.open({
    asset: "USD/2",
    normal_balance: "credit",
    min_balance: -LARGE - 1n,
  });

  assert.equal(JSON.parse(asked[0].body).min_balance, `-${"1".padEnd(30, "0")}1`);
  assert.deepEqual([opened.posted, opened.min_balance, opened.max_balance], [-LARGE, null, LARGE]);
});

test("metadata is the caller's, whatever its names", async () => {
  const metadata = { amount: "12", posted: "by hand" };
  const { books, asked } = ledgerWith([json(account({ metadata }), 201)]);

  const opened = await books.accounts.open({ asset: "USD/2", normal_balance: "credit", metadata });

  assert.deepEqual(JSON.parse(asked[0].body).metadata, metadata);
  assert.deepEqual(opened.metadata, metadata);
});

test("a refusal has its figures, with amounts as bigints and ids as they are", async () => {
  const figures = { account: "007", available: "500", asked: String(LARGE), version: "3" };
  const { books } = ledgerWith([problem(422, "insufficient_funds", figures)]);

  const refused = await books.transactions.post({ id: "t", entries: [] }).catch((error) => error);

  assert.ok(refused instanceof Problem && refused instanceof TwofoldError);
  assert.deepEqual(
    [refused.name, refused.code, refused.status],
    ["Problem", "insufficient_funds", 422],
  );
  assert.equal(refused.key, "t");
  assert.deepEqual(refused.figures, {
    account: "007",
    available: 500n,
    asked: LARGE,
    version: "3",
  });
});

test("a transaction knows the version that it gave an account, and its copy is plain", async () => {
  const { books } = ledgerWith([json(transaction({ bank: 12, alice: 7 }), 201)]);

  const posted = await books.transactions.post({ entries: [] });

  assert.equal(posted.versionOf("bank"), 12);
  assert.throws(() => posted.versionOf("bob"), {
    name: "RangeError",
    message: "transaction t has no entry on bob",
  });
  assert.ok(!("versionOf" in { ...posted }));
  assert.equal(structuredClone(posted).entries[0].amount, 1n);
});

test("the versions of the accounts seen last are kept, and no more", async () => {
  const { books, asked } = ledgerWith(
    [
      json(transaction({ bank: 12, alice: 7 }), 201),
      json(account({ id: "alice", version: 7 })),
      json(account({ id: "bank", version: 12 })),
    ],
    { rememberVersions: 1 },
  );
  await books.transactions.post({ entries: [] });

  await books.accounts.get("alice");
  await books.accounts.get("bank");

  const [, alice, bank] = asked.map(({ url }) => new URL(url).searchParams.get("min_version"));
  assert.deepEqual([alice, bank], ["7", null]);
});

test("an id that is made is in the first attempt and in all others", async () => {
  const { books, asked } = ledgerWith([
    failure("UND_ERR_SOCKET"),
    problem(503, "outcome_unknown"),
    json(transaction({}), 200, { "Idempotency-Replayed": "true" }),
  ]);

  const { replayed } = await books.transactions.post({
    entries: [debit("bank", 1n), credit("alice", 1n)],
  });

  assert.ok(replayed);
  assert.equal(new Set(asked.map(({ body }) => body)).size, 1);
  assert.match(
    JSON.parse(asked[0].body).id,
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test("a signal that is aborted already sends nothing", async () => {
  const reason = new Error("gone");

  const { books, asked } = ledgerWith([({ signal }) => signal.reason]);

  await assert.rejects(books.accounts.get("alice", { signal: AbortSignal.abort(reason) }), reason);
  assert.ok(asked.every(({ signal }) => signal.aborted));
});

test("a signal ends an attempt, and there is no other", async () => {
  const leave = new AbortController();
  const reason = new Error("gone");
  const { books, asked, waits } = ledgerWith([
    ({ signal }) => {
      leave.abort(reason);
      return signal.reason;
    },
  ]);

  await assert.rejects(books.transactions.voidHold("h", { signal: leave.signal }), reason);
  assert.deepEqual([asked.length, waits.length], [1, 0]);
});

test("a signal ends the wait before the next attempt", async () => {
  const leave = new AbortController();
  const reason = new Error("gone");
  const { books, asked } = ledgerWith(
    [
      () => {
        setTimeout(() => leave.abort(reason));
        return json({ code: "contention", detail: "", errors: [] }, 503, { "Retry-After": "50" });
      },
    ],
    { sleep: undefined },
  );

  await assert.rejects(books.accounts.close("alice", { signal: leave.signal }), reason);
  assert.equal(asked.length, 1);
});

test("an attempt that takes longer than its timeout is given up and repeated", async () => {
  const never = ({ signal }) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
  const { books, asked, waits } = ledgerWith([never, json(account())]);

  const alice = await books.accounts.get("alice", { timeout: 10 });

  assert.deepEqual([alice.id, asked.length, waits.length], ["alice", 2, 1]);
});

test("a write that is given up at its deadline may have been done, and names its key", async () => {
  const never = ({ signal }) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
  const { books } = ledgerWith([never]);

  const given = await books.transactions
    .post({ id: "t", entries: [] }, { deadline: 10 })
    .catch((error) => error);

  assert.ok(given instanceof NoReply && !(given instanceof NoConnection));
  assert.deepEqual([given.name, given.key], ["NoReply", "t"]);
  assert.match(given.message, /^POST http:\/\/ledger\.example\/.*: no reply within 10 ms$/);
});

test("a browser's failure, which does not say why, is taken for a lost reply", async () => {
  const { books, asked } = ledgerWith([new TypeError("Failed to fetch"), json(account(), 201)]);

  await books.accounts.open({ asset: "USD/2", normal_balance: "credit" });

  assert.equal(new Set(asked.map(({ body }) => body)).size, 1);
  assert.equal(asked.length, 2);
});

test("a host that does not exist is named at once", async () => {
  const { books, waits } = ledgerWith([failure("ENOTFOUND")]);

  await assert.rejects(books.trialBalance(), {
    name: "NoConnection",
    message:
      /^there is no host ledger\.example, .* Nothing was sent\. Is http:\/\/ledger\.example the/,
  });
  assert.deepEqual(waits, []);
});

test("a server that went away after it may have done the write is asked again", async () => {
  const replies = [failure("UND_ERR_SOCKET"), failure("ECONNREFUSED"), json(transaction({}), 201)];
  const { books, waits } = ledgerWith(replies);

  assert.equal((await books.transactions.post({ entries: [] })).id, "t");
  assert.equal(waits.length, 2);
});

test("a listing that is left early asks for no further page", async () => {
  const page = (id, next_cursor) => json({ accounts: [account({ id })], next_cursor });
  const { books, asked } = ledgerWith([page("a", "1"), page("b", "2"), page("c", null)]);
  const seen = [];

  for await (const { id } of books.accounts.list({ prefix: "x:", pageSize: 1 })) {
    seen.push(id);
    if (id === "b") {
      break;
    }
  }

  assert.deepEqual(seen, ["a", "b"]);
  assert.deepEqual(
    asked.map(({ url }) => new URL(url).search),
    ["?prefix=x%3A&limit=1", "?prefix=x%3A&limit=1&cursor=1"],
  );
});

test("an id is one segment of the path, whatever it contains", async () => {
  const { books, asked } = ledgerWith([problem(404, "account_not_found")]);

  await assert.rejects(books.accounts.get("a/../b?c#d"), Problem);

  assert.equal(new URL(asked[0].url).pathname, "/ledgers/acme/accounts/a%2F..%2Fb%3Fc%23d");
});

test("a Ledger uses the fetch that is there when it is called", async (context) => {
  const books = new Ledger("acme", "http://ledger.example");
  context.mock.method(globalThis, "fetch", async () =>
    json({ status: "ok", serves: [], version: "1" }),
  );

  assert.equal((await books.health()).status, "ok");
});
