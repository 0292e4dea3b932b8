/** The behaviour of a measure: it only grows, or it goes up and down. */
export type MeasureType = "counter" | "gauge";

/** One figure that an instrument gives. */
export interface Measure {
  readonly type: MeasureType;
  /** One sentence for the operator. */
  readonly help: string;
}

/** A kind of instruments: what each of them gives, by name. */
export interface InstrumentKind<Name extends string = string> {
  /** Such as `cache`; part of the metrics' names. */
  readonly kind: string;
  /** In the order in which they are shown. */
  readonly measures: Readonly<Record<Name, Measure>>;
}

/** The labels of an instrument. */
export interface InstrumentLabels {
  /** The name that its owner gives it. */
  readonly name: string;
  /** Anything else that tells it from others of its kind. */
  readonly [label: string]: string;
}

/** Figures by measure; what doesn't apply is left out. */
export type InstrumentValues<Name extends string = string> = Readonly<
  Partial<Record<Name, number>>
>;

/** The figures of one instrument. */
export interface InstrumentReading {
  /** The instrument's own. */
  readonly labels: InstrumentLabels;
  /** Its figures. */
  readonly values: InstrumentValues;
}

/** All readings of one kind. */
export interface KindReadings {
  /** The meaning of the values. */
  readonly kind: InstrumentKind;
  /** One for each set of labels; equally labelled instruments are added up. */
  readonly readings: readonly InstrumentReading[];
}

/** A measure that only grows, and what else is said of it. */
export function counter<const Extra extends object = Measure>(
  help: string,
  extra?: Extra,
): Measure & Extra {
  return { type: "counter", help, ...extra } as Measure & Extra;
}

/** A measure that goes up and down, and what else is said of it. */
export function gauge<const Extra extends object = Measure>(
  help: string,
  extra?: Extra,
): Measure & Extra {
  return { type: "gauge", help, ...extra } as Measure & Extra;
}

/** The most sets of labels of a kind; the others are added up as one. */
const MAX_LABEL_SETS = 256;

/** The value of all labels beyond {@linkcode MAX_LABEL_SETS}. */
const OTHERS = "others";

/**
 * Every cache, pool, batcher, limiter and circuit of the process, held weakly.
 * What is gone still counts in the sums of its labels, so that counters don't
 * go back.
 */
export class Instruments {
  readonly #kinds: Map<InstrumentKind, Map<string, Series>> = new Map();
  readonly #collected: FinalizationRegistry<Tracked> = new FinalizationRegistry(
    (tracked) => tracked.series.retire(tracked),
  );
  readonly #shown: WeakMap<object, Tracked[]> = new WeakMap();

  /**
   * Shows an object's figures until it is closed or collected. The reader is
   * called when somebody looks; it must not hold the object.
   *
   * @returns what to call when the object is closed
   */
  track<Owner extends object, Name extends string>(
    kind: InstrumentKind<Name>,
    labels: InstrumentLabels,
    owner: Owner,
    read: (owner: Owner) => InstrumentValues<Name>,
  ): () => void {
    const series = this.#seriesOf(kind, labels);
    const tracked = new Tracked(series, owner, read as ReadFigures);
    series.tracked.add(tracked);
    this.#collected.register(owner, tracked, tracked);
    this.#shown.set(owner, [...this.#shown.get(owner) ?? [], tracked]);
    return () => {
      if (series.retire(tracked)) this.#collected.unregister(tracked);
    };
  }

  /**
   * Shows a new object's figures no more, as if they had never been shown: it is
   * part of a larger thing, which shows the figures of both.
   *
   * @returns the object
   */
  withdraw<Part extends object>(part: Part): Part {
    for (const tracked of this.#shown.get(part) ?? []) {
      this.#collected.unregister(tracked);
      tracked.series.tracked.delete(tracked);
    }
    this.#shown.delete(part);
    this.#dropUnused();
    return part;
  }

  /** Nothing is to be seen of what was never shown, not even its name. */
  #dropUnused(): void {
    for (const [kind, ofKind] of this.#kinds) {
      for (const [key, series] of ofKind) {
        if (series.isUnused) ofKind.delete(key);
      }
      if (ofKind.size === 0) this.#kinds.delete(kind);
    }
  }

  /** The figures of all that exists, by kind. */
  read(): KindReadings[] {
    return Array.from(this.#kinds, ([kind, allSeries]) => ({
      kind,
      readings: Array.from(allSeries.values(), (series) => series.read())
        .filter(({ values }) => Object.keys(values).length > 0),
    }));
  }

  /** First come first served, and for good: a series never changes its meaning. */
  #seriesOf(kind: InstrumentKind, labels: InstrumentLabels): Series {
    let ofKind = this.#kinds.get(kind);
    if (ofKind === undefined) this.#kinds.set(kind, ofKind = new Map());
    const own = Object.values(labels).join("\0");
    const isOther = !ofKind.has(own) && ofKind.size >= MAX_LABEL_SETS;
    const key = isOther ? OTHERS : own;
    let series = ofKind.get(key);
    if (series === undefined) {
      series = new Series(kind, isOther ? othersLike(labels) : labels);
      ofKind.set(key, series);
    }
    return series;
  }
}

