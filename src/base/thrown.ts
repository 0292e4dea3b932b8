/** Tells what a thrown value says; anything can be thrown, even what has no text. */
export function thrownText(thrown: unknown): string {
  try {
    const text = textOf(thrown, 0);
    return text.replace(COLOURS, "") || "an empty text was thrown";
  } catch {
    return "something that can't be shown was thrown";
  }
}

/** Deno's own errors have them even where nobody looks at a terminal. */
// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[\d;]*m/g;

/** How deep causes and the errors of an `AggregateError` are followed, and how many of these. */
const MAX_DEPTH = 4;
const MAX_ERRORS = 10;

function textOf(thrown: unknown, depth: number): string {
  if (thrown instanceof Error) return errorText(thrown, depth);
  if (thrown instanceof Response) {
    return `an HTTP response was thrown: ${thrown.status} ${thrown.statusText}`
      .trimEnd();
  }
  if (typeof thrown === "object" && thrown !== null) return objectText(thrown);
  return String(thrown);
}

/** The message; where there is none, what the errors beneath say, or the name. */
function errorText(error: Error, depth: number): string {
  const message = messageOf(error);
  const beneath = depth < MAX_DEPTH ? errorsBeneath(error, message === "") : [];
  const texts = beneath.slice(0, MAX_ERRORS)
    .map((each) => textOf(each, depth + 1));
  if (texts.length === 0) return message || String(error.name || "Error");
  if (beneath.length > MAX_ERRORS) {
    texts.push(`and ${beneath.length - MAX_ERRORS} more`);
  }
  const joined = [...new Set(texts)].join("; ");
  return message === "" ? joined : `${message}: ${joined}`;
}

/** Some put an object where the message belongs. */
function messageOf({ message }: { message: unknown }): string {
  if (typeof message !== "object" || message === null) {
    return String(message ?? "");
  }
  try {
    return objectText(message);
  } catch {
    return "";
  }
}

function errorsBeneath(error: Error, silent: boolean): unknown[] {
  const { errors } = error as { errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors;
  return silent && error.cause !== undefined ? [error.cause] : [];
}

function objectText(thrown: object): string {
  const { message } = thrown as { message?: unknown };
  if (typeof message === "string" && message !== "") return message;
  const text = String(thrown);
  if (!text.startsWith("[object ")) return text;
  const json = JSON.stringify(thrown) ?? text;
  // JSON has nothing to say of a Map and its like, but that it is an object.
  return json === "{}" && text !== "[object Object]" ? text : json;
}
