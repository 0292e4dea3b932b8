import { type Figure, type FigureDeclaration, FigureSet } from "./figure.ts";

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
} as const satisfies Record<string, FigureDeclaration>;

/** A reading of what the process uses; what it may not read is `null`. */
export type ProcessReading = Record<keyof typeof DECLARED, number | null>;

/** Figures of what the process uses. */
export const PROCESS: FigureSet<typeof DECLARED> = new FigureSet(
  DECLARED,
);

/** The process's figures for OpenTelemetry. */
export function processFigures(): Figure[] {
  return PROCESS.otel(readProcess());
}

/** Reads what the process uses. Asks for no permission, and needs none to go on. */
export function readProcess(): ProcessReading {
  const { Deno: runtime } = globalThis as { Deno?: typeof Deno };
  const memory = attempt(() => runtime?.memoryUsage());
  const cpuMs = attempt(cpuTimeMs);
  return {
    startTime: performance.timeOrigin / 1_000,
    uptimeSeconds: performance.now() / 1_000,
    cpuSeconds: cpuMs === undefined ? null : cpuMs / 1_000,
    residentBytes: memory?.rss ?? null,
    heapUsedBytes: memory?.heapUsed ?? null,
    heapTotalBytes: memory?.heapTotal ?? null,
    externalBytes: memory?.external ?? null,
    ...(runtime && attempt(() => readProc(runtime))) ?? UNREADABLE,
  };
}

const UNREADABLE = {
  virtualBytes: null,
  threads: null,
  openFiles: null,
  maxOpenFiles: null,
};

/** Linux tells each process about itself, if Deno's permissions let it. */
function readProc(
  runtime: typeof Deno,
): Pick<ProcessReading, keyof typeof UNREADABLE> {
  const path = "/proc/self/status";
  const { state } = runtime.permissions.querySync({ name: "read", path });
  if (state !== "granted") return UNREADABLE;
  const status = runtime.readTextFileSync(path);
  const kibibytes = numberIn(status, /^VmSize:\s+(\d+)/m);
  return {
    virtualBytes: kibibytes === null ? null : kibibytes * 1_024,
    threads: numberIn(status, /^Threads:\s+(\d+)/m),
    // The listing itself is open while it is read.
    openFiles:
      attempt(() => [...runtime.readDirSync("/proc/self/fd")].length - 1) ??
        null,
    maxOpenFiles: attempt(() =>
      numberIn(
        runtime.readTextFileSync("/proc/self/limits"),
        /^Max open files\s+(\d+)/m,
      )
    ) ?? null,
  };
}

function numberIn(text: string, pattern: RegExp): number | null {
  const digits = text.match(pattern)?.[1];
  return digits === undefined ? null : Number(digits);
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * The CPU time that the process has used, in milliseconds; `undefined` where
 * the runtime doesn't tell.
 */
export function cpuTimeMs(): number | undefined {
  type Host = { cpuUsage?(): { user: number; system: number } };
  const host = globalThis as { Deno?: Host; process?: Host };
  // Deno has a `process` too, but merely reading it costs 11 ms (bench/startup.ts).
  const used = host.Deno?.cpuUsage?.() ?? host.process?.cpuUsage?.();
  return used && (used.user + used.system) / 1_000;
}

/** The shortest span that a share is worked out over. */
const MIN_SPAN_MS = 500;

/** Works out how busy the process is: the CPU it used between readings. */
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
