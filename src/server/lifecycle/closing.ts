import type { Clock } from "../../base/clock.ts";
import type { Dispatcher } from "../calls/dispatcher.ts";
import type { Intake } from "../calls/intake.ts";
import type { Subscriptions } from "../changes/subscriptions.ts";
import type { Extension } from "../extension.ts";
import type { Session } from "../sessions/session.ts";
import type { TasksExtension } from "../tasks/tasks_extension.ts";
import type { Lifespan } from "./lifespan.ts";
import type { Readiness } from "./readiness.ts";

/** Time that a shutdown waits for calls in flight, in milliseconds. */
export const DEFAULT_GRACE_MS = 10_000;

/** Parts that end with a server. */
export interface ClosingParts {
  readonly clock: Clock;
  readonly readiness: Readiness;
  readonly subscriptions: Subscriptions;
  readonly health: { close(): void };
  readonly tasks: TasksExtension;
  readonly admission: { close(): void };
  readonly dispatcher: Dispatcher;
  readonly sessions: ReadonlySet<Session>;
  readonly intake: Intake;
  readonly watchdog: { close(): Promise<void> } | undefined;
  readonly extensions: readonly Extension[];
  /** Resources that are closed once the last call has finished. */
  readonly resources: AsyncDisposableStack;
  readonly lifespan: Lifespan;
}

/**
 * Ends a server in good order: subscriptions are told, tasks called off, calls in
 * flight waited for, and then the lifespan closed.
 */
export class Closing {
  readonly #parts: ClosingParts;
  readonly #mounted: Closing[] = [];
  #closed: Promise<void> | undefined;

  constructor(parts: ClosingParts) {
    this.#parts = parts;
  }

  /** Closes another server after this one. */
  mount(other: Closing): void {
    this.#mounted.push(other);
  }

  /** @param graceMs how long calls may take to finish before they are given up */
  close(graceMs: number = DEFAULT_GRACE_MS): Promise<void> {
    return this.#closed ??= this.#close(graceMs);
  }

  async #close(graceMs: number): Promise<void> {
    const { clock, dispatcher, intake, lifespan, resources } = this.#parts;
    this.#parts.readiness.close();
    this.#parts.subscriptions.close();
    this.#parts.health.close();
    const timer = clock.setTimeout(() => dispatcher.giveUp(graceMs), graceMs);
    await Promise.all([this.#parts.tasks.close(graceMs), dispatcher.idle()]);
    clock.clearTimeout(timer);
    for (const session of [...this.#parts.sessions]) {
      intake.closeSession(session, "the server is shutting down");
    }
    this.#parts.admission.close();
    await this.#parts.watchdog?.close();
    for (const extension of this.#parts.extensions) {
      await extension[Symbol.asyncDispose]?.();
    }
    await resources.disposeAsync();
    await lifespan.close();
    for (const mounted of this.#mounted.toReversed()) await mounted.close();
  }
}
