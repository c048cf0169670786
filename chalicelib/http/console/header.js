/** The top of each page: where one is, the search, and the preferences. */

import { asksForKey, key } from "./api.js";
import { forgetKey } from "./access.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { KEYS } from "./keyboard.js";
import { next, usePreference } from "./preferences.js";
import { go, toLedger } from "./route.js";

const TABS = [
  ["accounts", "Accounts"],
  ["transactions", "Transactions"],
  ["trial-balance", "Trial balance"],
  ["status", "Status"],
];

export function Header({ ledger, view, query, help }) {
  return html`<header class="top">
    <div class="wide">
      <div class="bar">
        <a class="brand" href="#/"><${Logo} />Twofold</a>
        ${ledger && html`<a class="ledger" href=${toLedger(ledger, "accounts")}>${ledger}</a>`}
        ${ledger && html`<${Search} ledger=${ledger} text=${view === "find" ? query.q : ""} />`}
        <div class="switches"><${Switches} help=${help} /></div>
      </div>
      ${ledger &&
      html`<nav class="tabs" aria-label="Views of the ledger">
        ${TABS.map(
          ([name, text]) =>
            html`<a href=${toLedger(ledger, name)} aria-current=${name === view ? "page" : undefined}>${text}</a>`,
        )}
      </nav>`}
    </div>
  </header>`;
}

const Logo = () => html`<svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
  <rect width="20" height="20" rx="5" fill="var(--accent)" />
  <path d="M5 6h10M10 6v9" stroke="var(--on-accent)" stroke-width="2" stroke-linecap="round" fill="none" />
</svg>`;

function Search({ ledger, text = "" }) {
  const [value, setValue] = useState(text);
  useEffect(() => setValue(text), [text]);
  const search = (event) => {
    event.preventDefault();
    if (value.trim()) go(toLedger(ledger, "find", { q: value.trim() }));
  };
  return html`<form class="search" role="search" onSubmit=${search}>
    <input
      type="search"
      aria-label="Search accounts, transactions and references"
      placeholder="Account, transaction or reference"
      spellcheck="false"
      autocapitalize="off"
      value=${value}
      onInput=${(event) => setValue(event.target.value)}
    />
    <kbd aria-hidden="true">/</kbd>
  </form>`;
}

const RAYS = "M10 1v2M10 17v2M1 10h2M17 10h2M3.6 3.6l1.4 1.4M15 15l1.4 1.4M3.6 16.4L5 15M15 5l1.4-1.4";

const THEMES = {
  system: { name: "Theme: as the system", drawn: "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M10 3v14M13 4v12M15.5 6v8" },
  light: { name: "Theme: light", drawn: `M10 6a4 4 0 1 0 0 8a4 4 0 1 0 0-8${RAYS}` },
  dark: { name: "Theme: dark", drawn: "M16.5 12A7 7 0 1 1 8 3.5A5.5 5.5 0 0 0 16.5 12Z" },
};

function Switches({ help }) {
  const theme = usePreference("theme");
  const zone = usePreference("zone");
  return html`
    <button type="button" class="quiet" title="The zone of times: local or UTC" onClick=${() => next("zone")}>
      <span class="hidden">Times: </span>${zone === "UTC" ? "UTC" : "Local time"}
    </button>
    <button type="button" class="quiet icon" title=${THEMES[theme].name} aria-label=${THEMES[theme].name} onClick=${() => next("theme")}>
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d=${THEMES[theme].drawn} /></svg>
    </button>
    ${asksForKey() &&
    key.get() &&
    html`<button type="button" class="quiet" onClick=${forgetKey}>Forget key</button>`}
    <button type="button" class="quiet icon keys" aria-label="Keys" title="Keys" onClick=${help}>?</button>
  `;
}

/** The dialog with the keys. */
export function Help({ close }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog ref=${dialog} aria-labelledby="keys" onClose=${close}>
    <h2 id="keys">Keys</h2>
    <dl class="keylist">
      ${KEYS.map(([name, what]) => html`<div><dt><kbd>${name}</kbd></dt><dd>${what}</dd></div>`)}
    </dl>
    <form method="dialog"><button type="button" onClick=${() => dialog.current.close()}>Close</button></form>
  </dialog>`;
}
