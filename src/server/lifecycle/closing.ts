import type { Clock } from "../../base/clock.ts";
import { waitAtMost } from "../../base/deadline.ts";
import { type Logger, reportFailure } from "../../observe/log/logger.ts";
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

/** Time that answers at the end of the grace have to reach their clients, and the rest to close. */
export const LAST_MS = 1_000;

/** Parts that end with a server. */
export interface ClosingParts {
  readonly info: { readonly name: string };
  readonly clock: Clock;
  readonly log: Logger;
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
 * flight waited for, and then the lifespan closed. What fails to close, or takes
 * longer than the grace and a second, is named in the log and left behind.
 */
export class Closing {
  readonly #parts: ClosingParts;
  readonly #mounted: Closing[] = [];
  #endsAt = 0;
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
    const { clock, dispatcher, info, intake, lifespan, resources } =
      this.#parts;
    this.#endsAt = clock.now() + graceMs + LAST_MS;
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
      await this.#end(
        `extension ${extension.id}`,
        extension[Symbol.asyncDispose]?.(),
      );
    }
    await this.#end(`what ${info.name} holds`, resources.disposeAsync());
    await this.#end(`the lifespan of ${info.name}`, lifespan.close());
    for (const mounted of this.#mounted.toReversed()) {
      await this.#end(
        `the mounted server ${mounted.#parts.info.name}`,
        mounted.close(Math.max(0, this.#leftMs - LAST_MS)),
      );
    }
  }

  get #leftMs(): number {
    return Math.max(0, this.#endsAt - this.#parts.clock.now());
  }

  /** Waits for a part to end, but not beyond the grace. */
  async #end(what: string, ended: PromiseLike<void> | undefined) {
    const { clock, log } = this.#parts;
    try {
      const done = Promise.resolve(ended);
      if (await waitAtMost(done, this.#leftMs, { clock })) return;
      log.warning(`${what} does not close, and is left behind`);
    } catch (error) {
      reportFailure(log, `closing ${what}`, error);
    }
  }
}
