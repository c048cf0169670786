/** States of a view that is not filled: loading, empty, and errors with what to do about them. */

import { config, problemPage } from "./api.js";
import { html } from "./html.js";
import { toLedger } from "./route.js";

/** Grey lines where rows will be. */
export function Loading({ waiting, lines = 4 }) {
  const text = waiting
    ? `The read model is behind or busy: asking again in ${waiting} s.`
    : "Loading…";
  return html`<div class="loading" role="status">
    <span class=${waiting ? "muted" : "hidden"}>${text}</span>
    ${Array.from({ length: lines }, () => html`<i class="line"></i>`)}
  </div>`;
}

/** Nothing is there, and why. */
export const Empty = ({ title, page = false, children }) => html`<div class="empty">
  <${page ? "h1" : "p"} class="empty-title">${title}</${page ? "h1" : "p"}>
  <div class="muted">${children}</div>
</div>`;

const SETTING = { accounts: "TWOFOLD_ACCOUNTS_URL", journal: "TWOFOLD_JOURNAL_URL" };

/** What to do, by the code of a problem; otherwise by its status. */
function advice({ code, status, detail }, ledger) {
  switch (code) {
    case "network":
      return `${detail} did not answer. Check the connection, and that the server is running.`;
    case "not_configured":
      return html`This stage does not serve the ${detail} Read API and does not know where it is. Set
        ${" "}<code>${SETTING[detail]}</code> on it, and deploy again.`;
    case "projection_behind":
      return "The read model has not arrived at this version yet. It usually does within a second.";
    case "ledger_not_found":
      return html`A ledger begins with its first account. Check the name in the${" "}
        <a href="#/">list of ledgers</a>, or try again if it is new.`;
    case "account_not_found":
      return html`Check the id, or <a href=${toLedger(ledger, "accounts")}>look for it in the list</a>. If it was
        opened just now, try again.`;
    case "transaction_not_found":
      return html`Check the id, or <a href=${toLedger(ledger, "transactions")}>look for it in the list</a>. If it
        was sent just now, try again.`;
    default:
  }
  if (status === 404 && config.auth !== "none") {
    return "There is no such path, or your key does not open this ledger.";
  }
  if (status === 429) return "There were too many requests. Wait a moment, then try again.";
  if (status >= 500) return "The server could not answer. Nothing was changed; try again.";
  return null;
}

/**
 * An error: what the API says, what to do, and a way to go on. `page`: the view has no heading. That
 * a key is refused is said by the whole page, see `app.js`.
 */
export function Failure({ error, reload, ledger, page = false }) {
  const known = error.status > 0 && error.code;
  const title = error.status ? error.title || `HTTP ${error.status}` : titleOf(error);
  return html`<div class="failure" role="alert">
    <${page ? "h1" : "p"} class="failure-title">${title}</${page ? "h1" : "p"}>
    ${known && html`<p class="detail">${said(error)}</p>`}
    <p>${advice(error, ledger)}</p>
    <p class="actions">
      ${reload && html`<button type="button" onClick=${reload}>Try again</button>`}
      ${known &&
      html`<a href=${problemPage(error.code)}>About <code>${error.code}</code></a>`}
    </p>
  </div>`;
}

/** What the API says, as a sentence, without what it says to programs about versions. */
function said({ code, detail = "" }) {
  const text = code.endsWith("_not_found") ? detail.split("; ")[0] : detail;
  return !text || /[.!?…]$/.test(text) ? text : `${text}.`;
}

const titleOf = ({ code }) => (code === "network" ? "No connection" : "Not available here");

/** A view of one answer: loading, an error, or what `children` makes of the data. */
export function Answer({ answer, ledger, lines, page, children }) {
  if (answer.error) {
    return html`<${Failure} error=${answer.error} reload=${answer.reload} ledger=${ledger} page=${page} />`;
  }
  if (!answer.data) return html`<${Loading} waiting=${answer.waiting} lines=${lines} />`;
  return children(answer.data);
}
