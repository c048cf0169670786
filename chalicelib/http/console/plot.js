/** The running balance as steps, drawn by uPlot, which is loaded when the first plot is shown. */

import { approximate, decimal, parts } from "./amounts.js";
import { html, useEffect, useMemo, useRef, useState } from "./html.js";
import { useDark, usePreference } from "./preferences.js";
import { timeText } from "./times.js";

const HEIGHT = 200;
const SHORTEST_SECONDS = 60;
const FONT = "12px system-ui, sans-serif";

let library = null;

/** uPlot. It is a classic script, which sets a global. */
function uPlot() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("./uplot.js", import.meta.url);
    script.onload = () => resolve(window.uPlot);
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

/** Entries, oldest first, without those of which no balance is known. */
function chronological(pages, newestFirst) {
  const entries = pages.flat();
  if (newestFirst) entries.reverse();
  return entries.filter((entry) => entry.balance_after !== null);
}

/** Whether the effective times go forward with the record: the balances are then the same by both. */
function areInOrder(entries) {
  return entries.every((entry, n) => n === 0 || entries[n - 1].effective_at <= entry.effective_at);
}

/** The plot of what is loaded: by effective time where that goes forward, else by the record. */
export function BalancePlot({ account, listing, newestFirst }) {
  const kept = useRef(listing.pages);
  if (!listing.busy) kept.current = listing.pages; // While pages arrive, the plot stays.
  const { done } = listing;
  const pages = kept.current;
  const entries = useMemo(() => chronological(pages, newestFirst), [pages]);
  const effective = useMemo(() => areInOrder(entries), [entries]);
  const zone = usePreference("zone");
  const dark = useDark();
  const box = useRef(null);
  const [pointed, setPointed] = useState(null);
  const { asset } = account;

  const data = useMemo(() => points(entries, effective, asset), [entries, effective]);
  const worth = isWorthDrawing(data);

  useEffect(() => {
    if (!worth) return undefined;
    const node = box.current;
    let plot;
    let watcher;
    let left = false;
    uPlot().then((Plot) => {
      if (left) return;
      plot = new Plot(options(Plot, node, asset, zone, setPointed), data, node);
      watcher = new ResizeObserver(() => plot.setSize({ width: node.clientWidth, height: HEIGHT }));
      watcher.observe(node);
    });
    return () => {
      left = true;
      watcher?.disconnect();
      plot?.destroy();
    };
  }, [entries, effective, zone, dark]);

  if (!worth) return null;
  const entry = entries[pointed ?? entries.length - 1];
  const at = effective ? entry.effective_at : entry.recorded_at;
  const by = effective ? "effective" : "recorded";
  const name = done || !newestFirst ? "Balance" : "Balance of the entries shown";
  return html`<figure class="card plot">
    <figcaption>
      <h2>${name}</h2>
      <span class="muted">${timeText(at, { clock: !effective, zone: effective ? "UTC" : zone })}, ${by}</span>
      <strong class="amount"><span class="figure">${decimal(entry.balance_after, asset)}</span><span class="code">${parts(asset).code}</span></strong>
    </figcaption>
    <div class="canvas" role="img" aria-label=${spoken(entries, asset)} ref=${box}></div>
  </figure>`;
}

function points(entries, effective, asset) {
  const time = (entry) => Date.parse(effective ? entry.effective_at : entry.recorded_at) / 1000;
  return [entries.map(time), entries.map((entry) => approximate(entry.balance_after, asset))];
}

/** Whether there is a line to see: not of a single entry, nor of what was recorded all at once. */
function isWorthDrawing([times]) {
  return times.length > 2 && times.at(-1) - times[0] >= SHORTEST_SECONDS;
}

/** What the plot shows, for those who do not see it. */
function spoken(entries, asset) {
  const balances = entries.map((entry) => BigInt(entry.balance_after));
  const least = balances.reduce((one, other) => (other < one ? other : one));
  const most = balances.reduce((one, other) => (other > one ? other : one));
  const [first, last] = [balances[0], balances.at(-1)].map((each) => decimal(each, asset));
  return (
    `Running balance over ${entries.length} entries in ${parts(asset).code}: from ${first} to ${last}, ` +
    `lowest ${decimal(least, asset)}, highest ${decimal(most, asset)}`
  );
}

function options(Plot, box, asset, zone, setPointed) {
  const { borderColor: line, caretColor: muted, color: accent } = getComputedStyle(box);
  const axis = { stroke: muted, font: FONT, ticks: { show: false }, grid: { stroke: line, width: 1 } };
  const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8, fill: accent } },
    scales: { y: { range: (_, least, most) => withZero(least, most) } },
    axes: [
      { ...axis, size: 28, space: 80, grid: { show: false }, values: (_, ticks, __, ___, step) => dates(ticks, step, zone) },
      { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => short.format(tick)) },
    ],
    series: [
      {},
      { stroke: accent, width: 1.5, fill: faint(accent), paths: Plot.paths.stepped({ align: 1 }), points: { show: false } },
    ],
    hooks: { setCursor: [({ cursor }) => setPointed(cursor.idx)] },
  };
}

const faint = (colour) => colour.replace("rgb(", "rgba(").replace(")", ", 0.1)");

const [HOUR, DAY] = [3600, 24 * 3600];

/** The texts of an axis, as fine as its steps, in seconds. */
function dates(ticks, step, zone) {
  const timeZone = zone === "UTC" ? "UTC" : undefined;
  let shown = { month: "short", year: "numeric" };
  if (step < 28 * DAY) shown = { day: "numeric", month: "short" };
  if (step < 12 * HOUR) shown = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const format = new Intl.DateTimeFormat("en-GB", { ...shown, timeZone });
  return ticks.map((tick) => format.format(tick * 1000));
}

/** A range that shows zero, with some room on the other side. */
function withZero(least, most) {
  const [low, high] = [Math.min(0, least), Math.max(0, most)];
  const room = (high - low || 1) * 0.06;
  return [low < 0 ? low - room : 0, high > 0 ? high + room : 0];
}
