/** Hooks that read the API: one answer, or a listing page by page. */

import { get } from "./api.js";
import { useEffect, useRef, useState } from "./html.js";
import { queryString } from "./route.js";

export const PAGE = 200;
const MOST_AT_ONCE = 50;

/** One answer: `{ data, error, waiting, reload }`. Without a path nothing is asked. */
export function useGet(api, path, query = {}) {
  const [state, setState] = useState({});
  const [round, setRound] = useState(0);
  const asked = path && `${api} ${path}${queryString(query)}`;
  useEffect(() => {
    if (!path) return undefined;
    const left = new AbortController();
    const waiting = (seconds) => setState((now) => ({ ...now, waiting: seconds }));
    setState({ asked });
    get(api, path, query, { signal: left.signal, waiting }).then(
      (data) => setState({ asked, data }),
      (error) => left.signal.aborted || setState({ asked, error }),
    );
    return () => left.abort();
  }, [asked, round]);
  const own = state.asked === asked ? state : {}; // Not the answer to what was asked before.
  return { ...own, reload: () => setRound(round + 1) };
}

/**
 * A listing: `{ pages, first, done, busy, error, more, all, stop }`.
 *
 * `pages` has the rows of each page, whose arrays never change; `first` is the whole first answer.
 * `more` asks for the next page, and `all` for up to 50 more.
 */
export function useListing(api, path, name, query = {}) {
  const asked = `${api} ${path}${queryString(query)}`;
  const [state, setState] = useState({ asked: "", pages: [] });
  const now = useRef(state);
  const running = useRef(null);
  const set = (change) => {
    now.current = { ...now.current, ...change };
    setState(now.current);
  };
  const load = async (howMany) => {
    if (running.current) return;
    const left = new AbortController();
    running.current = left;
    set({ busy: true, error: null });
    try {
      for (let n = 0; n < howMany && !now.current.done; n += 1) await loadPage(left);
    } catch (error) {
      if (left.signal.aborted) return;
      set({ error });
    }
    running.current = null;
    set({ busy: false, waiting: null });
  };
  const loadPage = async (left) => {
    const { cursor, pages } = now.current;
    const options = { signal: left.signal, waiting: (seconds) => set({ waiting: seconds }) };
    const answer = await get(api, path, { limit: PAGE, ...query, cursor }, options);
    if (left.signal.aborted) throw new DOMException("left", "AbortError");
    set({
      pages: [...pages, answer[name]],
      first: now.current.first ?? answer,
      cursor: answer.next_cursor,
      done: !answer.next_cursor,
    });
  };
  const abort = () => {
    running.current?.abort();
    running.current = null;
  };
  useEffect(() => {
    now.current = { asked, pages: [] };
    load(1);
    return abort;
  }, [asked]);
  const own = state.asked === asked ? state : { pages: [], busy: true };
  const stop = () => {
    abort();
    set({ busy: false, waiting: null });
  };
  return { ...own, more: () => load(1), all: () => load(MOST_AT_ONCE), stop };
}
