/** Amounts: whole numbers of an asset's smallest unit, exact as BigInt, shown in its own units. */

import { html } from "./html.js";

const MINUS = "\u2212";

/** The code and the number of decimal places of an asset: `USD/2` has 2. */
export function parts(asset) {
  const [code, scale] = asset.split("/");
  return { code, scale: Number(scale) };
}

/** Units as a decimal number with separators: 1234567 of `USD/2` is `12,345.67`. */
export function decimal(units, asset) {
  const { scale } = parts(asset);
  const value = BigInt(units);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale).replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = scale ? `.${digits.slice(-scale)}` : "";
  return `${value < 0n ? MINUS : ""}${whole}${fraction}`;
}

/** A number that is near the amount, for positions in a plot only. */
export const approximate = (units, asset) => Number(units) / 10 ** parts(asset).scale;

/** An amount with the code of its asset, unless it is `bare`; without units it is a dash. */
export function Amount({ units, asset, bare = false, none = "–" }) {
  if (units === null || units === undefined) return html`<span class="muted">${none}</span>`;
  const kind = BigInt(units) === 0n ? "amount zero" : "amount";
  return html`<span class=${kind}
    ><span class="figure">${decimal(units, asset)}</span
    >${!bare && html`<span class="code">${parts(asset).code}</span>`}</span
  >`;
}

/** How many there are, in words: `count(1, "entry", "entries")`. */
export const count = (number, one, many) =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
