/** A storage of this browser; where it keeps nothing for this page, one that ends with the page. */
export function storage(name) {
  try {
    window[name].getItem("");
    return window[name];
  } catch {
    const kept = new Map();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    };
  }
}
