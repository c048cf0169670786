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
 * Why there is no reply. `nobody`: there is no server at the address. `unsent`: there is no way
 * to it at the moment. `lost`: the request may have arrived.
 */
export interface Failure {
  readonly failed: "nobody" | "unsent" | "lost";
  readonly error: Error;
}

export type Outcome = Reply | Failure;

/** The codes of Node's errors with which no connection was made. Browsers do not say why. */
const NOBODY = new Set(["ECONNREFUSED", "ENOTFOUND"]);
const UNSENT = new Set(["EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"]);

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
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const failed = NOBODY.has(code) ? "nobody" : UNSENT.has(code) ? "unsent" : "lost";
  return { failed, error: cause instanceof Error ? cause : new Error(String(cause)) };
}
