import type { Attributes } from "@opentelemetry/api";
import type { KindReadings, MeasureType } from "./instruments.ts";
import { type ProcessFigures, readProcessFigures } from "./process_figures.ts";

/** One metric as it stands now. */
export interface Figure {
  readonly name: string;
  readonly type: MeasureType;
  /** Such as `s` (UCUM). */
  readonly unit?: string;
  /** One sentence for the operator. */
  readonly help: string;
  /** A value for each set of attributes, where there is one to be known. */
  readonly points: readonly {
    readonly value: number | null | undefined;
    readonly attributes?: Attributes;
  }[];
}

/** What instruments read, as `sluice.<kind>.<measure>`. */
export function instrumentFigures(kinds: readonly KindReadings[]): Figure[] {
  return kinds.flatMap(({ kind: { kind, measures }, readings }) =>
    Object.entries(measures).map(([measure, { type, help }]) => ({
      name: `sluice.${kind}.${measure}`,
      type,
      help,
      points: readings.map(({ labels, values }) => ({
        value: values[measure],
        attributes: labels,
      })),
    }))
  );
}

/** Name, type, unit and meaning by OpenTelemetry's conventions for processes. */
const PROCESS: readonly [
  keyof ProcessFigures,
  string,
  MeasureType,
  string,
  string,
][] = [
  ["uptimeSeconds", "process.uptime", "gauge", "s", "Time since its begin."],
  ["cpuSeconds", "process.cpu.time", "counter", "s", "CPU used in all."],
  ["residentBytes", "process.memory.usage", "gauge", "By", "Resident memory."],
  ["virtualBytes", "process.memory.virtual", "gauge", "By", "Virtual memory."],
  ["threads", "process.thread.count", "gauge", "{thread}", "Threads."],
  [
    "openFiles",
    "process.unix.file_descriptor.count",
    "gauge",
    "{file_descriptor}",
    "Open file descriptors.",
  ],
];

/** What the process uses. */
export function processFigures(): Figure[] {
  const figures = readProcessFigures();
  return PROCESS.map(([key, name, type, unit, help]) => ({
    name,
    type,
    unit,
    help,
    points: [{ value: figures[key] }],
  }));
}
