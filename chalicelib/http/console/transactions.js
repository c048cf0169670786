/** Transactions of a ledger: all, pending ones, those of a reference, or of a period. */

import { Amount } from "./amounts.js";
import { html, useMemo } from "./html.js";
import { useListing } from "./loading.js";
import { usePreference } from "./preferences.js";
import { Choice, Heading, ListedState } from "./parts.js";
import { go, pathOf, toLedger, toTransaction } from "./route.js";
import { Empty } from "./states.js";
import { PeriodForm } from "./statement.js";
import { More, RowLink, Table } from "./table.js";
import { startOf, Time } from "./times.js";

export function Transactions({ ledger, query }) {
  const pending = query.state === "pending";
  const target = (given) => toLedger(ledger, "transactions", given);
  return html`<${Heading} title="Transactions" />
    <${Choice}
      label="Which transactions"
      options=${[
        { text: "All", href: target({}), chosen: !pending },
        { text: "Pending", href: target({ state: "pending" }), chosen: pending },
      ]}
    />
    ${!pending &&
    html`<${PeriodForm} query=${query} target=${target}>
      <label class="grow"><span>Reference</span><input name="reference" maxlength="256" value=${query.reference ?? ""} /></label>
    </${PeriodForm}>`}
    <${List} ledger=${ledger} query=${query} pending=${pending} />`;
}

function List({ ledger, query, pending }) {
  usePreference("zone"); // Days begin in the reader's zone.
  const filters = pending
    ? { state: "pending" }
    : { reference: query.reference, from: startOf(query.from), to: startOf(query.to, { after: 1 }) };
  const path = pathOf("ledgers", ledger, "transactions");
  const listing = useListing("journal", path, "transactions", { order: "desc", ...filters });
  const columns = useMemo(() => columnsOf(ledger), [ledger]);
  if (listing.done && !listing.pages.some((page) => page.length)) {
    return html`<${Empty} title=${pending ? "Nothing is pending" : "There are no such transactions"}>
      ${pending
        ? "Holds are listed here until they are posted, voided or expired."
        : html`<a href=${toLedger(ledger, "transactions")}>Show all transactions</a>`}
    </${Empty}>`;
  }
  return html`<section class="card list">
    ${listing.pages.length > 0 &&
    html`<${Table} caption="Transactions, newest first" columns=${columns} pages=${listing.pages} />`}
    <${More} listing=${listing} ledger=${ledger} what="transactions" />
  </section>`;
}

/** What a transaction moves: the sum of its debits, by asset. */
export function totalsOf(entries) {
  const totals = new Map();
  for (const { asset, amount, direction } of entries) {
    if (direction === "debit") totals.set(asset, (totals.get(asset) ?? 0n) + BigInt(amount));
  }
  return [...totals];
}

/** An id that a line may end in after a colon. */
const breakable = (id) => id.split(":").map((part, n) => (n ? html`:<wbr />${part}` : part));

/** The accounts of one side; of many, the first. */
function side(entries, direction) {
  const accounts = [...new Set(entries.filter((one) => one.direction === direction).map((one) => one.account))];
  const others = accounts.length > 1 ? ` and ${accounts.length - 1} more` : "";
  return accounts.length ? html`${breakable(accounts[0])}${others}` : null;
}

/** The columns of a list of transactions. */
export function columnsOf(ledger) {
  return [
    { label: "Effective", size: "184px", kind: "time", value: (one) => html`<${Time} at=${one.effective_at} none="when it is posted" />` },
    {
      label: "Transaction",
      size: 1.6,
      kind: "name",
      first: true,
      value: ({ id, reference }) => html`<${RowLink} href=${toTransaction(ledger, id)}>${id}</${RowLink}>
        ${reference && html`<span class="muted small">${reference}</span>`}`,
    },
    { label: "Debit", kind: "account", value: ({ entries }) => side(entries, "debit") },
    { label: "Credit", kind: "account", value: ({ entries }) => side(entries, "credit") },
    {
      label: "Amount",
      size: "160px",
      kind: "number main lead sole",
      value: ({ entries }) => totalsOf(entries).map(([asset, units]) => html`<${Amount} units=${String(units)} asset=${asset} />`),
    },
    {
      label: "State",
      size: "120px",
      kind: ({ state }) => (state === "posted" ? "state usual" : "state"),
      value: ({ state }) => html`<${ListedState} state=${state} />`,
    },
    { label: "Recorded", size: "190px", kind: "time", value: (one) => html`<${Time} at=${one.recorded_at} />` },
  ];
}
