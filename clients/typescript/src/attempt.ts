/** Attempts: a request is sent once, and its reply is read to the end. */

/** A request, as often as it is sent. */
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string | undefined;
}

/** A whole reply. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * Why there is no reply.
 *
 * - `refused`: nobody answers at the address. `unknown`: its name is none.
 * - `insecure`: there is no secure connection to it.
 * - `unsent`: there is no way to it at the moment.
 * - `lost`: the request may have arrived. All failures are that in browsers, which do not say why.
 */
export interface Failure {
  readonly failed: "refused" | "unknown" | "insecure" | "unsent" | "lost";
  readonly error: Error;
}

export type Outcome = Reply | Failure;

/** The codes of Node's errors after which nothing was sent. */
const UNSENT: Readonly<Record<string, Failure["failed"]>> = {
  ECONNREFUSED: "refused",
  ENOTFOUND: "unknown",
  EAI_AGAIN: "unknown",
  EHOSTUNREACH: "unsent",
  ENETUNREACH: "unsent",
  UND_ERR_CONNECT_TIMEOUT: "unsent",
};

const INSECURE = /^ERR_SSL|^ERR_TLS|^EPROTO$|CERT|UNABLE_TO_/;

/** Sends a request once. Throws the reason of the caller's signal, if that is aborted. */
export async function attempt(
  fetch: typeof globalThis.fetch,
  request: Sent,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const timer = new AbortController();
  const late = new Error(`no reply within ${Math.round(milliseconds)} ms`);
  const timeout = setTimeout(() => timer.abort(late), milliseconds);
  const { method, url, headers, body } = request;
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timer.signal]) : timer.signal,
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    signal?.throwIfAborted();
    return failure(timer.signal.aborted ? late : error);
  } finally {
    clearTimeout(timeout);
  }
}

function failure(error: unknown): Failure {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const cause = inner instanceof Error ? inner : new Error(String(inner));
  const code = "code" in cause ? String(cause.code) : "";
  const otherwise = INSECURE.test(code) ? "insecure" : "lost";
  return { failed: UNSENT[code] ?? otherwise, error: cause };
}
