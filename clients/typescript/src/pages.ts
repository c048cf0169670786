/** The most rows that a page of a listing may have. */
const MOST_ROWS = 200;

interface Page {
  readonly next_cursor: string | null;
}

/** The rows of a listing, page by page; the first page may be given. */
export async function* rows<Answer extends Page, Row>(
  ask: (cursor: string | undefined) => Promise<Answer>,
  rowsOf: (page: Answer) => readonly Row[],
  first?: Answer,
): AsyncGenerator<Row, void, undefined> {
  let page = first ?? (await ask(undefined));
  while (true) {
    yield* rowsOf(page);
    if (page.next_cursor === null) {
      return;
    }
    page = await ask(page.next_cursor);
  }
}

/** The parameters of one page. */
export function pageQuery(
  pageSize: number | undefined,
  cursor: string | undefined,
): { limit: number; cursor: string | undefined } {
  return { limit: pageSize ?? MOST_ROWS, cursor };
}
