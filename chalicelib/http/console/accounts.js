/** Accounts of a ledger by prefix: ids that share a part up to a colon are one line to open. */

import { Amount, count } from "./amounts.js";
import { html, useEffect, useMemo, useState } from "./html.js";
import { PAGE, useListing } from "./loading.js";
import { Badge, Heading } from "./parts.js";
import { go, pathOf, toAccount, toLedger } from "./route.js";
import { Empty } from "./states.js";
import { More, RowLink, Table } from "./table.js";

const MOST_PAGES = 5;
const ENOUGH_LINES = 20;
const TYPING_MS = 250;
const ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;

/** What is pending inwards and outwards, on the account's normal side. */
export function pendingOf(account) {
  const { normal_balance: normal, pending_debits: debits, pending_credits: credits } = account;
  return normal === "debit" ? { in: debits, out: credits } : { in: credits, out: debits };
}

/** Accounts as lines: each by itself, or a group of those whose ids go on alike up to a colon. */
export function grouped(accounts, prefix) {
  const lines = [];
  for (const account of accounts) {
    const colon = account.id.indexOf(":", prefix.length);
    const group = colon < 0 ? null : account.id.slice(0, colon + 1);
    const last = lines.at(-1);
    if (group && last?.group === group) last.accounts.push(account);
    else lines.push(group ? { group, accounts: [account] } : lineOf(account));
  }
  return lines.map((line) => (line.accounts?.length === 1 ? lineOf(line.accounts[0]) : line));
}

const single = new WeakMap();

/** The line of an account by itself: the same object each time, so that it is shown only once. */
function lineOf(account) {
  if (!single.has(account)) single.set(account, { account });
  return single.get(account);
}

/** Lines in pages. */
const paged = (lines) =>
  Array.from({ length: Math.ceil(lines.length / PAGE) }, (_, n) => lines.slice(n * PAGE, (n + 1) * PAGE));

export function Accounts({ ledger, prefix = "" }) {
  const isId = prefix === "" || ID.test(prefix);
  return html`<${Heading} title="Accounts"><${Filter} ledger=${ledger} prefix=${prefix} /></${Heading}>
    <${Trail} ledger=${ledger} prefix=${prefix} />
    ${isId
      ? html`<${List} ledger=${ledger} prefix=${prefix} />`
      : html`<${Empty} title="No account id begins with this">
          Ids have letters, digits and <code>_ . : -</code>, and begin with a letter or a digit.
        </${Empty}>`}`;
}

function List({ ledger, prefix }) {
  const listing = useListing("accounts", pathOf("ledgers", ledger, "accounts"), "accounts", { prefix });
  const accounts = useMemo(() => listing.pages.flat(), [listing.pages]);
  const lines = useMemo(() => grouped(accounts, prefix), [accounts, prefix]);
  const few = lines.length < ENOUGH_LINES && listing.pages.length < MOST_PAGES;
  useEffect(() => {
    if (few && listing.pages.length && !listing.busy && !listing.done && !listing.error) listing.more();
  });
  if (listing.done && !lines.length) {
    return html`<${Empty} title="No account id begins with this">
      <a href=${toLedger(ledger, "accounts")}>Show all accounts</a>
    </${Empty}>`;
  }
  const columns = columnsOf(ledger, prefix, !listing.done);
  return html`<section class="card list">
    ${lines.length > 0 &&
    html`<${Table} caption="Accounts" columns=${columns} pages=${paged(lines)} stamp=${listing.done} />`}
    <${More} listing=${listing} ledger=${ledger} what="accounts" />
  </section>`;
}

function columnsOf(ledger, prefix, mayBeMore) {
  const ofAccount = (show) => (line) => (line.account ? show(line.account) : null);
  return [
    { label: "Account", size: 2, first: true, value: (line) => html`<${Name} ledger=${ledger} line=${line} prefix=${prefix} mayBeMore=${mayBeMore} />` },
    { label: "Pending", kind: "number side", value: ofAccount(Pending) },
    { label: "Available", kind: "number side", value: ofAccount((one) => html`<${Amount} units=${one.available} asset=${one.asset} />`) },
    { label: "Posted", kind: "number main lead sole", value: ofAccount((one) => html`<${Amount} units=${one.posted} asset=${one.asset} />`) },
  ];
}

function Name({ ledger, line, prefix, mayBeMore }) {
  if (line.group) {
    const more = mayBeMore ? "or more " : "";
    return html`<${RowLink} opens href=${toLedger(ledger, "accounts", { prefix: line.group })}>
        <span class="muted">${prefix}</span>${line.group.slice(prefix.length)}
      </${RowLink}>
      <span class="muted small">${more}${count(line.accounts.length, "account", "accounts")}</span>`;
  }
  const { id, metadata, frozen, state } = line.account;
  return html`<${RowLink} href=${toAccount(ledger, id)}>${id}</${RowLink}>
    ${metadata.name && html`<span class="muted small">${metadata.name}</span>`}
    ${state === "closed" && html`<${Badge}>closed</${Badge}>`}
    ${(frozen.debits || frozen.credits) && html`<${Badge} kind="wait">frozen</${Badge}>`}`;
}

function Pending(account) {
  const { in: inwards, out: outwards } = pendingOf(account);
  if (inwards === "0" && outwards === "0") return null;
  return html`${inwards !== "0" && html`<span class="pending">in <${Amount} units=${inwards} asset=${account.asset} /></span>`}
    ${outwards !== "0" && html`<span class="pending">out <${Amount} units=${outwards} asset=${account.asset} /></span>`}`;
}

/** The groups above, each a link. */
function Trail({ ledger, prefix }) {
  if (!prefix) return null;
  const ends = [...prefix.matchAll(/:/g)].map((match) => match.index + 1);
  if (ends.at(-1) !== prefix.length) ends.push(prefix.length);
  const parts = ends.map((end, n) => ({ whole: prefix.slice(0, end), text: prefix.slice(ends[n - 1] ?? 0, end) }));
  return html`<nav class="trail" aria-label="Groups">
    <a href=${toLedger(ledger, "accounts")}>All accounts</a>
    ${parts.map(({ whole, text }, n) =>
      n === parts.length - 1
        ? html`<span aria-current="page">${text}</span>`
        : html`<a href=${toLedger(ledger, "accounts", { prefix: whole })}>${text}</a>`,
    )}
  </nav>`;
}

function Filter({ ledger, prefix }) {
  const [text, setText] = useState(prefix);
  useEffect(() => setText(prefix), [prefix]);
  useEffect(() => {
    if (text === prefix) return undefined;
    const typed = () => go(toLedger(ledger, "accounts", { prefix: text.trim() }), { replace: true });
    const timer = setTimeout(typed, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<label class="filter">
    <span>Begins with</span>
    <input type="text" spellcheck="false" autocapitalize="off" value=${text} onInput=${(event) => setText(event.target.value)} />
  </label>`;
}
