import { readEnv } from "../../base/env.ts";
import type { LogLevel, LogRecord, LogSink } from "./log.ts";
import { safeRecord } from "./log_fields.ts";

const encoder = new TextEncoder();

/** Characters that could end a line, or make a terminal show something else than the text. */
const CONTROL =
  // deno-lint-ignore no-control-regex -- they are what is looked for
  /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/** A value that is shown without quotes. */
const PLAIN = /^[\w.:/@+-]+$/;

/** Fields can't put others in the place of a record's own. */
const OWN_NAME = /^(?:time|level|message)_*$/;

const COLOURS: Record<LogLevel, string> = {
  debug: "90",
  info: "36",
  warning: "33",
  error: "31",
};

/**
 * One line of JSON per record, on stderr: stdout belongs to the protocol on
 * stdio. Fields are bounded in size, and what is named like a secret is kept
 * back; so are passwords in URLs and bearer tokens.
 */
export const jsonLog: LogSink = (record) => {
  const time = new Date().toISOString();
  const { level, message, fields } = safeRecord(record);
  const others = Object.entries(fields).map(
    ([name, value]) => [OWN_NAME.test(name) ? `${name}_` : name, value],
  );
  const line = { time, level, message, ...Object.fromEntries(others) };
  writeStderr(level, escaped(JSON.stringify(line)));
};

/**
 * One line per record for people, on stderr, with a stack below it; in colour
 * where stderr is a terminal and `NO_COLOR` isn't set. It bounds and keeps back
 * what {@linkcode jsonLog} does.
 */
export const readableLog: LogSink = (record) => {
  writeStderr(record.level, readable(record, wantsColour()));
};

/** {@linkcode readableLog} where stderr is a terminal, {@linkcode jsonLog} elsewhere. */
export const stderrLog: LogSink = (record) => {
  const log = isTerminal() ? readableLog : jsonLog;
  log(record);
};

/** Writes a warning where what is usable alone does, unless it is told otherwise. */
export function stderrWarn(message: string, ...details: unknown[]): void {
  const fields = details.length === 0 ? {} : { details };
  stderrLog({ level: "warning", message, fields });
}

/** A record as a line for people. */
export function readable(record: LogRecord, colour: boolean): string {
  const paint = (code: string, text: string) =>
    colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  const { level, message, fields } = safeRecord(record);
  const { stack, ...others } = fields;
  if (typeof stack !== "string" && stack !== undefined) others.stack = stack;
  const words = Object.entries(others).map(([name, value]) =>
    ` ${paint("2", `${escaped(name)}=`)}${shown(value)}`
  );
  const time = new Date().toISOString().slice(11, 23);
  const head = paint("2", time) + " " +
    paint(COLOURS[level], level.toUpperCase().padEnd(7)) + " " +
    escaped(message) + words.join("");
  return typeof stack === "string" ? `${head}\n${below(stack)}` : head;
}

function shown(value: unknown): string {
  const text = typeof value === "string" && PLAIN.test(value)
    ? value
    : JSON.stringify(value);
  return escaped(text);
}

/** A stack is indented, so that no line of it can pass for a record. */
function below(stack: string): string {
  return stack.split("\n")
    .map((line) => `    ${escaped(line.trim())}`)
    .join("\n");
}

function escaped(text: string): string {
  return text.replace(
    CONTROL,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

let terminal: boolean | undefined;

function isTerminal(): boolean {
  const host = globalThis as {
    Deno?: { stderr?: { isTerminal?(): boolean } };
    process?: { stderr?: { isTTY?: boolean } };
  };
  return terminal ??= host.Deno !== undefined
    ? host.Deno.stderr?.isTerminal?.() ?? false
    : host.process?.stderr?.isTTY ?? false;
}

function wantsColour(): boolean {
  const { Deno } = globalThis as { Deno?: { noColor?: boolean } };
  // Deno tells of NO_COLOR without a permission.
  const refused = Deno?.noColor ?? Boolean(readEnv("NO_COLOR"));
  return !refused && isTerminal();
}

/**
 * Writes a text and the end of its line to stderr. With `OTEL_DENO=true`, Deno
 * exports what the console writes, as grave as the method that wrote it. Those
 * that are no warning or error write to stdout, which is the protocol's on
 * stdio; so what is less grave goes past the console, and isn't exported.
 */
function writeStderr(level: LogLevel, text: string): void {
  const { stderr } = (globalThis as { Deno?: Partial<typeof Deno> }).Deno ?? {};
  if (level === "error" || stderr === undefined) console.error(text);
  else if (level === "warning") console.warn(text);
  else {
    const bytes = encoder.encode(`${text}\n`);
    for (let at = 0; at < bytes.length;) {
      at += stderr.writeSync(bytes.subarray(at));
    }
  }
}
