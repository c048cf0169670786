/** Batches: sent again until all parts are done or refused, with the results of all attempts. */
import type { Reply } from "./attempt.js";
import { NoReply, Problem } from "./problems.js";
import { AGAIN } from "./transport.js";

/** What any part of a batch has as its result. */
export interface Part {
  readonly status: number;
  readonly replayed?: boolean;
  readonly problem?: { readonly code: string } | null;
}

/**
 * The results of a batch, which `send` sends again for parts that were not attempted or are
 * unknown. Throws Problem for a batch that is refused as a whole, and NoReply.
 */
export async function allResults<Result extends Part>(
  send: (isUnfinished: (reply: Reply) => boolean) => Promise<unknown>,
): Promise<readonly Result[]> {
  let results: readonly Result[] = [];
  const isUnfinished = (reply: Reply) => {
    const found: readonly Result[] = JSON.parse(reply.text).results;
    results = results.length ? found.map((part, index) => ofBoth(results[index], part)) : found;
    return results.some((part) => AGAIN.has(part.status));
  };
  try {
    await send(isUnfinished);
  } catch (error) {
    const mayGoOn =
      error instanceof NoReply || (error instanceof Problem && AGAIN.has(error.status));
    if (!(results.length && mayGoOn)) {
      throw error;
    }
  }
  return results;
}

/**
 * The result of a part after two attempts. An unknown one stays unknown until it is done or
 * refused, since the write of the first attempt may still arrive.
 */
function ofBoth<Result extends Part>(before: Result | undefined, now: Result): Result {
  if (before === undefined || !AGAIN.has(before.status)) {
    return before ?? now;
  }
  const isUnknown = before.problem?.code === "outcome_unknown" && AGAIN.has(now.status);
  return isUnknown ? before : now;
}
