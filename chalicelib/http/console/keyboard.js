/** The keyboard: `/` searches, arrows or `j` and `k` move between rows, Escape goes up, `?` helps. */

const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

const isTyping = ({ tagName }) => ["INPUT", "SELECT", "TEXTAREA"].includes(tagName);

/** Moves the focus from row to row; from elsewhere to the first. */
function move(step) {
  const row = document.activeElement.closest("tr");
  const beside = row && (step > 0 ? row.nextElementSibling : row.previousElementSibling);
  const to = beside?.querySelector("[data-row]") ?? amongAll(step);
  to?.focus();
  to?.scrollIntoView({ block: "nearest" });
}

/** The same over the ends of pages and tables: slower, since there may be thousands of rows. */
function amongAll(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement);
  return rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)];
}

/** Follows keys until the returned function is called. `up` and `help` are actions. */
export function followKeys({ up, help }) {
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (isTyping(event.target)) event.target.blur();
      else up();
    } else if (isTyping(event.target)) {
      return;
    } else if (event.key === "/") {
      document.querySelector("[type=search]")?.focus();
      event.preventDefault();
    } else if (event.key === "?") {
      help();
    } else if (event.key in STEPS) {
      move(STEPS[event.key]);
      event.preventDefault();
    }
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

export const KEYS = [
  ["/", "search"],
  ["↓ ↑ or j k", "next and previous row"],
  ["Enter", "open the row"],
  ["Esc", "up, to where this belongs"],
  ["?", "these keys"],
];
