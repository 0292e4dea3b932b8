import { SluiceError } from "../../base/errors.ts";

/** Why a worker could not do what it was asked. */
export type WorkerFailure =
  /** It could not be started: its module, a permission. */
  | "not_started"
  /** Something beside the call threw: a timer, a promise that nobody awaits. */
  | "crashed"
  /** It ended by itself, as `Deno.exit()` does. */
  | "exited"
  /** Its heap was full. */
  | "out_of_memory"
  /** The arguments or the result can't be copied from one thread to another. */
  | "not_cloneable";

/** What happened, in words, by the kind of failure. */
const SAID: Readonly<Record<WorkerFailure, string>> = {
  not_started: "can't be started",
  crashed: "crashed",
  exited: "ended by itself",
  out_of_memory: "ran out of memory",
  not_cloneable: "was given, or gave, what can't be copied between threads",
};

/**
 * A worker could not do what it was asked, through no doing of its function:
 * what that throws comes as it is.
 */
export class WorkerError extends SluiceError {
  /** The class, by name. */
  override readonly name = "WorkerError";
  /** Branch on this, not on the message. */
  readonly failure: WorkerFailure;
  /** What the system or the thrown error had to say of it. */
  readonly detail: string;

  /** Names the pool, and says what went wrong. */
  constructor(
    failure: WorkerFailure,
    what: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super("SLUICE_WORKER", `${what} ${SAID[failure]}: ${detail}`, options);
    this.failure = failure;
    this.detail = detail;
  }
}
