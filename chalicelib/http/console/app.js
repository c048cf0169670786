/** The console: chooses the view of a route, and holds what all views share. */

import { CannotSign, isLocked, KeyForm } from "./access.js";
import { Account } from "./account.js";
import { Accounts } from "./accounts.js";
import { config, loadConfig } from "./api.js";
import { Find } from "./find.js";
import { Header, Help } from "./header.js";
import { html, render, useEffect, useRef, useState } from "./html.js";
import { followKeys } from "./keyboard.js";
import { Ledgers } from "./ledgers.js";
import { apply, usePreference } from "./preferences.js";
import { go, link, toLedger, useRoute } from "./route.js";
import { Empty, Failure } from "./states.js";
import { Status } from "./status.js";
import { Transaction } from "./transaction.js";
import { Transactions } from "./transactions.js";
import { TrialBalance } from "./trial_balance.js";

/** The view of a route, and its title; null where there is none. */
function viewOf({ path, query }) {
  const [root, ledger, view = "accounts", id, ...rest] = path;
  if (!root) return [html`<${Ledgers} />`, "Ledgers"];
  if (root !== "ledgers" || !ledger || rest.length) return null;
  switch (id === undefined ? view : `${view}/…`) {
    case "accounts":
      return [html`<${Accounts} ledger=${ledger} prefix=${query.prefix} />`, "Accounts"];
    case "accounts/…":
      return [html`<${Account} key=${id} ledger=${ledger} id=${id} query=${query} />`, id];
    case "transactions":
      return [html`<${Transactions} ledger=${ledger} query=${query} />`, "Transactions"];
    case "transactions/…":
      return [html`<${Transaction} key=${id} ledger=${ledger} id=${id} />`, id];
    case "trial-balance":
      return [html`<${TrialBalance} ledger=${ledger} />`, "Trial balance"];
    case "status":
      return [html`<${Status} ledger=${ledger} />`, "Status"];
    case "find":
      return [html`<${Find} ledger=${ledger} query=${query} />`, "Search"];
    default:
      return null;
  }
}

/** Where a route belongs: a group for its part, an account for the list, a list for the ledgers. */
function above({ path, query }) {
  const [, ledger, view, id] = path;
  if (!ledger) return link([]);
  const inside = id ?? query.prefix;
  if (view === "transactions" && id) return toLedger(ledger, view);
  if (view === "find") return toLedger(ledger, "accounts");
  if (!inside) return link([]);
  const prefix = inside.replace(/[^:]*:?$/, "");
  return toLedger(ledger, "accounts", { prefix });
}

function Console() {
  const route = useRoute();
  const [helping, setHelping] = useState(false);
  const [keys, entered] = useState(0);
  const [refusal, setRefusal] = useState(null); // Of the key: a view may have made several requests.
  const main = useRef(null);
  usePreference("zone"); // All times of the page follow it.
  const place = route.path.join("/");
  const found = viewOf(route);
  const title = found ? found[1] : "Not found";
  const ledger = route.path[1];

  useEffect(() => followKeys({ up: () => go(above(route)), help: () => setHelping(true) }), [route]);
  useEffect(() => {
    const changed = () => {
      setRefusal(null);
      entered((n) => n + 1);
    };
    const refused = ({ detail: error }) => setRefusal(error);
    addEventListener("twofold.key", changed);
    addEventListener("twofold.refused", refused);
    return () => {
      removeEventListener("twofold.key", changed);
      removeEventListener("twofold.refused", refused);
    };
  }, []);
  useEffect(() => {
    document.title = [title, ledger, "Twofold"].filter(Boolean).join(" · ");
    if (!isFirst) {
      scrollTo(0, 0);
      main.current.focus({ preventScroll: true });
    }
    isFirst = false;
    return () => setRefusal(null);
  }, [place]);

  return html`
    <a class="skip" href="#main" onClick=${(event) => skip(event, main.current)}>Skip to the content</a>
    <${Header} ledger=${isOpen() ? ledger : ""} view=${route.path[2] ?? "accounts"} query=${route.query} help=${() => setHelping(true)} />
    <main key=${keys} id="main" class="wide" tabindex="-1" ref=${main}>${content(found, refusal)}</main>
    ${helping && html`<${Help} close=${() => setHelping(false)} />`}
  `;
}

let isFirst = true;

const isOpen = () => config.auth !== "iam" && !isLocked();

function content(found, refusal) {
  if (config.auth === "iam") return html`<${CannotSign} />`;
  if (isLocked() || refusal) return html`<${KeyForm} error=${refusal} />`;
  return found ? found[0] : html`<${Empty} page title="There is no such page"><a href="#/">To the ledgers</a></${Empty}>`;
}

/** The address has the route, so the link moves the focus itself. */
function skip(event, target) {
  event.preventDefault();
  target.focus();
}

const root = document.getElementById("console");

function start() {
  loadConfig().then(
    () => render(html`<${Console} />`, root),
    (error) => render(html`<main class="wide"><${Failure} page error=${error} reload=${start} /></main>`, root),
  );
}

apply();
start();
