/** How a measure behaves: it only grows, or it goes up and down. */
export type MeasureType = "counter" | "gauge";

/** One figure that an instrument gives. */
export interface Measure {
  /** Whether it only grows. */
  readonly type: MeasureType;
  /** One sentence for the operator. */
  readonly help: string;
}

/** What all instruments of one kind give: their measures by name. */
export interface InstrumentKind<Name extends string = string> {
  /** Such as `cache`; part of the metrics' names. */
  readonly kind: string;
  /** In the order in which they are shown. */
  readonly measures: Readonly<Record<Name, Measure>>;
}

/** The figures of one instrument, or of one part of it. */
export interface InstrumentReading<Name extends string = string> {
  /** Which instrument this is; `name` is always there. */
  readonly labels: Readonly<Record<string, string>>;
  /** The figures by measure. */
  readonly values: Readonly<Record<Name, number>>;
}

/** All readings of one kind. */
export interface KindReadings {
  /** What the values mean. */
  readonly kind: InstrumentKind;
  /** One for each set of labels; equally labelled instruments are added up. */
  readonly readings: readonly InstrumentReading[];
}

/** Reads an object's figures; its name is added to the labels. */
export type InstrumentReader<Owner extends object, Name extends string> = (
  owner: Owner,
) =>
  | Readonly<Record<Name, number>>
  | readonly InstrumentReading<Name>[];

/** How many sets of labels a kind may have; the others are added up as one. */
const MAX_LABEL_SETS = 256;

/** The name that instruments beyond {@linkcode MAX_LABEL_SETS} share. */
const OTHERS = "others";

interface Tracked {
  readonly kind: InstrumentKind;
  readonly name: string;
  readonly owner: WeakRef<object>;
  readonly read: InstrumentReader<object, string>;
}

/**
 * Every cache, pool, batcher, limiter and circuit of the process, held weakly.
 * What has been closed still counts in the sums of its name, so that counters
 * don't go back.
 */
export class Instruments {
  readonly #tracked: Set<Tracked> = new Set();
  readonly #retired: Map<InstrumentKind, LabelledSums> = new Map();
  readonly #lost: FinalizationRegistry<Tracked> = new FinalizationRegistry(
    (tracked) => this.#tracked.delete(tracked),
  );

  /**
   * Shows an object's figures until it is closed or collected.
   *
   * @returns what to call when the object is closed
   */
  track<Owner extends object, Name extends string>(
    kind: InstrumentKind<Name>,
    name: string,
    owner: Owner,
    read: InstrumentReader<Owner, Name>,
  ): () => void {
    const tracked: Tracked = {
      kind,
      name,
      owner: new WeakRef(owner),
      read: read as InstrumentReader<object, string>,
    };
    this.#tracked.add(tracked);
    this.#lost.register(owner, tracked, tracked);
    return () => this.#retire(tracked);
  }

  #retire(tracked: Tracked): void {
    if (!this.#tracked.delete(tracked)) return;
    this.#lost.unregister(tracked);
    const sums = this.#retired.get(tracked.kind) ??
      new LabelledSums(tracked.kind);
    this.#retired.set(tracked.kind, sums);
    for (const reading of readingsOf(tracked)) sums.addCounters(reading);
  }

  /** The figures of all that exists, by kind. */
  read(): KindReadings[] {
    const sums = new Map<InstrumentKind, LabelledSums>();
    for (const [kind, retired] of this.#retired) sums.set(kind, retired.copy());
    for (const tracked of this.#tracked) {
      const { kind } = tracked;
      const ofKind = sums.get(kind) ?? new LabelledSums(kind);
      sums.set(kind, ofKind);
      for (const reading of readingsOf(tracked)) ofKind.add(reading);
    }
    return Array.from(
      sums,
      ([kind, ofKind]) => ({ kind, readings: ofKind.readings }),
    );
  }
}

/** The process's own. */
export const instruments: Instruments = new Instruments();

function readingsOf({ name, owner, read }: Tracked): InstrumentReading[] {
  const alive = owner.deref();
  if (alive === undefined) return [];
  const seen = read(alive);
  return Array.isArray(seen)
    ? seen.map(({ labels, values }) => ({
      labels: { name, ...labels },
      values,
    }))
    : [{ labels: { name }, values: seen as Record<string, number> }];
}

/** Adds up what bears the same labels. */
class LabelledSums {
  readonly #kind: InstrumentKind;
  readonly #sums: Map<string, InstrumentReading> = new Map();

  constructor(kind: InstrumentKind) {
    this.#kind = kind;
  }

  get readings(): InstrumentReading[] {
    return [...this.#sums.values()];
  }

  copy(): LabelledSums {
    const copy = new LabelledSums(this.#kind);
    for (const reading of this.#sums.values()) copy.add(reading);
    return copy;
  }

  add(reading: InstrumentReading): void {
    this.#addWhere(reading, () => true);
  }

  /** What is gone holds nothing any more, but what it did stays done. */
  addCounters(reading: InstrumentReading): void {
    this.#addWhere(reading, ({ type }) => type === "counter");
  }

  #addWhere(
    { labels, values }: InstrumentReading,
    counts: (measure: Measure) => boolean,
  ): void {
    const sum = this.#sumOf(labels).values as Record<string, number>;
    for (const [name, measure] of Object.entries(this.#kind.measures)) {
      sum[name] = (sum[name] ?? 0) + (counts(measure) ? values[name] ?? 0 : 0);
    }
  }

  #sumOf(labels: Readonly<Record<string, string>>): InstrumentReading {
    const key = JSON.stringify(labels);
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    if (this.#sums.size >= MAX_LABEL_SETS && labels.name !== OTHERS) {
      return this.#sumOf({ name: OTHERS });
    }
    const fresh = { labels, values: {} };
    this.#sums.set(key, fresh);
    return fresh;
  }
}
