import { thrownText } from "../../base/thrown.ts";
import {
  type HealthCheckable,
  isHealthCheckable,
} from "../../observe/health/health_checkable.ts";
import type { HealthOutcome } from "../../observe/health/health_check.ts";
import type { Clock } from "../../base/clock.ts";
import { stuckThreads } from "../../pool/worker/stuck_threads.ts";
import type { Logger } from "../../observe/log/logger.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import type { Lifespan } from "./lifespan.ts";

/** State of a server: if it takes requests, and why not. */
export type ServingState =
  | "ready"
  | "starting"
  | "failed"
  | "draining"
  /** A thread computes on and can't be ended, by which it slows everything down. */
  | "stuck";

/** Time that probes leave a lifespan alone which failed to open. */
const RETRY_MS = 1_000;

/** Parts that readiness is told by. */
export interface ReadinessOptions {
  readonly clock: Clock;
  readonly lifespan: Lifespan;
  readonly log: Logger;
}

/** Knows whether the server takes requests; asking opens what isn't open yet. */
export class Readiness implements HealthCheckable {
  readonly #clock: Clock;
  readonly #lifespan: Lifespan;
  readonly #log: Logger;
  #draining = false;
  #closing = false;
  #opening = false;
  #failure: { error: unknown; at: number } | undefined;

  constructor({ clock, lifespan, log }: ReadinessOptions) {
    this.#clock = clock;
    this.#lifespan = lifespan;
    this.#log = log;
  }

  /** True if requests should go elsewhere: every answer ends its connection. */
  get draining(): boolean {
    return this.#draining || this.#closing;
  }

  /** True if no new work is taken. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Takes no new work from now on. */
  close(): void {
    this.#closing = true;
  }

  /** Says from now on that requests should go elsewhere; those that come are served. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Tells the state, and opens the lifespan: where no one calls `serve`, as
   * under `deno serve`, nothing else would before the first request.
   */
  probe(): ServingState {
    if (this.draining) return "draining";
    if (this.#lifespan.ready) {
      this.#failure = undefined;
      return stuckThreads.size > 0 ? "stuck" : "ready";
    }
    void this.#open();
    return this.#failure === undefined ? "starting" : "failed";
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    if (this.#failure && this.#clock.now() - this.#failure.at < RETRY_MS) {
      return;
    }
    this.#opening = true;
    try {
      await this.#lifespan.start();
    } catch (error) {
      this.#failure = { error, at: this.#clock.now() };
      reportFailure(this.#log, "opening the lifespan", error);
    } finally {
      this.#opening = false;
    }
  }

  /** The lifespan's own check; its value may have more to say. */
  checkHealth(signal?: AbortSignal): HealthOutcome | Promise<HealthOutcome> {
    const state = this.probe();
    if (state === "failed") {
      const message = thrownText(this.#failure!.error);
      return { status: "unhealthy", message };
    }
    if (state !== "ready") return { status: "degraded", message: state };
    const { value } = this.#lifespan;
    return isHealthCheckable(value) ? value.checkHealth(signal) : "healthy";
  }
}
