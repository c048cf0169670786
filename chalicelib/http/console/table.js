/**
 * Tables of pages of rows, which become lists on a narrow screen.
 *
 * A page of rows is made once: Preact compares pages, not rows, when another one arrives.
 */

import { Component, html } from "./html.js";
import { Failure, Loading } from "./states.js";
import { PAGE } from "./loading.js";

/** Rows that are made again only if they, or `stamp`, are others. */
class Rows extends Component {
  shouldComponentUpdate(next) {
    return next.rows !== this.props.rows || next.stamp !== this.props.stamp;
  }

  render({ rows, columns }) {
    return html`<tbody role="rowgroup">
      ${rows.map(
        (row) => html`<tr role="row">
          ${columns.map((column) => cell(column, row))}
        </tr>`,
      )}
    </tbody>`;
  }
}

function cell({ label, kind = "", first, value }, row) {
  const role = first ? "rowheader" : "cell";
  return html`<${first ? "th" : "td"} role=${role} scope=${first && "row"} class=${kind} data-label=${label}>
    ${value(row)}
  </${first ? "th" : "td"}>`;
}

/** A table. `columns` have `label`, `kind` (a class), `value(row)`, and `first` for the one that names. */
export function Table({ caption, columns, pages, stamp = "", foot }) {
  return html`<table role="table">
    <caption class="hidden">${caption}</caption>
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(
          ({ label, kind = "" }) =>
            html`<th role="columnheader" scope="col" class=${kind}>${label}</th>`,
        )}
      </tr>
    </thead>
    ${pages.map(
      (rows, n) => html`<${Rows} key=${n} rows=${rows} columns=${columns} stamp=${stamp} />`,
    )}
    ${foot}
  </table>`;
}

/** A listing below its table: an error, grey lines, or the way to more rows. */
export function More({ listing, ledger, what, all = false }) {
  const { busy, done, error, pages, waiting } = listing;
  if (error) return html`<${Failure} error=${error} reload=${listing.more} ledger=${ledger} />`;
  if (busy && !pages.length) return html`<${Loading} waiting=${waiting} lines=${6} />`;
  const shown = pages.reduce((sum, page) => sum + page.length, 0);
  if (done && shown < PAGE) return null;
  return html`<div class="more">
    <span class="muted" role="status">
      ${shown.toLocaleString("en")} ${what} shown${done ? ", these are all" : ""}
    </span>
    ${!done &&
    html`<button type="button" disabled=${busy} onClick=${listing.more}>Show ${PAGE} more</button>`}
    ${all && !done && !busy && html`<button type="button" onClick=${listing.all}>Show all</button>`}
    ${all && busy && html`<button type="button" onClick=${listing.stop}>Stop</button>`}
  </div>`;
}

/** A link that the whole row follows, and the keyboard stops at; `opens` marks a group. */
export const RowLink = ({ href, opens = false, children }) =>
  html`<a class=${opens ? "row-link opens" : "row-link"} data-row href=${href}>${children}</a>`;
