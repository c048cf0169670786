/** Times: shown in the reader's zone or in UTC, with the exact instant in UTC as a title. */

import { html } from "./html.js";
import { preference } from "./preferences.js";

const DATE = { year: "numeric", month: "short", day: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const MIDNIGHT = /T00:00:00(\.0+)?Z$/;

const formats = new Map();

/** A formatter of Intl, made once: making one is slow. */
function formatter(options, zone) {
  const name = JSON.stringify([options, zone]);
  if (!formats.has(name)) {
    const timeZone = zone === "UTC" ? "UTC" : undefined;
    formats.set(name, new Intl.DateTimeFormat("en-GB", { ...options, timeZone }));
  }
  return formats.get(name);
}

/** The text of a time; `clock` adds hours to seconds. */
export function timeText(time, { clock = true, zone = preference("zone") } = {}) {
  return formatter(clock ? { ...DATE, ...CLOCK } : DATE, zone).format(new Date(time));
}

/**
 * A time; a midnight in UTC is a date, as in the value date of a bank, and is not moved by zones.
 *
 * It follows no preference by itself: there may be thousands of them. The page and the tables do.
 */
export function Time({ at, none = "–" }) {
  const zone = preference("zone");
  if (!at) return html`<span class="muted">${none}</span>`;
  const text = MIDNIGHT.test(at) ? timeText(at, { clock: false, zone: "UTC" }) : timeText(at, { zone });
  return html`<time datetime=${at} title=${`${at.replace("T", " ").replace("Z", "")} UTC`}>${text}</time>`;
}

/** The start of a day, `2026-11-26`, in the reader's zone, as RFC 3339; empty for none. */
export function startOf(day, { after = 0 } = {}) {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? "");
  if (!found) return "";
  const [year, month, date] = [Number(found[1]), Number(found[2]) - 1, Number(found[3]) + after];
  const utc = preference("zone") === "UTC";
  const start = utc ? new Date(Date.UTC(year, month, date)) : new Date(year, month, date);
  return start.toISOString();
}
