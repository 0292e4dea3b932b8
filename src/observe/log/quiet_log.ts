import type { Clock } from "../../base/clock.ts";
import { LineLimit } from "./line_limit.ts";
import type { Log, LogLevel } from "./log.ts";
import type { Logger } from "./logger.ts";

/** Numbers that stand alone, and what looks like an id. */
const PASSING =
  /\b(?=[a-f-]*\d)[\da-f][\da-f-]{7,}\b|(?<![\w.-])\d+(?:\.\d+)?/gi;
/** What comes after this is the same for hardly anything. */
const MAX_CAUSE = 300;

/**
 * Writes one warning or error of the same cause in a while; the next tells in
 * `swallowed` how many were kept back. Lines have one cause if they differ in
 * numbers and ids alone.
 */
export class QuietLog implements Log {
  readonly #log: Logger;
  readonly #limit: LineLimit;

  /** @param intervalMs The while, in milliseconds; 0 writes everything. */
  constructor(log: Logger, intervalMs: number, clock: Clock) {
    this.#log = log;
    this.#limit = new LineLimit(intervalMs, clock);
  }

  /** Tells if records of a level are written at all. */
  writes(level: LogLevel): boolean {
    return this.#log.writes(level);
  }

  /** Passes it on. */
  debug(message: string, fields?: Record<string, unknown>): void {
    this.#log.debug(message, fields);
  }

  /** Passes it on. */
  info(message: string, fields?: Record<string, unknown>): void {
    this.#log.info(message, fields);
  }

  /** Writes it, if the last of its cause is long enough ago. */
  warning(message: string, fields?: Record<string, unknown>): void {
    this.#tell("warning", message, fields);
  }

  /** As {@linkcode warning}. */
  error(message: string, fields?: Record<string, unknown>): void {
    this.#tell("error", message, fields);
  }

  #tell(
    level: "warning" | "error",
    message: string,
    fields?: Record<string, unknown>,
  ): void {
    if (!this.writes(level)) return;
    const cause = message.slice(0, MAX_CAUSE).replace(PASSING, "#");
    const more = this.#limit.take(`${level} ${cause}`);
    if (more !== undefined) this.#log[level](message, { ...fields, ...more });
  }
}
