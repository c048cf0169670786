/**
 * Transport: one request, sent until there is a final reply, within a deadline.
 *
 * Requests without a reply, or with the status 429, 502, 503 or 504, and unfinished batches are
 * sent again: after the seconds of `Retry-After`, and a random time up to a bound that doubles
 * ("full jitter": Marc Brooker, Exponential Backoff And Jitter, AWS Architecture Blog). That is
 * safe for all requests of the client: each one reads, has an id that the ledger does once, or
 * sets a final state.
 *
 * A first attempt that is refused a connection is not repeated: most likely nothing runs there. A
 * later one is, since the server may be starting again.
 */
import { attempt, type Failure, type Outcome, type Reply, type Sent } from "./attempt.js";
import { NoConnection, NoReply, problemOf, UNEXPECTED } from "./problems.js";

/** The statuses after which a request is sent again. */
export const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;

/** Limits of a call, which may differ from those of its Ledger. Times are in milliseconds. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. A write may have been done. */
  readonly signal?: AbortSignal | undefined;
  /** What one attempt may take. */
  readonly timeout?: number | undefined;
  /** What the call may take, with all its attempts. */
  readonly deadline?: number | undefined;
}

/** How requests are sent; a test may replace both functions. */
export interface TransportOptions {
  readonly timeout: number;
  readonly deadline: number;
  readonly fetch: typeof globalThis.fetch;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** What the transport must know of a call. */
export interface Call extends CallOptions {
  /** The id or idempotency key, which errors name. */
  readonly key?: string | undefined;
  /** Whether the same request, sent again, may do more. */
  readonly isUnfinished?: ((reply: Reply) => boolean) | undefined;
}

export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** The successful response to a request. Throws Problem for any other, and NoReply. */
  async send(request: Request, call: Call): Promise<Response> {
    const { method, url, headers } = request;
    const body = method === "GET" ? undefined : await request.text();
    const reply = await this.#untilAnswered({ method, url, headers, body }, call);
    if (!isGood(reply)) {
      throw problemOf(reply.status, reply.text, call.key);
    }
    return new Response(reply.text, { status: reply.status, headers: reply.headers });
  }

  async #untilAnswered(request: Sent, call: Call): Promise<Reply> {
    const { fetch, sleep } = this.#options;
    const timeout = call.timeout ?? this.#options.timeout;
    const until = performance.now() + (call.deadline ?? this.#options.deadline);
    let bound = FIRST_WAIT;
    let doubt: Outcome | undefined;
    for (let attempts = 1; ; attempts += 1) {
      let wait = Math.random() * bound;
      const left = Math.max(until - performance.now(), 1);
      const outcome = await attempt(fetch, request, Math.min(timeout, left), call.signal);
      if (!isReply(outcome)) {
        if (attempts === 1) {
          requireConnection(request, outcome, call);
        }
      } else if (isFinal(outcome, call)) {
        return outcome;
      } else {
        wait += retryAfter(outcome);
      }
      if (request.method !== "GET" && mayHaveBeenDone(outcome)) {
        doubt = outcome;
      }
      if (performance.now() + wait >= until) {
        return last(request, outcome, doubt, call);
      }
      await sleep(wait, call.signal);
      bound = Math.min(bound * 2, LONGEST_WAIT);
    }
  }
}

/** Waits for a time in milliseconds. Throws the reason of a signal that is aborted meanwhile. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Throws if a first attempt failed for want of a connection. TLS may also fail in a reply. */
function requireConnection(request: Sent, { failed, error }: Failure, call: Call): void {
  const { origin, hostname } = new URL(request.url);
  const cause = { cause: error };
  switch (failed) {
    case "refused": {
      const message =
        `no connection to ${origin}: Connection refused. Nothing was sent. ` +
        "Is the server running? `make run` starts one on this machine";
      throw new NoConnection(message, call.key, cause);
    }
    case "unknown": {
      const message =
        `there is no host ${hostname}, or its name cannot be looked up now. Nothing was sent. ` +
        `Is ${origin} the right address?`;
      throw new NoConnection(message, call.key, cause);
    }
    case "insecure":
      throw new NoReply(`no secure connection to ${origin}: ${error.message}`, call.key, cause);
  }
}

function isFinal(reply: Reply, call: Call): boolean {
  const isUnfinished = isGood(reply) && (call.isUnfinished?.(reply) ?? false);
  return !(AGAIN.has(reply.status) || isUnfinished);
}

/**
 * The reply to a request at its deadline: preferably one after which it is unknown whether an
 * attempt was done. Throws NoReply.
 */
function last(request: Sent, outcome: Outcome, doubt: Outcome | undefined, call: Call): Reply {
  const isDone = isReply(outcome) && isGood(outcome);
  const told = doubt === undefined || isDone ? outcome : doubt;
  if (isReply(told)) {
    return told;
  }
  const message = `${request.method} ${request.url}: ${told.error.message}`;
  throw new NoReply(message, call.key, { cause: told.error });
}

/** Whether an attempt that is repeated may have been done, or may still be. */
function mayHaveBeenDone(outcome: Outcome): boolean {
  if (!isReply(outcome)) {
    return outcome.failed === "lost";
  }
  const { code } = problemOf(outcome.status, outcome.text);
  const isUnknown = code === UNEXPECTED || code === "outcome_unknown";
  return isUnknown && AGAIN.has(outcome.status) && outcome.status !== 429;
}

function isReply(outcome: Outcome): outcome is Reply {
  return "status" in outcome;
}

/** Whether a reply is the ledger's, and a success. */
function isGood(reply: Reply): boolean {
  const isJson = reply.headers.get("Content-Type")?.startsWith("application/json") ?? false;
  return reply.status >= 200 && reply.status < 300 && isJson;
}

/** The milliseconds of `Retry-After`. The other form, a date, is ignored. */
function retryAfter(reply: Reply): number {
  const asked = reply.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(asked) ? Number(asked) * 1000 : 0;
}
