import { safeText } from "../../observe/log/log_fields.ts";
import type { FailureKind } from "./failure_kind.ts";

/** The most that is kept. */
const CAPACITY = 20;
/** The most that is kept of what an error says, in characters. */
const MAX_MESSAGE = 500;

/** A call that failed, or took too long. */
export interface TroubledCall {
  /** The time at which it ended, in ISO 8601. */
  readonly time: string;
  /** The id that the log has of it. */
  readonly call: string;
  /** The tool, prompt or resource, or else the method. */
  readonly name: string;
  /** The way in which it failed; absent if it was only slow. */
  readonly failure?: FailureKind;
  /** The error's text, as the log has it. */
  readonly message?: string;
  /** The time that it took, in milliseconds. */
  readonly tookMs: number;
  /** Set if that was more than it may. */
  readonly slow: boolean;
}

/** The last calls that failed or were slow, and no arguments of theirs. */
export class RecentTrouble {
  readonly #calls: TroubledCall[] = [];

  /** Keeps one more, in place of the oldest. */
  add({ message, ...call }: TroubledCall): void {
    this.#calls.unshift({
      ...call,
      ...(message !== undefined && { message: safeText(message, MAX_MESSAGE) }),
    });
    if (this.#calls.length > CAPACITY) this.#calls.pop();
  }

  /** Lists them, the latest first. */
  list(): readonly TroubledCall[] {
    return this.#calls;
  }
}