/** The process's own. */
export const instruments: Instruments = new Instruments();

type ReadFigures = (owner: object) => InstrumentValues;

/** One object whose figures are shown. */
class Tracked {
  readonly series: Series;
  readonly #owner: WeakRef<object>;
  readonly #read: ReadFigures;
  #counters: InstrumentValues = {};

  constructor(series: Series, owner: object, read: ReadFigures) {
    this.series = series;
    this.#owner = new WeakRef(owner);
    this.#read = read;
  }

  /** Reads the figures, or else gives the counters as they were last. */
  read(): InstrumentValues {
    const owner = this.#owner.deref();
    if (owner === undefined) return this.#counters;
    try {
      const values = this.#read(owner);
      this.#counters = this.series.countersOf(values);
      return values;
    } catch {
      return this.#counters;
    }
  }
}

/** Adds up the figures of all instruments that bear the same labels. */
class Series {
  readonly #kind: InstrumentKind;
  readonly #labels: InstrumentLabels;
  readonly tracked: Set<Tracked> = new Set();
  /** Counters of those that are gone. */
  #done: InstrumentValues = {};

  constructor(kind: InstrumentKind, labels: InstrumentLabels) {
    this.#kind = kind;
    this.#labels = labels;
  }

  /** Set while none has borne its labels for good. */
  get isUnused(): boolean {
    return this.tracked.size === 0 && Object.keys(this.#done).length === 0;
  }

  /** Lets one go: it holds nothing any more, but what it did stays done. */
  retire(tracked: Tracked): boolean {
    if (!this.tracked.delete(tracked)) return false;
    this.#done = sum([this.#done, this.countersOf(tracked.read())]);
    return true;
  }

  read(): InstrumentReading {
    const values = Array.from(this.tracked, (tracked) => tracked.read());
    return { labels: this.#labels, values: sum([this.#done, ...values]) };
  }

  countersOf(values: InstrumentValues): InstrumentValues {
    const { measures } = this.#kind;
    return Object.fromEntries(
      Object.entries(values)
        .filter(([name]) => measures[name]?.type === "counter"),
    );
  }
}

/** Keeps the names of the labels, of which each kind has few. */
function othersLike(labels: InstrumentLabels): InstrumentLabels {
  const others = Object.keys(labels).map((label) => [label, OTHERS]);
  return Object.fromEntries(others);
}

function sum(all: readonly InstrumentValues[]): InstrumentValues {
  const total: Record<string, number> = {};
  for (const values of all) {
    for (const [name, value] of Object.entries(values)) {
      if (value !== undefined) total[name] = (total[name] ?? 0) + value;
    }
  }
  return total;
}
