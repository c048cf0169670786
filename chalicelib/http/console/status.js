/** Status: how far each read model has come, and what the last audit found. */

import { config, isOneApi } from "./api.js";
import { count } from "./amounts.js";
import { html } from "./html.js";
import { useGet } from "./loading.js";
import { Badge, Facts, Heading } from "./parts.js";
import { pathOf } from "./route.js";
import { Answer } from "./states.js";
import { Table } from "./table.js";
import { Time } from "./times.js";

const COLUMNS = [
  { label: "Read model", first: true, value: ({ name }) => name },
  { label: "Newest event", size: 1.5, kind: "time", value: ({ as_of: at }) => html`<${Time} at=${at} none="see an account’s details" />` },
  { label: "Events", kind: "number", value: ({ events }) => events?.toLocaleString("en") ?? html`<span class="muted">not counted</span>` },
];

export function Status({ ledger }) {
  const apis = isOneApi() ? [config.serves[0]] : ["accounts", "journal"];
  return html`<${Heading} title="Status" />
    <p class="muted">
      What is shown here is read from copies of the ledger’s events, the read models. They usually follow within a second.
    </p>
    ${apis.map((api) => html`<${OfApi} key=${api} api=${api} ledger=${ledger} named=${apis.length > 1} />`)}
    <p class="muted note">Twofold ${config.version}</p>`;
}

/** `named`: the other Read API is shown too. Of two, the journal's knows the last audit. */
function OfApi({ api, ledger, named }) {
  const answer = useGet(api, pathOf("ledgers", ledger, "status"));
  return html`<section>
    <h2 class="section">${named ? `Read models of ${api}` : "Read models"}</h2>
    <${Answer} answer=${answer} ledger=${ledger}>
      ${(status) => html`
        <section class="card list">
          <${Table} caption="Read models" columns=${COLUMNS} pages=${[status.read_models]} />
        </section>
        ${(api === "journal" || !named) && html`<${Audit} audit=${status.last_audit} />`}
      `}
    </${Answer}>
  </section>`;
}

function Audit({ audit }) {
  if (!audit) {
    return html`<section class="card">
      <h2>Last audit</h2>
      <p>No audit was made yet. The operator’s command <code>twofold audit</code> checks every read model against the events.</p>
    </section>`;
  }
  const { findings, whole } = audit;
  const verdict = whole
    ? html`<${Badge} kind="good">nothing wrong</${Badge}>`
    : html`<${Badge} kind="bad">${count(findings, "finding", "findings")}</${Badge}>`;
  return html`<section class="card">
    <h2>Last audit ${verdict}</h2>
    <${Facts}
      facts=${[
        ["Made", html`<${Time} at=${audit.audited_at} />`],
        ["Newest event that it read", audit.as_of && html`<${Time} at=${audit.as_of} />`],
      ]}
    />
  </section>`;
}
