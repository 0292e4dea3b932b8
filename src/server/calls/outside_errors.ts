import type { Log } from "../../observe/log/log.ts";
import { reportFailure } from "../../observe/log/logger.ts";

/** Errors outside any request: for the log, and for the author. */
export class OutsideErrors {
  /** The author's listener. */
  listener: ((error: Error) => void) | undefined;
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Tells both. */
  report(what: string, error: unknown): void {
    reportFailure(this.#log, what, error);
    this.mention(error);
  }

  /** Tells the author alone, of what is no fault of the server's. */
  mention(error: unknown): void {
    try {
      this.listener?.(
        error instanceof Error ? error : new Error(String(error)),
      );
    } catch (failure) {
      reportFailure(this.#log, "onerror", failure);
    }
  }
}
