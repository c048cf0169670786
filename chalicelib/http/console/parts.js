/** Small parts that several views share. */

import { html } from "./html.js";

/** A word about a state: `kind` is good, bad, wait or plain. */
export const Badge = ({ kind = "plain", children }) =>
  html`<span class=${`badge ${kind}`}>${children}</span>`;

const STATES = { open: "good", posted: "good", pending: "wait", closed: "plain" };

/** A state in a list: the usual one is a plain word. */
export const ListedState = ({ state }) =>
  state === "posted" ? html`<span class="muted">posted</span>` : html`<${State} state=${state} />`;

/** The state of an account or a transaction. */
export const State = ({ state }) => html`<${Badge} kind=${STATES[state] ?? "plain"}>${state}</${Badge}>`;

/** Facts by name, those without a value left out. */
export const Facts = ({ facts }) => html`<dl class="facts">
  ${facts
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
</dl>`;

/** Metadata as facts. */
export function Metadata({ metadata }) {
  const pairs = Object.entries(metadata);
  if (!pairs.length) return null;
  return html`<section class="card">
    <h2>Metadata</h2>
    <${Facts} facts=${pairs.map(([name, value]) => [name, value || html`<span class="muted">empty</span>`])} />
  </section>`;
}

/** The heading of a view. `above` is where it belongs. */
export const Heading = ({ above, title, children }) => html`<header class="heading">
  ${above && html`<p class="above">${above}</p>`}
  <h1 tabindex="-1">${title}</h1>
  ${children}
</header>`;

/** Links of which one is the present. */
export const Choice = ({ label, options }) => html`<nav class="choice" aria-label=${label}>
  ${options.map(
    ({ text, href, chosen }) =>
      html`<a href=${href} aria-current=${chosen ? "page" : undefined}>${text}</a>`,
  )}
</nav>`;
