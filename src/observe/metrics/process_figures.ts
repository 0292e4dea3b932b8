import { type Figure, type FigureDeclaration, FigureSet } from "./figure.ts";
import type { MetricsDocument } from "./metrics_document.ts";

/** What the runtime says of the process, as far as it is Deno. */
interface Runtime {
  memoryUsage(): {
    rss: number;
    heapUsed: number;
    heapTotal: number;
    external: number;
  };
  readTextFileSync(path: string): string;
  readDirSync(path: string): Iterable<unknown>;
  permissions: {
    querySync(of: { name: "read"; path: string }): { state: string };
  };
}

/** The fields that the JSON document has of the process. */
export type ProcessFields = Pick<
  MetricsDocument,
  | "start_time"
  | "uptime_seconds"
  | "memory_rss_mb"
  | "memory_vms_mb"
  | "memory_heap_mb"
  | "cpu_seconds"
  | "thread_count"
  | "fd_count"
>;

/**
 * In Prometheus's text under the names that all of its clients use, for
 * OpenTelemetry by its conventions.
 */
const DECLARED = {
  startTime: {
    prometheus: "process_start_time_seconds",
    json: "start_time",
    type: "gauge",
    help: "When the process began, in seconds since 1970.",
  },
  uptimeSeconds: {
    json: "uptime_seconds",
    otel: "process.uptime",
    type: "gauge",
    unit: "s",
    help: "Time since its begin.",
  },
  cpuSeconds: {
    prometheus: "process_cpu_seconds",
    json: "cpu_seconds",
    otel: "process.cpu.time",
    type: "counter",
    unit: "s",
    help: "CPU used.",
  },
  residentBytes: {
    prometheus: "process_resident_memory_bytes",
    json: "memory_rss_mb",
    otel: "process.memory.usage",
    type: "gauge",
    unit: "By",
    help: "Resident memory.",
  },
  virtualBytes: {
    prometheus: "process_virtual_memory_bytes",
    json: "memory_vms_mb",
    otel: "process.memory.virtual",
    type: "gauge",
    unit: "By",
    help: "Virtual memory.",
  },
  heapUsedBytes: {
    prometheus: "process_heap_used_bytes",
    json: "memory_heap_mb",
    type: "gauge",
    unit: "By",
    help: "Used JavaScript heap.",
  },
  heapTotalBytes: {
    prometheus: "process_heap_bytes",
    type: "gauge",
    unit: "By",
    help: "JavaScript heap.",
  },
  externalBytes: {
    prometheus: "process_external_memory_bytes",
    type: "gauge",
    unit: "By",
    help: "Memory that the heap refers to.",
  },
  threads: {
    prometheus: "process_threads",
    json: "thread_count",
    otel: "process.thread.count",
    type: "gauge",
    unit: "{thread}",
    help: "Threads.",
  },
  openFiles: {
    prometheus: "process_open_fds",
    json: "fd_count",
    otel: "process.unix.file_descriptor.count",
    type: "gauge",
    unit: "{file_descriptor}",
    help: "Open file descriptors.",
  },
  maxOpenFiles: {
    prometheus: "process_max_fds",
    type: "gauge",
    help: "How many file descriptors may be open.",
  },
} satisfies Record<string, FigureDeclaration<ProcessFields>>;

/** A reading of what the process uses; what it may not read is `null`. */
export type ProcessReading = Record<keyof typeof DECLARED, number | null>;

/** What the process uses. */
export const PROCESS: FigureSet<ProcessReading, ProcessFields> = new FigureSet(
  DECLARED,
);

/** The process's figures for OpenTelemetry. */
export function processFigures(): Figure[] {
  return PROCESS.otel(readProcess());
}

/** Reads what the process uses. Asks for no permission, and needs none to go on. */
export function readProcess(): ProcessReading {
  const runtime = (globalThis as unknown as { Deno?: Runtime }).Deno;
  const memory = attempt(() => runtime?.memoryUsage());
  const cpuMs = attempt(cpuTimeMs);
  const status = runtime && attempt(() => readStatus(runtime));
  return {
    startTime: performance.timeOrigin / 1_000,
    uptimeSeconds: performance.now() / 1_000,
    cpuSeconds: cpuMs === undefined ? null : cpuMs / 1_000,
    residentBytes: memory?.rss ?? null,
    virtualBytes: kibibytes(status, "VmSize"),
    heapUsedBytes: memory?.heapUsed ?? null,
    heapTotalBytes: memory?.heapTotal ?? null,
    externalBytes: memory?.external ?? null,
    threads: figure(status, "Threads"),
    openFiles: status && runtime
      ? attempt(() => countFiles(runtime)) ?? null
      : null,
    maxOpenFiles: status && runtime
      ? attempt(() => readFileLimit(runtime)) ?? null
      : null,
  };
}

/** Linux tells each process about itself, if Deno's permissions let it. */
function readStatus(runtime: Runtime): string | undefined {
  const path = "/proc/self/status";
  const { state } = runtime.permissions.querySync({ name: "read", path });
  return state === "granted" ? runtime.readTextFileSync(path) : undefined;
}

/** The listing itself is open while it is read. */
function countFiles(runtime: Runtime): number {
  return [...runtime.readDirSync("/proc/self/fd")].length - 1;
}

function readFileLimit(runtime: Runtime): number | undefined {
  const limits = runtime.readTextFileSync("/proc/self/limits");
  const soft = limits.match(/^Max open files\s+(\d+)/m)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

function kibibytes(status: string | undefined, name: string): number | null {
  const value = figure(status, name);
  return value === null ? null : value * 1_024;
}

function figure(status: string | undefined, name: string): number | null {
  const value = status?.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1];
  return value === undefined ? null : Number(value);
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

interface CpuUsage {
  user: number;
  system: number;
}

/**
 * The CPU time that the process has used, in milliseconds; `undefined` where
 * the runtime doesn't tell.
 */
export function cpuTimeMs(): number | undefined {
  const host = globalThis as {
    Deno?: { cpuUsage?(): CpuUsage };
    process?: { cpuUsage?(): CpuUsage };
  };
  // Deno has a `process` too, but merely reading it costs 11 ms (bench/startup.ts).
  const used = host.Deno?.cpuUsage?.() ?? host.process?.cpuUsage?.();
  return used && (used.user + used.system) / 1_000;
}

/** The shortest span that a share is worked out over. */
const MIN_SPAN_MS = 500;

/** How busy the process is: the CPU it used between readings. */
export class CpuShare {
  #at = 0;
  #cpuSeconds = 0;
  #percent = 0;

  /**
   * CPU since the last reading, in percent of one core. A reading that follows at
   * once says the same again, so that several readers don't spoil each other's.
   *
   * @param nowMs milliseconds since the process began
   */
  read(nowMs: number, cpuSeconds: number | null): number | null {
    if (cpuSeconds === null) return null;
    const spanMs = nowMs - this.#at;
    if (spanMs >= MIN_SPAN_MS) {
      this.#percent = (cpuSeconds - this.#cpuSeconds) / spanMs * 100_000;
      this.#at = nowMs;
      this.#cpuSeconds = cpuSeconds;
    }
    return Math.round(this.#percent * 100) / 100;
  }
}
