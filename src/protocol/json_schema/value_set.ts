/** JSON values, compared by what they say: to look one up takes no longer in a large set. */
export class ValueSet {
  readonly #plain = new Set<unknown>();
  /** Arrays and objects, as text that is the same for the same value. */
  readonly #texts = new Set<string>();

  constructor(values: Iterable<unknown> = []) {
    for (const value of values) this.add(value);
  }

  has(value: unknown): boolean {
    return isPlain(value)
      ? this.#plain.has(value)
      : this.#texts.size > 0 && this.#texts.has(canonicalText(value));
  }

  /** Adds a value; false if it is there already. */
  add(value: unknown): boolean {
    const [values, key] = isPlain(value)
      ? [this.#plain, value]
      : [this.#texts, canonicalText(value)];
    if (values.has(key as string)) return false;
    values.add(key as string);
    return true;
  }
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

/** Writes a value as JSON with its keys in order. */
function canonicalText(value: unknown): string {
  if (isPlain(value)) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  const members = Object.entries(value as object)
    .filter(([, each]) => each !== undefined)
    .map(([key, each]) => `${JSON.stringify(key)}:${canonicalText(each)}`);
  return `{${members.sort().join()}}`;
}
