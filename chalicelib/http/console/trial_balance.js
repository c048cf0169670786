/** The trial balance: do debits equal credits, per asset? */

import { Amount, count } from "./amounts.js";
import { html } from "./html.js";
import { useGet } from "./loading.js";
import { Badge, Heading } from "./parts.js";
import { pathOf } from "./route.js";
import { Answer } from "./states.js";
import { Table } from "./table.js";
import { Time } from "./times.js";

const difference = ({ debits, credits }) => String(BigInt(debits) - BigInt(credits));

const amount = (of) => (row) => html`<${Amount} units=${of(row)} asset=${row.asset} />`;

const COLUMNS = [
  { label: "Asset", first: true, value: ({ asset }) => asset },
  { label: "Debits", size: 1.5, kind: "number main", value: amount((row) => row.debits) },
  { label: "Credits", size: 1.5, kind: "number main", value: amount((row) => row.credits) },
  { label: "Difference", kind: "number side", value: amount(difference) },
  { label: "Balanced", kind: "state", value: ({ balanced }) => html`<${Verdict} balanced=${balanced} />` },
];

function Verdict({ balanced }) {
  if (balanced === null) return html`<${Badge} kind="wait">on its way</${Badge}>`;
  return balanced ? html`<${Badge} kind="good">balanced</${Badge}>` : html`<${Badge} kind="bad">differs</${Badge}>`;
}

function sentence({ assets, settled }) {
  if (!settled) return ["wait", "Transactions are on their way into these sums. Ask again in a moment."];
  if (assets.every(({ balanced }) => balanced)) return ["good", "Debits equal credits."];
  return ["bad", "Debits and credits differ, and nothing is on its way. Ask the operator for an audit."];
}

export function TrialBalance({ ledger }) {
  const answer = useGet("journal", pathOf("ledgers", ledger, "trial-balance"));
  return html`<${Heading} title="Trial balance" />
    <${Answer} answer=${answer} ledger=${ledger}>
      ${(totals) => {
        const [kind, words] = sentence(totals);
        return html`
          <p class=${`verdict ${kind}`} role="status">${words}</p>
          <section class="card list">
            <${Table} caption="Trial balance" columns=${COLUMNS} pages=${[totals.assets]} />
          </section>
          <p class="muted note">
            The sums of ${count(totals.events, "account event", "account events")}, the newest recorded on${" "}
            <${Time} at=${totals.as_of} />.
            <button type="button" class="link" onClick=${answer.reload}>Ask again</button>
          </p>
        `;
      }}
    </${Answer}>`;
}
