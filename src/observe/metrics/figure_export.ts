import type {
  BatchObservableResult,
  Meter,
  MeterProvider,
  Observable,
} from "@opentelemetry/api";
import type { Figure } from "./figure.ts";
import { LIBRARY } from "../trace/telemetry.ts";

/** Reads figures as they stand now; of the same names at least, each time. */
export type FigureReader = () => readonly Figure[];

/**
 * Gives figures to OpenTelemetry, read whenever it collects. One of a new name
 * is exported from the next time on.
 */
export class FigureExport implements Disposable {
  readonly #meter: Meter;
  readonly #read: FigureReader;
  readonly #observables: Map<string, Observable> = new Map();
  readonly #observe = (observer: BatchObservableResult): void =>
    this.#give(observer);
  #watched: Observable[] = [];
  #ended = false;

  constructor(provider: MeterProvider, read: FigureReader) {
    this.#meter = provider.getMeter(LIBRARY);
    this.#read = read;
    this.#meet(read());
  }

  /** Makes an observable of each figure that has none, and has all watched. */
  #meet(figures: readonly Figure[]): void {
    if (this.#ended) return;
    for (const { name, type, unit, help } of figures) {
      if (this.#observables.has(name)) continue;
      const options = { description: help, ...(unit && { unit }) };
      this.#observables.set(
        name,
        type === "counter"
          ? this.#meter.createObservableCounter(name, options)
          : this.#meter.createObservableGauge(name, options),
      );
    }
    if (this.#watched.length === this.#observables.size) return;
    this.#unwatch();
    this.#watched = [...this.#observables.values()];
    this.#meter.addBatchObservableCallback(this.#observe, this.#watched);
  }

  #give(observer: BatchObservableResult): void {
    const figures = this.#read();
    for (const { name, points } of figures) {
      const observable = this.#observables.get(name);
      if (observable === undefined) continue;
      for (const { value, attributes } of points) {
        if (typeof value === "number" && Number.isFinite(value)) {
          observer.observe(observable, value, attributes);
        }
      }
    }
    // Not while the callbacks are being called, or this one is called again.
    queueMicrotask(() => this.#meet(figures));
  }

  #unwatch(): void {
    if (this.#watched.length === 0) return;
    this.#meter.removeBatchObservableCallback(this.#observe, this.#watched);
    this.#watched = [];
  }

  /** Gives nothing any more. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#unwatch();
  }
}

const shared = new Map<
  MeterProvider,
  { readonly exporter: FigureExport; users: number }
>();

/**
 * Exports what belongs to the process, once, however many servers ask for it.
 *
 * @returns how to take the request back
 */
export function shareFigureExport(
  provider: MeterProvider,
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
