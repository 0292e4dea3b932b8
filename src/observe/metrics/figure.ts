import type { KindReadings, Measure, MeasureType } from "./instruments.ts";
import type { EventLoopSummary, MetricsDocument } from "./metrics_document.ts";

/** One value of a figure, and what tells it from the others. */
export interface FigurePoint {
  /** As it stands now, where that is known. */
  readonly value: number | null | undefined;
  /** By name. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** One metric as it stands now, under the name that a rendering has for it. */
export interface Figure {
  readonly name: string;
  readonly type: MeasureType;
  /** Such as `s` (UCUM). */
  readonly unit?: string;
  /** One sentence for the operator. */
  readonly help: string;
  /** A value for each set of attributes. */
  readonly points: readonly FigurePoint[];
}

/**
 * One figure, told of once for all renderings. A rendering without a name for it
 * leaves it out.
 */
export interface FigureDeclaration extends Measure {
  /** Its name in the text for Prometheus, without the suffix of its type. */
  readonly prometheus?: string;
  /** Its name in the JSON document, which the dashboard is fed with. */
  readonly json?: keyof DocumentFields;
  /** Its name for OpenTelemetry. */
  readonly otel?: string;
  /** The unit that it is read in, such as `ms` (UCUM), unless it is a mere count. */
  readonly unit?: string;
}

type DocumentFields = MetricsDocument & EventLoopSummary;

type Declarations = Readonly<Record<string, FigureDeclaration>>;

/** The reading of one figure: a value, or one for each set of attributes. */
type FigureValue = number | null | undefined | readonly FigurePoint[];

/** The readings of a set of figures. */
export type FigureReading<Declared> = Readonly<
  Record<keyof Declared, FigureValue>
>;

type Fields<Declared extends Declarations> = Pick<
  DocumentFields,
  Extract<Declared[keyof Declared], { json: keyof DocumentFields }>["json"]
>;

/** Figures that are read together, by what a reading calls them. */
export class FigureSet<Declared extends Declarations> {
  readonly #declared: readonly [keyof Declared, FigureDeclaration][];

  constructor(declared: Declared) {
    this.#declared = Object.entries(declared);
  }

  /** The figures for an `Exposition`. */
  prometheus(reading: FigureReading<Declared>): Figure[] {
    return this.#declared.flatMap(([key, each]) =>
      figureOf(each.prometheus, { ...each, help: textHelp(each) }, reading[key])
    );
  }

  /** The figures for a `FigureExport`. */
  otel(
    reading: FigureReading<Declared>,
    attributes?: FigurePoint["attributes"],
  ): Figure[] {
    return this.#declared.flatMap(([key, each]) =>
      figureOf(each.otel, each, reading[key], attributes)
    );
  }

  /** The fields of the JSON document: times as they are read, memory in MiB. */
  json(reading: FigureReading<Declared>): Fields<Declared> {
    const fields = this.#declared
      .filter(([, { json }]) => json !== undefined)
      .map(([key, { json, unit }]) => [
        json,
        unit === "By" ? mebibytes(reading[key] as number | null) : reading[key],
      ]);
    return Object.fromEntries(fields);
  }
}

/** Figures of all instruments, as `sluice.<kind>.<measure>`. */
export function instrumentFigures(
  kinds: readonly KindReadings[],
  separator: "." | "_" = ".",
): Figure[] {
  return kinds.flatMap(({ kind: { kind, measures }, readings }) =>
    Object.entries(measures).map(([measure, { type, help }]) => ({
      name: ["sluice", kind, measure].join(separator),
      type,
      help,
      points: readings.map(({ labels, values }) => ({
        value: values[measure],
        attributes: labels,
      })),
    }))
  );
}

/** Left out is what the rendering has no name for, or what can't be read. */
function figureOf(
  name: string | undefined,
  { type, unit, help }: FigureDeclaration,
  value: FigureValue,
  attributes?: FigurePoint["attributes"],
): Figure[] {
  if (name === undefined || value === null || value === undefined) return [];
  const points = typeof value === "number" ? [{ value, attributes }] : value;
  if (unit !== "ms") return [{ name, type, unit, help, points }];
  const inSeconds = points.map(({ value, attributes }) => ({
    value: value && value / 1_000,
    attributes,
  }));
  return [{ name, type, unit: "s", help, points: inSeconds }];
}

const UNIT_NAMES: Readonly<Record<string, string>> = {
  s: "seconds",
  ms: "seconds",
  By: "bytes",
};

/** Prometheus knows the unit by the help alone. */
function textHelp(
  { help, unit = "" }: { help: string; unit?: string },
): string {
  return unit in UNIT_NAMES
    ? help.replace(/\.$/, `, in ${UNIT_NAMES[unit]}.`)
    : help;
}

function mebibytes(bytes: number | null): number | null {
  return bytes === null ? null : Math.round(bytes / 2 ** 20 * 100) / 100;
}
