/** Search: accounts whose ids begin so, the transaction of that id, and those of that reference. */

import { Amount } from "./amounts.js";
import { html } from "./html.js";
import { useGet } from "./loading.js";
import { Heading } from "./parts.js";
import { pathOf, toAccount, toLedger } from "./route.js";
import { Answer, Empty } from "./states.js";
import { RowLink, Table } from "./table.js";
import { columnsOf } from "./transactions.js";

const SOME = 10;
const ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;

export function Find({ ledger, query }) {
  const text = (query.q ?? "").trim();
  if (!text) return html`<${Empty} page title="Search">Enter the id of an account or a transaction, or a reference.</${Empty}>`;
  return html`<${Heading} title=${`Search for “${text}”`} />
    ${ID.test(text) && html`<${FoundAccounts} ledger=${ledger} text=${text} /><${FoundTransaction} ledger=${ledger} text=${text} />`}
    <${FoundReferences} ledger=${ledger} text=${text} />`;
}

const ACCOUNT_COLUMNS = (ledger) => [
  { label: "Account", size: 2, first: true, value: ({ id }) => html`<${RowLink} href=${toAccount(ledger, id)}>${id}</${RowLink}>` },
  { label: "Posted", kind: "number main lead sole", value: ({ posted, asset }) => html`<${Amount} units=${posted} asset=${asset} />` },
];

function FoundAccounts({ ledger, text }) {
  const answer = useGet("accounts", pathOf("ledgers", ledger, "accounts"), { prefix: text, limit: SOME });
  return html`<h2 class="section">Accounts that begin so</h2>
    <${Answer} answer=${answer} ledger=${ledger} lines=${2}>
      ${({ accounts, next_cursor: more }) => html`
        <${Rows} caption="Accounts" columns=${ACCOUNT_COLUMNS(ledger)} rows=${accounts} />
        ${more && html`<p><a href=${toLedger(ledger, "accounts", { prefix: text })}>All of them</a></p>`}
      `}
    </${Answer}>`;
}

function FoundTransaction({ ledger, text }) {
  const answer = useGet("journal", pathOf("ledgers", ledger, "transactions", text));
  const missing = answer.error?.code === "transaction_not_found";
  return html`<h2 class="section">Transaction with this id</h2>
    ${missing
      ? html`<p class="muted">None.</p>`
      : html`<${Answer} answer=${answer} ledger=${ledger} lines=${1}>
          ${(found) => html`<${Rows} caption="Transaction" columns=${columnsOf(ledger)} rows=${[found]} />`}
        </${Answer}>`}`;
}

function FoundReferences({ ledger, text }) {
  const query = { reference: text, limit: SOME, order: "desc" };
  const answer = useGet("journal", pathOf("ledgers", ledger, "transactions"), query);
  return html`<h2 class="section">Transactions with this reference</h2>
    <${Answer} answer=${answer} ledger=${ledger} lines=${2}>
      ${({ transactions, next_cursor: more }) => html`
        <${Rows} caption="Transactions" columns=${columnsOf(ledger)} rows=${transactions} />
        ${more && html`<p><a href=${toLedger(ledger, "transactions", { reference: text })}>All of them</a></p>`}
      `}
    </${Answer}>`;
}

function Rows({ caption, columns, rows }) {
  if (!rows.length) return html`<p class="muted">None.</p>`;
  return html`<section class="card list"><${Table} caption=${caption} columns=${columns} pages=${[rows]} /></section>`;
}
