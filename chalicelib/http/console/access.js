/** Access: the form for a key, and what a browser can do where requests have to be signed. */

import { asksForKey, config, key } from "./api.js";
import { html, useState } from "./html.js";

const KIND = {
  keys: {
    name: "Read key",
    hint: html`Any key with the scope <code>read</code>. An operator makes one by${" "}
      <code>twofold keys create --name console --ledger NAME --scope read</code>; on a laptop, the terminal of${" "}
      <code>make run</code> says how`,
  },
  cognito: {
    name: "Id token",
    hint: html`An id token of the stage's user pool, with the scope <code>read</code>.`,
  },
};

/** Signing needs AWS credentials, which do not belong into a browser. */
export const CannotSign = () => html`<section class="card access">
  <h1 tabindex="-1">This stage asks for signed requests</h1>
  <p>
    Its requests are authorised by IAM (<code>TWOFOLD_AUTH=iam</code>). A browser cannot sign them without
    AWS credentials, and these do not belong into a web page.
  </p>
  <p>
    Serve the console where it can be used: a further stage of the Read APIs with${" "}
    <code>TWOFOLD_AUTH=keys</code> or <code>cognito</code>, or <code>make run</code> on your computer with${" "}
    <code>AWS_ENDPOINT_URL_DYNAMODB</code> and credentials that may read the tables.
  </p>
</section>`;

/** The form for a key; with the problem of the last one, if there was one. */
export function KeyForm({ error }) {
  const kind = KIND[config.auth] ?? KIND.keys;
  const [value, setValue] = useState("");
  const enter = (event) => {
    event.preventDefault();
    if (value.trim()) useKey(value.trim());
  };
  return html`<section class="card access">
    <h1 tabindex="-1">Open the books</h1>
    ${error && html`<p class="detail said" role="alert">${refused(error)}</p>`}
    <form onSubmit=${enter}>
      <label for="key">${kind.name}</label>
      <div class="joined">
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck="false"
          required
          value=${value}
          onInput=${(event) => setValue(event.target.value)}
        />
        <button class="primary" type="submit">Open</button>
      </div>
    </form>
    <p class="muted">
      ${kind.hint}. It is kept until you close this tab, and sent to the Read APIs only.
    </p>
  </section>`;
}

function refused(error) {
  if (error.status === 403) return `${error.detail}. Use another key.`;
  return key.get() ? "This key is not valid, or was revoked." : error.detail;
}

function useKey(value) {
  key.set(value);
  dispatchEvent(new Event("twofold.key"));
}

/** Forgets the key of this session. */
export function forgetKey() {
  key.forget();
  dispatchEvent(new Event("twofold.key"));
}

/** Whether the page has to ask for a key before it can ask for anything else. */
export const isLocked = () => asksForKey() && !key.get();
