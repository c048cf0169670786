/**
 * The statement of an account: its entries newest first, or a period with its opening and closing
 * balances, oldest first.
 */

import { Amount } from "./amounts.js";
import { html, useMemo, useRef } from "./html.js";
import { useListing } from "./loading.js";
import { BalancePlot } from "./plot.js";
import { usePreference } from "./preferences.js";
import { go, toAccount, toTransaction } from "./route.js";
import { Empty } from "./states.js";
import { More, RowLink, Table } from "./table.js";
import { startOf, Time } from "./times.js";

const NO_PAGES = [];

export function Statement({ account, path, query }) {
  const period = Boolean(query.from || query.to);
  return html`
    <${PeriodForm} query=${query} target=${(given) => toAccount(account.ledger, account.id, given)} />
    ${period
      ? html`<${OfPeriod} account=${account} path=${path} query=${query} />`
      : html`<${Newest} account=${account} path=${path} />`}
  `;
}

function Newest({ account, path }) {
  const listing = useListing("accounts", `${path}/entries`, "entries", { order: "desc" });
  return html`<${Entries} account=${account} listing=${listing} pages=${listing.pages} newestFirst />`;
}

function OfPeriod({ account, path, query }) {
  usePreference("zone"); // Days begin in the reader's zone.
  const times = { from: startOf(query.from), to: startOf(query.to, { after: 1 }) };
  const listing = useListing("accounts", `${path}/statement`, "entries", times);
  return html`<${Entries} account=${account} listing=${listing} pages=${listing.pages} statement=${listing.first} />`;
}

function Entries({ account, listing, pages, newestFirst = false, statement = null }) {
  const columns = useMemo(() => columnsOf(account), [account.id]);
  const loaded = listing.pages.length ? listing.pages : NO_PAGES;
  if (listing.done && !loaded.some((page) => page.length)) {
    return statement
      ? html`<${Empty} title="Nothing was recorded in this period">
          The balance was <${Amount} units=${statement.opening_balance} asset=${account.asset} />. A period goes by when
          entries were recorded, not by when they were effective.
        </${Empty}>`
      : html`<${Empty} title="There are no entries yet">The first transaction will be the first line.</${Empty}>`;
  }
  return html`
    ${loaded.length > 0 &&
    html`<${BalancePlot} account=${account} listing=${listing} newestFirst=${newestFirst} />`}
    <section class="card list">
      ${statement && html`<${Balance} name="Opening balance" units=${statement.opening_balance} asset=${account.asset} />`}
      ${loaded.length > 0 &&
      html`<${Table} caption=${newestFirst ? "Entries, newest first" : "Entries of the period, oldest first"} columns=${columns} pages=${pages} />`}
      ${statement && html`<${Balance} name="Closing balance" units=${statement.closing_balance} asset=${account.asset} />`}
      <${More} listing=${listing} ledger=${account.ledger} what="entries" all />
    </section>
  `;
}

const Balance = ({ name, units, asset }) => html`<p class="balance-line">
  <span>${name}</span><${Amount} units=${units} asset=${asset} bare />
</p>`;

function columnsOf({ ledger, asset }) {
  const side = (name) => ({ direction, amount }) =>
    direction === name ? html`<${Amount} units=${amount} asset=${asset} bare />` : null;
  return [
    { label: "Effective", size: "184px", kind: "time", value: (entry) => html`<${Time} at=${entry.effective_at} />` },
    {
      label: "Transaction",
      size: 1.6,
      kind: "name",
      first: true,
      value: (entry) => html`<${RowLink} href=${toTransaction(ledger, entry.transaction)}>${entry.transaction}</${RowLink}>
        ${entry.reference && html`<span class="muted small">${entry.reference}</span>`}`,
    },
    { label: "Debit", kind: "number lead", value: side("debit") },
    { label: "Credit", kind: "number lead", value: side("credit") },
    { label: "Balance", kind: "number main", value: (entry) => html`<${Amount} units=${entry.balance_after} asset=${asset} bare />` },
    { label: "Recorded", size: "208px", kind: "time", value: (entry) => html`<${Time} at=${entry.recorded_at} />` },
  ];
}

/** A form for days; both may be left out. `target` makes the address of a query. */
export function PeriodForm({ query, target, children }) {
  const form = useRef(null);
  const show = (event) => {
    event.preventDefault();
    go(target(Object.fromEntries(new FormData(form.current))));
  };
  return html`<form class="tools" ref=${form} onSubmit=${show}>
    ${children}
    <label><span>Recorded from</span><input type="date" name="from" value=${query.from ?? ""} /></label>
    <label><span>through</span><input type="date" name="to" value=${query.to ?? ""} /></label>
    <button type="submit">Show</button>
    ${(query.from || query.to) && html`<a href=${target({})}>Clear the period</a>`}
  </form>`;
}
