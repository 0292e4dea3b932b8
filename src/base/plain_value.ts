/** Says whether a value is an object literal, or one without a prototype. */
export function isPlainObject(
  value: unknown,
): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Finds what JSON can't say: what it would leave out, or turn into something
 * else, or refuse. An object's member that is `undefined` is as good as one that
 * isn't there.
 *
 * @returns where it is and what it is, as in `value.rows[0].at is an instance of
 * Date`; nothing for a value that comes back from JSON as it was
 */
export function findNotJson(value: unknown): string | undefined {
  const found = find(value, []);
  return found && `value${found}`;
}

/** The path is put together on the way back: mostly nothing is found. */
function find(value: unknown, around: object[]): string | undefined {
  if (value === null || typeof value === "string") return undefined;
  if (typeof value === "boolean" || Number.isFinite(value)) return undefined;
  if (!Array.isArray(value) && !isPlainObject(value)) {
    return ` is ${nameOf(value)}`;
  }
  if (around.includes(value)) return " is a cycle";
  around.push(value);
  const found = Array.isArray(value)
    ? findInArray(value, around)
    : findInObject(value, around);
  around.pop();
  return found;
}

function findInArray(
  items: readonly unknown[],
  around: object[],
): string | undefined {
  for (let i = 0; i < items.length; i++) {
    const found = find(items[i], around);
    if (found !== undefined) return `[${i}]${found}`;
  }
  return undefined;
}

function findInObject(
  object: Record<string, unknown>,
  around: object[],
): string | undefined {
  for (const name of Object.keys(object)) {
    const member = object[name];
    const found = member === undefined ? undefined : find(member, around);
    if (found === undefined) continue;
    const isWord = /^[A-Za-z_$][\w$]*$/.test(name);
    return (isWord ? `.${name}` : `[${JSON.stringify(name)}]`) + found;
  }
  return undefined;
}

function nameOf(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    const { name } = value.constructor ?? {};
    return `an instance of ${name || "a class"}`;
  }
  return typeof value === "bigint" ? `${value}n` : String(value);
}
