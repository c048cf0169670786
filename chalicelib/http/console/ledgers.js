/** Ledgers: those that the key opens. */

import { config } from "./api.js";
import { html } from "./html.js";
import { useListing } from "./loading.js";
import { Heading } from "./parts.js";
import { toLedger } from "./route.js";
import { Empty } from "./states.js";
import { More, RowLink, Table } from "./table.js";

const COLUMNS = [
  {
    label: "Ledger",
    first: true,
    value: ({ id }) => html`<${RowLink} href=${toLedger(id, "accounts")}>${id}</${RowLink}>`,
  },
  { label: "Assets", value: ({ assets }) => assets.join(", ") },
];

export function Ledgers() {
  const listing = useListing(config.serves[0], "ledgers", "ledgers");
  const none = listing.done && !listing.pages.some((page) => page.length);
  return html`<${Heading} title="Ledgers" />
    ${none
      ? html`<${Empty} title="There are no ledgers yet">
          A ledger begins with its first account. <code>make demo</code> loads a bank's real transactions.
        </${Empty}>`
      : html`<section class="card list">
          ${listing.pages.length > 0 &&
          html`<${Table} caption="Ledgers" columns=${COLUMNS} pages=${listing.pages} />`}
          <${More} listing=${listing} what="ledgers" />
        </section>`}`;
}
