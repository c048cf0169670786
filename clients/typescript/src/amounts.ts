import { AMOUNTS } from "./schema.js";

/**
 * The JSON of a request. Amounts become strings of digits. Throws TypeError for an amount that is
 * a number or a string: numbers are inexact beyond 2^53, and neither says its unit.
 */
export function encoded(body: unknown): string {
  refuseOthers(body, "");
  return JSON.stringify(body, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

/** A parsed answer, the same object, whose amounts are bigints now. */
export function decoded<Answer>(answer: Answer): Answer {
  for (const { parent, name, value } of fieldsOf(answer)) {
    if (AMOUNTS.has(name) && typeof value === "string") {
      parent[name] = BigInt(value);
    } else {
      decoded(value);
    }
  }
  return answer;
}

function refuseOthers(body: unknown, path: string): void {
  for (const { name, value } of fieldsOf(body)) {
    const where = Array.isArray(body) ? `${path}[${name}]` : path ? `${path}.${name}` : name;
    const isOther = typeof value === "number" || typeof value === "string";
    if (AMOUNTS.has(name) && isOther) {
      throw new TypeError(
        `${where}: ${JSON.stringify(value)} is a ${typeof value}; amounts are bigints ` +
          "in the asset's smallest unit, such as 1050n for 10.50 of USD/2",
      );
    }
    refuseOthers(value, where);
  }
}

interface Field {
  readonly parent: Record<string, unknown>;
  readonly name: string;
  readonly value: unknown;
}

/** The fields of an object or the elements of an array. Metadata belongs to the caller. */
function fieldsOf(body: unknown): Field[] {
  if (typeof body !== "object" || body === null) {
    return [];
  }
  const parent = body as Record<string, unknown>;
  return Object.entries(parent)
    .filter(([name]) => name !== "metadata")
    .map(([name, value]) => ({ parent, name, value }));
}
