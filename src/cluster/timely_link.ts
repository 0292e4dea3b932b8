import type { Clock } from "../base/clock.ts";
import { TimeoutError, UnavailableError } from "../base/errors.ts";
import { ReplyDeadlines } from "../redis/reply_deadlines.ts";
import type { ProcessLink } from "./process_link.ts";

/** The time that an answer may take, in milliseconds: a shared Redis has as much. */
const ANSWER_MS = 1_000;

/** Asks by a link, for as long as callers should wait: one end may be halted. */
export class TimelyLink implements Pick<ProcessLink, "ask"> {
  readonly #link: Pick<ProcessLink, "ask">;
  readonly #deadlines: ReplyDeadlines;

  constructor(link: Pick<ProcessLink, "ask">, clock: Clock) {
    this.#link = link;
    this.#deadlines = new ReplyDeadlines(clock, ANSWER_MS);
  }

  /**
   * Asks something.
   *
   * @throws {UnavailableError} if no answer came in time, or none can come
   * @throws {Error} with the text, and the `data`, of what the other end threw
   */
  ask(topic: string, body?: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const pending = this.#deadlines.add(() => {
        const late = new TimeoutError("an answer", ANSWER_MS);
        reject(
          new UnavailableError("the supervisor", late.message, { cause: late }),
        );
      });
      this.#link.ask(topic, body)
        .finally(() => pending.done = true)
        .then(resolve, reject);
    });
  }
}
