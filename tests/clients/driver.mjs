/**
 * Calls the TypeScript client for a test: `node driver.mjs PACKAGE`. Reads one JSON command a line
 * and writes one JSON answer a line. Bigints are written `{"$int": "1000"}` both ways.
 *
 *   {"make": {"name", "where", "options"}}        -> {"value": NUMBER OF THE LEDGER}
 *   {"ledger", "method": "accounts.get", "args"}  -> {"value"}, {"rows": NUMBER} or {"error"}
 *   {"next": NUMBER}                              -> {"value", "done"} or {"error"}
 *
 * A client that would wait writes {"sleep": SECONDS} before its answer, and goes on at once after
 * the next line. "random" in a command fixes what Math.random gives.
 */
import { createInterface } from "node:readline";

const { Ledger } = await import(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const ledgers = [];
const listings = [];
const chance = Math.random;

function write(answer) {
  const text = JSON.stringify(answer, (_, value) =>
    typeof value === "bigint" ? { $int: String(value) } : value,
  );
  process.stdout.write(`${text}\n`);
}

async function read() {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value, (_, part) => (part?.$int ? BigInt(part.$int) : part));
}

async function sleep(milliseconds) {
  write({ sleep: milliseconds / 1000 });
  await read();
}

async function answer(command) {
  if (command.make) {
    const { name, where, options } = command.make;
    return { value: ledgers.push(new Ledger(name, where, { sleep, ...options })) - 1 };
  }
  if ("next" in command) {
    return await listings[command.next].next();
  }
  const path = command.method.split(".");
  const owner = path.slice(0, -1).reduce((object, name) => object[name], ledgers[command.ledger]);
  const value = await owner[path.at(-1)](...command.args);
  if (value?.[Symbol.asyncIterator]) {
    return { rows: listings.push(value) - 1 };
  }
  if (value?.entries?.[Symbol.asyncIterator]) {
    return { value: { ...value, entries: listings.push(value.entries) - 1 } };
  }
  return { value };
}

function failure(error) {
  const { name, message, key, status, code, detail, errors, figures } = error;
  return { error: { name, message, key, status, code, detail, errors, figures } };
}

for (let command = await read(); command; command = await read()) {
  Math.random = command.random === undefined ? chance : () => command.random;
  write(await answer(command).catch(failure));
}
