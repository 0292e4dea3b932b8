import { thrownText } from "../base/thrown.ts";
import {
  type HealthCheckable,
  isHealthCheckable,
} from "../observe/health/health_checkable.ts";
import type { HealthOutcome } from "../observe/health/health_check.ts";
import type { Engine } from "./engine.ts";

/** Whether a server takes requests, and why not. */
export type ServingState = "ready" | "starting" | "failed" | "draining";

/** How long a lifespan that failed to open is left alone by probes. */
const RETRY_MS = 1_000;

/** Knows whether the server takes requests; asking opens what isn't open yet. */
export class Readiness implements HealthCheckable {
  readonly #engine: Engine;
  #draining = false;
  #opening = false;
  #failure: { error: unknown; at: number } | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Says from now on that requests should go elsewhere; those that come are served. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Where no one calls `serve`, as under `deno serve`, nothing else would open
   * the lifespan before the first request.
   */
  probe(): ServingState {
    if (this.#draining || this.#engine.closing) return "draining";
    if (this.#engine.ready) {
      this.#failure = undefined;
      return "ready";
    }
    void this.#open();
    return this.#failure === undefined ? "starting" : "failed";
  }

  async #open(): Promise<void> {
    const { clock } = this.#engine;
    if (this.#opening) return;
    if (this.#failure && clock.now() - this.#failure.at < RETRY_MS) return;
    this.#opening = true;
    try {
      await this.#engine.start();
    } catch (error) {
      this.#failure = { error, at: clock.now() };
      this.#engine.reportFailure("opening the lifespan", error, {});
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
    const { value } = this.#engine.lifespan;
    return isHealthCheckable(value) ? value.checkHealth(signal) : "healthy";
  }
}
