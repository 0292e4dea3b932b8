import { type Permit, Semaphore } from "../limit/semaphore.ts";
import { HttpCircuit } from "./http_circuit.ts";
import {
  HttpCircuitOpenError,
  HttpFailedError,
  HttpTimeoutError,
} from "./http_errors.ts";
import type { HttpCircuitOptions, HttpPoolSettings } from "./http_options.ts";

/** What an {@linkcode HttpPool} knows of one origin. */
export interface HttpOriginStats {
  /** How many requests run now. */
  active: number;
  /** How many wait for their turn. */
  waiting: number;
  /** Whether requests are let through. */
  circuit: "closed" | "open" | "half-open";
}

/** One origin: who may talk to it, and whether it is worth while. */
export class HttpOrigin {
  readonly #origin: string;
  readonly #settings: HttpPoolSettings;
  readonly #semaphore: Semaphore;
  #loading: Promise<HttpCircuit> | undefined;
  #circuit: HttpCircuit | undefined;
  #heardAtMs = -Infinity;

  constructor(origin: string, settings: HttpPoolSettings) {
    const { maxPerOrigin, maxWaiting, queueTimeoutMs, clock } = settings;
    this.#origin = origin;
    this.#settings = settings;
    this.#semaphore = new Semaphore(maxPerOrigin, {
      name: origin,
      maxWaiting,
      acquireTimeoutMs: queueTimeoutMs,
      clock,
    });
  }

  /** Waits for the right to talk to it. */
  acquire(signal: AbortSignal): Promise<Permit> {
    return this.#semaphore.acquire({ signal });
  }

  /** Sends a request past the circuit. */
  async send(url: string, send: () => Promise<Response>): Promise<Response> {
    const { circuit, clock } = this.#settings;
    if (circuit !== false && this.#circuit === undefined) {
      this.#circuit = await (this.#loading ??= this.#makeCircuit(circuit));
    }
    const response = await (this.#circuit?.run(url, send) ?? send());
    this.#heardAtMs = clock.now();
    return response;
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
    const { active, waiting } = this.#semaphore.stats;
    return { active, waiting, circuit: this.#circuit?.state ?? "closed" };
  }

  #makeCircuit(
    options: Required<HttpCircuitOptions>,
  ): Promise<HttpCircuit> {
    const { onCircuitChange } = this.#settings;
    return HttpCircuit.create(options, {
      isFailure: (error) =>
        error instanceof HttpFailedError || error instanceof HttpTimeoutError,
      onRefused: (url) => new HttpCircuitOpenError(url, this.#origin),
      onChange: (state) => onCircuitChange?.(this.#origin, state),
    });
  }
}
