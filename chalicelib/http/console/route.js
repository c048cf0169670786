/**
 * Routes in the hash, with the paths of the API: `#/ledgers/acme/accounts/cash?show=events`.
 *
 * The part before the hash stays as it is, so links work below any prefix.
 */

import { useEffect, useState } from "./html.js";

/** An id as a part of a path; colons stay readable. */
export const encode = (id) => encodeURIComponent(id).replaceAll("%3A", ":");

/** A path of the API, or of a view, from its parts. */
export const pathOf = (...parts) => parts.map(encode).join("/");

/** The query string of those parameters that have a value, with its question mark. */
export function queryString(query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const text = new URLSearchParams(given).toString().replaceAll("%3A", ":");
  return text && `?${text}`;
}

/** The address of a view: `link(["ledgers", "acme"], { show: "events" })`. */
export const link = (path, query) => `#/${pathOf(...path)}${queryString(query)}`;

export const toLedger = (ledger, view, query) => link(["ledgers", ledger, view], query);
export const toAccount = (ledger, id, query) => link(["ledgers", ledger, "accounts", id], query);
export const toTransaction = (ledger, id) => link(["ledgers", ledger, "transactions", id]);

/** The parts of the path, decoded, and the parameters, by name. */
export function parse(hash) {
  const [path, query] = hash.replace(/^#?\/?/, "").split("?");
  return {
    path: path.split("/").filter(Boolean).map(decode),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A stray percent sign: the API says that there is no such id.
  }
}

/** Goes to a view; with `replace`, without a new entry in the history. */
export function go(hash, { replace = false } = {}) {
  if (hash === location.hash) return;
  if (!replace) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** The present route. */
export function useRoute() {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parse(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
