/** What a reader chooses: light or dark, and local time or UTC. Kept in this browser. */

import { useEffect, useState } from "./html.js";
import { storage } from "./storage.js";

const CHOICES = { theme: ["system", "light", "dark"], zone: ["local", "UTC"] };
const CHANGED = "twofold.preference";

const known = {};
const local = storage("localStorage");

/** The value of a preference, which is read from the browser once. */
export function preference(name) {
  known[name] ??= valid(name, local.getItem(`twofold.${name}`));
  return known[name];
}

const valid = (name, kept) => (CHOICES[name].includes(kept) ? kept : CHOICES[name][0]);

/** Changes a preference to its next value. */
export function next(name) {
  const choices = CHOICES[name];
  const value = choices[(choices.indexOf(preference(name)) + 1) % choices.length];
  local.setItem(`twofold.${name}`, value);
  known[name] = value;
  apply();
  dispatchEvent(new Event(CHANGED));
}

/** Applies the theme to the page. */
export function apply() {
  document.documentElement.dataset.theme = preference("theme");
}

/** The value of a preference, which follows its changes. */
export function usePreference(name) {
  const [value, setValue] = useState(() => preference(name));
  useEffect(() => {
    const changed = () => setValue(preference(name));
    addEventListener(CHANGED, changed);
    return () => removeEventListener(CHANGED, changed);
  }, [name]);
  return value;
}

/** Whether the page is dark now, which follows the preference and the system. */
export function useDark() {
  const theme = usePreference("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const [systemDark, setSystemDark] = useState(system.matches);
  useEffect(() => {
    const changed = () => setSystemDark(system.matches);
    system.addEventListener("change", changed);
    return () => system.removeEventListener("change", changed);
  }, []);
  return theme === "system" ? systemDark : theme === "dark";
}
