/** An account: its balances, limits and state, with its statement or its events. */

import { pendingOf } from "./accounts.js";
import { Amount } from "./amounts.js";
import { Events } from "./events.js";
import { html } from "./html.js";
import { useGet } from "./loading.js";
import { Badge, Choice, Facts, Heading, Metadata, State } from "./parts.js";
import { pathOf, toAccount, toLedger } from "./route.js";
import { Answer } from "./states.js";
import { Statement } from "./statement.js";
import { Time } from "./times.js";

export function Account({ ledger, id, query }) {
  const path = pathOf("ledgers", ledger, "accounts", id);
  const answer = useGet("accounts", path);
  return html`<${Answer} answer=${answer} ledger=${ledger} lines=${8} page>
    ${(account) => html`<${Shown} account=${account} path=${path} query=${query} />`}
  </${Answer}>`;
}

const TABS = [
  ["Statement", undefined],
  ["Events", "events"],
  ["Details", "details"],
];

function Shown({ account, path, query }) {
  const { ledger, id, metadata } = account;
  return html`
    <${Heading} above=${html`<${Groups} ledger=${ledger} id=${id} />`} title=${id}>
      ${metadata.name && html`<span class="muted">${metadata.name}</span>`}
      <p class="badges"><${States} account=${account} /></p>
    </${Heading}>
    <${Balances} account=${account} />
    <${Choice}
      label="Parts of the account"
      options=${TABS.map(([text, show]) => ({ text, href: toAccount(ledger, id, { show }), chosen: query.show === show }))}
    />
    <${Part} account=${account} path=${path} query=${query} />
  `;
}

function Part({ account, path, query }) {
  switch (query.show) {
    case "events":
      return html`<${Events} api="accounts" path=${path} ledger=${account.ledger} order="desc" />`;
    case "details":
      return html`<section class="card"><${Facts} facts=${factsOf(account)} /></section>
        <${Metadata} metadata=${account.metadata} />`;
    default:
      return html`<${Statement} account=${account} path=${path} query=${query} />`;
  }
}

/** The groups that an id is in, each a link to its accounts. */
function Groups({ ledger, id }) {
  const ends = [...id.matchAll(/:/g)].map((match) => match.index + 1);
  return html`<a href=${toLedger(ledger, "accounts")}>Accounts</a>
    ${ends.map((end, n) => {
      const prefix = id.slice(0, end);
      return html`<a href=${toLedger(ledger, "accounts", { prefix })}>${id.slice(ends[n - 1] ?? 0, end)}</a>`;
    })}`;
}

function States({ account }) {
  const { frozen, normal_balance: normal, state, stripes } = account;
  const sides = [frozen.debits && "debits", frozen.credits && "credits"].filter(Boolean);
  return html`<${State} state=${state} />
    ${sides.length > 0 && html`<${Badge} kind="wait">frozen for ${sides.join(" and ")}</${Badge}>`}
    <${Badge}>grows by ${normal}s</${Badge}>
    ${stripes > 1 && html`<${Badge}>${stripes} stripes</${Badge}>`}`;
}

function Balances({ account }) {
  const { asset } = account;
  const pending = pendingOf(account);
  const figures = [
    ["Posted", account.posted, "what has moved"],
    ["Available", account.available, "posted less what is pending outwards"],
    ["Pending in", pending.in, "open holds"],
    ["Pending out", pending.out, "open holds"],
  ];
  return html`<dl class="figures balances">
    ${figures.map(
      ([name, units, hint], n) => html`<div class=${n ? "" : "first"}>
        <dt title=${hint}>${name}</dt>
        <dd><${Amount} units=${units} asset=${asset} /></dd>
      </div>`,
    )}
  </dl>`;
}

function factsOf(account) {
  const { asset, max_balance: most, min_balance: least } = account;
  return [
    ["Asset", asset],
    ["Normal balance", `${account.normal_balance}: ${account.normal_balance}s make it grow`],
    ["Lowest balance", html`<${Amount} units=${least} asset=${asset} none="no limit" />`],
    ["Highest balance", html`<${Amount} units=${most} asset=${asset} none="no limit" />`],
    ["Opened", html`<${Time} at=${account.opened_at} />`],
    ["Last event recorded", html`<${Time} at=${account.recorded_at} />`],
    ["Version", account.version],
  ];
}
