import { type Permit, Semaphore } from "../../limit/semaphore.ts";
import { circuitKind } from "../../limit/circuit_kind.ts";
import { instruments } from "../../observe/instruments.ts";
import { HttpCircuit } from "./http_circuit.ts";
import {
  HttpCircuitOpenError,
  HttpFailedError,
  HttpTimeoutError,
} from "./http_errors.ts";
import {
  httpCircuitValues,
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
  #loading: Promise<HttpCircuit> | undefined;
  #circuit: HttpCircuit | undefined;
  #heardAtMs = -Infinity;
  #requests = 0;
  #failures = 0;
  #opened = 0;
  #refused = 0;
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
      this.#untrack.push(
        instruments.track(circuitKind, labels, this, httpCircuitValues),
      );
    }
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
    const attempt = (): Promise<Response> => {
      this.#requests++;
      return send();
    };
    try {
      const response = await (this.#circuit?.run(url, attempt) ?? attempt());
      this.#heardAtMs = clock.now();
      if (response.status >= 500) this.#failures++;
      return response;
    } catch (error) {
      if (isFailure(error)) this.#failures++;
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
    const { active, waiting } = this.#semaphore.stats;
    return {
      active,
      waiting,
      circuit: this.#circuit?.state ?? "closed",
      requests: this.#requests,
      failures: this.#failures,
      opened: this.#opened,
      refused: this.#refused,
    };
  }

  /** Its figures are no longer shown. */
  close(): void {
    for (const untrack of this.#untrack) untrack();
  }

  #makeCircuit(
    options: Required<HttpCircuitOptions>,
  ): Promise<HttpCircuit> {
    const { onCircuitChange } = this.#settings;
    return HttpCircuit.create(options, {
      isFailure,
      onRefused: (url) => {
        this.#refused++;
        return new HttpCircuitOpenError(url, this.#origin);
      },
      onChange: (state) => {
        if (state === "open") this.#opened++;
        onCircuitChange?.(this.#origin, state);
      },
    });
  }
}

/** Whether an error is the origin's fault. */
function isFailure(error: unknown): boolean {
  return error instanceof HttpFailedError || error instanceof HttpTimeoutError;
}
