import { type Permit, Semaphore } from "../../limit/semaphore.ts";
import { Circuit, circuitKind, circuitValues } from "../../limit/circuit.ts";
import { instruments } from "../../observe/instruments.ts";
import {
  HttpCircuitOpenError,
  HttpFailedError,
  HttpTimeoutError,
} from "./http_errors.ts";
import {
  httpOriginKind,
  type HttpOriginStats,
  httpOriginValues,
} from "./http_stats.ts";
import type {
  HttpCircuitOptions,
  HttpPoolSettings,
} from "./http_pool_options.ts";

/** One origin: who may talk to it, and whether it is worth while. */
export class HttpOrigin {
  readonly #origin: string;
  readonly #settings: HttpPoolSettings;
  readonly #semaphore: Semaphore;
  readonly #circuit: Circuit | undefined;
  #heardAtMs = -Infinity;
  #requests = 0;
  #failures = 0;
  readonly #untrack: (() => void)[];

  constructor(origin: string, settings: HttpPoolSettings) {
    const { maxPerOrigin, maxWaiting, queueTimeoutMs, clock } = settings;
    this.#origin = origin;
    this.#settings = settings;
    this.#semaphore = instruments.part(() =>
      new Semaphore(maxPerOrigin, {
        name: origin,
        maxWaiting,
        acquireTimeoutMs: queueTimeoutMs,
        clock,
      })
    );
    const labels = { name: settings.name, origin };
    this.#untrack = [
      instruments.track(httpOriginKind, labels, this, httpOriginValues),
    ];
    if (settings.circuit !== false) {
      this.#circuit = new Circuit({
        ...settings.circuit,
        clock,
        onChange: (state) => settings.onCircuitChange?.(origin, state),
      });
      this.#untrack.push(
        instruments.track(
          circuitKind,
          labels,
          this.#circuit,
          ({ stats }) => circuitValues(stats),
        ),
      );
    }
  }

  /** Waits for the right to talk to it. */
  acquire(signal: AbortSignal): Promise<Permit> {
    return this.#semaphore.acquire({ signal });
  }

  /**
   * Sends a request past the circuit.
   *
   * @throws {HttpCircuitOpenError} when it is left alone.
   */
  async send(url: string, send: () => Promise<Response>): Promise<Response> {
    const admission = this.#circuit?.enter();
    if (this.#circuit !== undefined && admission === undefined) {
      throw new HttpCircuitOpenError(url, this.#origin);
    }
    this.#requests++;
    try {
      const response = await send();
      this.#heardAtMs = this.#settings.clock.now();
      const failed = response.status >= 500;
      if (failed) this.#failures++;
      admission?.end(failed ? "failure" : "success");
      return response;
    } catch (error) {
      const failed = isFailure(error);
      if (failed) this.#failures++;
      admission?.end(failed ? "failure" : "unknown");
      throw error;
    }
  }

  /** Whether it answered so lately that its connections may still be open. */
  get isWarm(): boolean {
    const { keepAliveMs, clock } = this.#settings;
    return clock.now() - this.#heardAtMs < keepAliveMs;
  }

  /** Whether forgetting it loses nothing. */
  get isIdle(): boolean {
    const { active, waiting, circuit } = this.stats;
    return active + waiting === 0 && circuit === "closed";
  }

  get stats(): HttpOriginStats {
    const circuit = this.#circuit?.stats;
    const { active, waiting } = this.#semaphore.stats;
    return {
      active,
      waiting,
      circuit: circuit?.state ?? "closed",
      requests: this.#requests,
      failures: this.#failures,
      opened: circuit?.opened ?? 0,
      refused: circuit?.refused ?? 0,
    };
  }

  /** Its figures are no longer shown. */
  close(): void {
    for (const untrack of this.#untrack) untrack();
  }
}

/** Whether an error is the origin's fault. */
function isFailure(error: unknown): boolean {
  return error instanceof HttpFailedError || error instanceof HttpTimeoutError;
}
