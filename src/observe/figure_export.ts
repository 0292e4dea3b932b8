import type { KindReadings } from "./instruments.ts";
import { LIBRARY } from "./telemetry.ts";
import type {
  BatchObserverLike,
  MeterLike,
  MeterProviderLike,
  ObservableLike,
} from "./telemetry_api.ts";

/** Always watched, so that new kinds are seen. */
const UPTIME = "process.uptime";

/** Reads figures by kind, as `instruments.read()` does. */
export type FigureReader = () => readonly KindReadings[];

/**
 * Gives figures to OpenTelemetry as `sluice.<kind>.<measure>`, read whenever it
 * collects. A kind that turns up later is exported from the next time on.
 */
export class FigureExport implements Disposable {
  readonly #meter: MeterLike;
  readonly #read: FigureReader;
  readonly #observables: Map<string, ObservableLike> = new Map();
  readonly #observe = (observer: BatchObserverLike): void =>
    this.#give(observer);
  #watched: ObservableLike[] = [];
  #ended = false;

  constructor(provider: MeterProviderLike, read: FigureReader) {
    this.#meter = provider.getMeter(LIBRARY);
    this.#read = read;
    this.#observables.set(
      UPTIME,
      this.#meter.createObservableGauge(UPTIME, {
        description: "How long the process runs.",
        unit: "s",
      }),
    );
    this.#meet(read());
  }

  /** Makes an instrument of each measure that has none, and has all watched. */
  #meet(kinds: readonly KindReadings[]): void {
    for (const { kind: { kind, measures } } of kinds) {
      for (const [measure, { type, help }] of Object.entries(measures)) {
        const name = `sluice.${kind}.${measure}`;
        if (this.#observables.has(name)) continue;
        const options = { description: help };
        this.#observables.set(
          name,
          type === "counter"
            ? this.#meter.createObservableCounter(name, options)
            : this.#meter.createObservableGauge(name, options),
        );
      }
    }
    if (this.#ended || this.#watched.length === this.#observables.size) return;
    this.#unwatch();
    this.#watched = [...this.#observables.values()];
    this.#meter.addBatchObservableCallback(this.#observe, this.#watched);
  }

  #give(observer: BatchObserverLike): void {
    observer.observe(
      this.#observables.get(UPTIME)!,
      performance.now() / 1_000,
    );
    const kinds = this.#read();
    for (const { kind: { kind, measures }, readings } of kinds) {
      for (const measure of Object.keys(measures)) {
        const observable = this.#observables.get(`sluice.${kind}.${measure}`);
        if (observable === undefined) continue;
        for (const { labels, values } of readings) {
          const value = values[measure];
          if (Number.isFinite(value)) {
            observer.observe(observable, value, labels);
          }
        }
      }
    }
    // Not while the callbacks are being called, or this one is called again.
    queueMicrotask(() => this.#meet(kinds));
  }

  /** Gives nothing any more. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#unwatch();
  }

  #unwatch(): void {
    if (this.#watched.length === 0) return;
    this.#meter.removeBatchObservableCallback(this.#observe, this.#watched);
    this.#watched = [];
  }
}

const shared = new Map<
  MeterProviderLike,
  { readonly exporter: FigureExport; users: number }
>();

/**
 * Exports what belongs to the process, once, however many servers ask for it.
 *
 * @returns how to take the request back
 */
export function shareFigureExport(
  provider: MeterProviderLike,
  read: FigureReader,
): () => void {
  const entry = shared.get(provider) ??
    { exporter: new FigureExport(provider, read), users: 0 };
  shared.set(provider, entry);
  entry.users++;
  return () => {
    if (--entry.users > 0) return;
    shared.delete(provider);
    entry.exporter[Symbol.dispose]();
  };
}
