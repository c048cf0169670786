/**
 * Tables of pages of rows, which become lists on a narrow screen.
 *
 * Each row is a grid of its own, and a browser lays out only the pages that are seen, so that ten
 * thousand rows stay quick. The roles say to screen readers that it is a table.
 */

import { Component, html } from "./html.js";
import { Failure, Loading } from "./states.js";
import { PAGE } from "./loading.js";
import { usePreference } from "./preferences.js";

/** Rows that are made again only if they, or `stamp`, are others. */
class Rows extends Component {
  shouldComponentUpdate({ rows, stamp }) {
    return stamp !== this.props.stamp || !areSame(rows, this.props.rows);
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

const areSame = (one, other) =>
  one === other || (one.length === other.length && one.every((row, n) => row === other[n]));

function cell({ label, kind = "", first, value }, row) {
  const role = first ? "rowheader" : "cell";
  return html`<${first ? "th" : "td"} role=${role} scope=${first && "row"} class=${classOf(kind, row)} data-label=${label}>
    ${value(row)}
  </${first ? "th" : "td"}>`;
}

const classOf = (kind, row) => (typeof kind === "function" ? kind(row) : kind);

/**
 * A table. `columns` have `label`, `value(row)`, `kind` (a class, or a function of the row that makes
 * it), `size` (of the grid), and `first` for the column that names the row.
 */
export function Table({ caption, columns, pages, stamp = "", foot }) {
  const made = `${usePreference("zone")} ${stamp}`;
  const sizes = columns.map(({ size = 1 }) => (typeof size === "number" ? `minmax(0, ${size}fr)` : size));
  return html`<table role="table" style=${{ "--columns": sizes.join(" ") }}>
    <caption class="hidden">${caption}</caption>
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(
          ({ label, kind = "" }) =>
            html`<th role="columnheader" scope="col" class=${classOf(kind, {})}>${label}</th>`,
        )}
      </tr>
    </thead>
    ${pages.map(
      (rows, n) => html`<${Rows} key=${n} rows=${rows} columns=${columns} stamp=${made} />`,
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
