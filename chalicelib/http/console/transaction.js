/** A transaction: both sides, its hold, its reversal, and the events behind it. */

import { Amount } from "./amounts.js";
import { Events } from "./events.js";
import { html } from "./html.js";
import { useGet } from "./loading.js";
import { Badge, Facts, Heading, Metadata, State } from "./parts.js";
import { pathOf, toAccount, toLedger, toTransaction } from "./route.js";
import { Answer } from "./states.js";
import { RowLink, Table } from "./table.js";
import { Time } from "./times.js";
import { totalsOf } from "./transactions.js";

export function Transaction({ ledger, id }) {
  const path = pathOf("ledgers", ledger, "transactions", id);
  const answer = useGet("journal", path);
  return html`<${Answer} answer=${answer} ledger=${ledger} lines=${8} page>
    ${(transaction) => html`<${Shown} transaction=${transaction} path=${path} />`}
  </${Answer}>`;
}

function Shown({ transaction, path }) {
  const { entries, id, ledger, metadata, reverses, state } = transaction;
  const above = html`<a href=${toLedger(ledger, "transactions")}>Transactions</a>`;
  return html`
    <${Heading} above=${above} title=${id}>
      <p class="badges">
        <${State} state=${state} />
        ${reverses && html`<${Badge}>reversal</${Badge}>`}
        ${transaction.reversed_by && html`<${Badge} kind="wait">reversed</${Badge}>`}
        <span class="muted small">version ${transaction.version}</span>
      </p>
    </${Heading}>
    <dl class="figures">
      <div class="first"><dt>Amount</dt><dd>${totalsOf(entries).map(([asset, units]) => html`<${Amount} units=${String(units)} asset=${asset} />`)}</dd></div>
      <div><dt>Effective, when it counts</dt><dd class="words"><${Time} at=${transaction.effective_at} none="when it is posted" /></dd></div>
      <div><dt>Recorded by the ledger</dt><dd class="words"><${Time} at=${transaction.recorded_at} /></dd></div>
      ${transaction.reference && html`<div><dt>Reference</dt><dd class="words">${transaction.reference}</dd></div>`}
    </dl>
    <section class="card list sides">
      <${Table} caption="Entries" columns=${columnsOf(transaction)} pages=${[entries]} foot=${totals(entries)} />
    </section>
    <${More} transaction=${transaction} />
    <${Metadata} metadata=${metadata} />
    <h2 class="section">Events</h2>
    <${Events} api="journal" path=${path} ledger=${ledger} order="asc" />
  `;
}

function columnsOf({ ledger, state }) {
  const side = (name) => ({ direction, amount, asset }) =>
    direction === name ? html`<${Amount} units=${amount} asset=${asset} />` : null;
  const columns = [
    {
      label: "Account",
      size: 2,
      kind: "name",
      first: true,
      value: ({ account }) => html`<${RowLink} href=${toAccount(ledger, account)}>${account}</${RowLink}>`,
    },
    { label: "Debit", kind: "number main lead", value: side("debit") },
    { label: "Credit", kind: "number main lead", value: side("credit") },
  ];
  const moved = state === "posted";
  const after = (entry) => html`<${Amount} units=${entry.balance_after} asset=${entry.asset} />`;
  return moved ? [...columns, { label: "Balance after", kind: "number side", value: after }] : columns;
}

/** The sums of both sides, which are equal: a transaction whose sums differ is refused. */
function totals(entries) {
  if (entries.length < 3) return null;
  return html`<tfoot role="rowgroup">
    ${totalsOf(entries).map(
      ([asset, units]) => html`<tr role="row">
        <th role="rowheader" scope="row">Sum</th>
        ${["Debit", "Credit"].map(
          (name) => html`<td role="cell" class="number" data-label=${name}><${Amount} units=${String(units)} asset=${asset} /></td>`,
        )}
        <td role="cell"></td>
      </tr>`,
    )}
  </tfoot>`;
}

/** The facts of a hold and of a reversal, if it is one or was one. */
function More({ transaction }) {
  const { ledger, reversed_by: reversedBy, reverses } = transaction;
  const other = (id) => id && html`<a href=${toTransaction(ledger, id)}>${id}</a>`;
  const facts = [
    [transaction.resolved_at ? "Hold would have expired" : "Hold expires", holdEnd(transaction)],
    ["Hold ended", transaction.resolved_at && html`<${Time} at=${transaction.resolved_at} />`],
    ["Why it was voided", transaction.void_reason],
    ["Reverses", other(reverses)],
    ["Reversed by", other(reversedBy)],
  ].filter(([, value]) => value);
  if (!facts.length) return null;
  return html`<section class="card"><${Facts} facts=${facts} /></section>`;
}

/** When a hold expires; undefined for what never was one. */
function holdEnd({ expires_at: at }) {
  if (at === undefined) return undefined;
  return at === null ? "never" : html`<${Time} at=${at} />`;
}
