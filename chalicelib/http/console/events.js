/** The events behind an account or a transaction, with their versions and hashes. */

import { config } from "./api.js";
import { html } from "./html.js";
import { useListing } from "./loading.js";
import { Empty } from "./states.js";
import { More, Table } from "./table.js";
import { Time } from "./times.js";

const COLUMNS = [
  { label: "Version", size: "96px", kind: "number", value: ({ version }) => version },
  { label: "Event", size: "200px", first: true, value: ({ type }) => words(type) },
  { label: "Recorded", size: "200px", kind: "time", value: ({ recorded_at: at }) => html`<${Time} at=${at} />` },
  { label: "Hash", size: 1, kind: "hash", value: ({ hash }) => html`<code title="SHA-256 over the hash before it and this event">${hash}</code>` },
];

/** `transaction.posted` in words. */
const words = (type) => `${type[0].toUpperCase()}${type.slice(1).replace(".", " ")}`;

/** `order` is `asc` or `desc`, by version. */
export function Events({ api, path, ledger, order }) {
  if (!config.strong_reads) {
    return html`<${Empty} title="This stage does not read events">
      It reads its read models only. <code>TWOFOLD_STRONG_READS=1</code> on the stage lets it read the event
      table as well; deploy it again after.
    </${Empty}>`;
  }
  return html`<${Listed} api=${api} path=${path} ledger=${ledger} order=${order} />`;
}

function Listed({ api, path, ledger, order }) {
  const listing = useListing(api, `${path}/events`, "events", { order });
  return html`<section class="card list events">
    ${listing.pages.length > 0 &&
    html`<${Table} caption="Events" columns=${COLUMNS} pages=${listing.pages} />`}
    <${More} listing=${listing} ledger=${ledger} what="events" />
    <p class="note muted">
      Each hash covers the event and the hash before it, so that no event can be changed or left out unnoticed.
    </p>
  </section>`;
}
