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
  return html`<${Answer} answer=${answer} ledger=${ledger} lines=${8}>
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
      </p>
    </${Heading}>
    <section class="card list sides">
      <${Table} caption="Entries" columns=${columnsOf(transaction)} pages=${[entries]} foot=${totals(entries)} />
    </section>
    <section class="card">
      <h2>Details</h2>
      <${Facts} facts=${factsOf(transaction)} />
    </section>
    <${Metadata} metadata=${metadata} />
    <h2 class="section">Events</h2>
    <${Events} api="journal" path=${path} ledger=${ledger} />
  `;
}

function columnsOf({ ledger, state }) {
  const side = (name) => ({ direction, amount, asset }) =>
    direction === name ? html`<${Amount} units=${amount} asset=${asset} />` : null;
  const columns = [
    {
      label: "Account",
      kind: "name",
      first: true,
      value: ({ account }) => html`<${RowLink} href=${toAccount(ledger, account)}>${account}</${RowLink}>`,
    },
    { label: "Debit", kind: "number main", value: side("debit") },
    { label: "Credit", kind: "number main", value: side("credit") },
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

function factsOf(transaction) {
  const { ledger, reversed_by: reversedBy, reverses } = transaction;
  const other = (id) => id && html`<a href=${toTransaction(ledger, id)}>${id}</a>`;
  const time = (at) => at && html`<${Time} at=${at} />`;
  return [
    ["Reference", transaction.reference],
    ["Effective: when it counts", html`<${Time} at=${transaction.effective_at} none="when it is posted" />`],
    ["Recorded: when the ledger learned it", time(transaction.recorded_at)],
    ["Hold expires", holdEnd(transaction)],
    ["Hold ended", time(transaction.resolved_at)],
    ["Reason of the void", transaction.void_reason],
    ["Reverses", other(reverses)],
    ["Reversed by", other(reversedBy)],
    ["Version", transaction.version],
  ];
}

/** When a hold expires; undefined for what never was one. */
function holdEnd({ expires_at: at }) {
  if (at === undefined) return undefined;
  return at === null ? "never" : html`<${Time} at=${at} />`;
}
