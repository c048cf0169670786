/** The Read APIs: their addresses, the key of this session, requests and problems. */

import { queryString } from "./route.js";
import { storage } from "./storage.js";

const session = storage("sessionStorage");
const KEY = "twofold.key";
const HERE = new URL(".", location.href);
const LONGEST_WAIT = 5;
const TRIES = 4;

/** The settings of the stage that serves this page: see `console_page.py`. */
export const config = {};

/** Reads the settings. Throws Problem. */
export async function loadConfig() {
  Object.assign(config, await request(new URL("console/config.json", HERE), {}));
}

/** The key of this session: it is kept until the tab is closed, and sent to the Read APIs only. */
export const key = {
  get: () => session.getItem(KEY) ?? "",
  set: (value) => session.setItem(KEY, value),
  forget: () => session.removeItem(KEY),
};

/** Whether requests need a key or a token that a person can enter. */
export const asksForKey = () => config.auth === "keys" || config.auth === "cognito";

/** An error of the API (RFC 9457), or of the way to it: `status` 0 means that nothing answered. */
export class Problem extends Error {
  constructor({ status = 0, code = "", title = "", detail = "", retryAfter = null }) {
    super(detail || title);
    Object.assign(this, { status, code, title, detail, retryAfter });
  }
}

/** Whether a problem is one of the key. */
const isRefused = ({ status }) => status === 401 || status === 403;

/** The base URL of a Read API, "accounts" or "journal"; null where it is not known. */
function baseOf(api) {
  if (config.serves.includes(api)) return HERE;
  return config[api] ? new URL(`${config[api]}/`) : null;
}

/** Whether both Read APIs are at one address. */
export const isOneApi = () => String(baseOf("accounts")) === String(baseOf("journal"));

/** The address of a page about an error code. */
export const problemPage = (code) => new URL(`problems/${code}`, HERE).href;

/**
 * What a Read API answers. A short `Retry-After` is followed, and `waiting` is told its seconds.
 * Throws Problem.
 */
export async function get(api, path, query, { signal, waiting = () => {} } = {}) {
  const base = baseOf(api);
  if (base === null) throw new Problem({ code: "not_configured", detail: api });
  const url = new URL(path + queryString(query), base);
  const headers = key.get() ? { Authorization: `Bearer ${key.get()}` } : {};
  for (let tries = 1; ; tries += 1) {
    try {
      return await request(url, { headers, signal });
    } catch (error) {
      if (isRefused(error)) dispatchEvent(new CustomEvent("twofold.refused", { detail: error }));
      const wait = error.retryAfter;
      if (wait === null || wait === undefined || wait > LONGEST_WAIT || tries === TRIES) throw error;
      waiting(wait);
      await pause(wait, signal);
      waiting(null);
    }
  }
}

async function request(url, { headers, signal }) {
  let response;
  try {
    response = await fetch(url, { headers, signal, credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "network", detail: url.origin });
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const after = Number(response.headers.get("Retry-After") ?? NaN);
  throw new Problem({
    status: response.status,
    code: body?.code,
    title: body?.title,
    detail: body?.detail ?? `the answer was HTTP ${response.status}`,
    retryAfter: Number.isFinite(after) ? after : null,
  });
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("left", "AbortError"));
    });
  });
}
