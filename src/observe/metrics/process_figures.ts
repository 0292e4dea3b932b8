import { type Figure, type FigureDeclaration, FigureSet } from "./figure.ts";
import { counter, gauge } from "./instruments.ts";

/**
 * In Prometheus's text under the names that all of its clients use, for
 * OpenTelemetry by its conventions.
 */
const DECLARED = {
  startTime: gauge("When the process began, in seconds since 1970.", {
    prometheus: "process_start_time_seconds",
    json: "start_time",
  }),
  uptimeSeconds: gauge("Time since its begin.", {
    json: "uptime_seconds",
    otel: "process.uptime",
    unit: "s",
  }),
  cpuSeconds: counter("CPU used.", {
    prometheus: "process_cpu_seconds",
    json: "cpu_seconds",
    otel: "process.cpu.time",
    unit: "s",
  }),
  residentBytes: gauge("Resident memory.", {
    prometheus: "process_resident_memory_bytes",
    json: "memory_rss_mb",
    otel: "process.memory.usage",
    unit: "By",
  }),
  virtualBytes: gauge("Virtual memory.", {
    prometheus: "process_virtual_memory_bytes",
    json: "memory_vms_mb",
    otel: "process.memory.virtual",
    unit: "By",
  }),
  heapUsedBytes: gauge("Used JavaScript heap.", {
    prometheus: "process_heap_used_bytes",
    json: "memory_heap_mb",
    unit: "By",
  }),
  heapTotalBytes: gauge("JavaScript heap.", {
    prometheus: "process_heap_bytes",
    unit: "By",
  }),
  externalBytes: gauge("Memory that the heap refers to.", {
    prometheus: "process_external_memory_bytes",
    unit: "By",
  }),
  threads: gauge("Threads.", {
    prometheus: "process_threads",
    json: "thread_count",
    otel: "process.thread.count",
    unit: "{thread}",
  }),
  openFiles: gauge("Open file descriptors.", {
    prometheus: "process_open_fds",
    json: "fd_count",
    otel: "process.unix.file_descriptor.count",
    unit: "{file_descriptor}",
  }),
  maxOpenFiles: gauge("How many file descriptors may be open.", {
    prometheus: "process_max_fds",
  }),
} satisfies Record<string, FigureDeclaration>;

/** A reading of what the process uses; what it may not read is `null`. */
export type ProcessReading = Record<keyof typeof DECLARED, number | null>;

/** Figures of what the process uses. */
export const PROCESS: FigureSet<typeof DECLARED> = new FigureSet(DECLARED);

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
