/** What the process uses; what it may not read is `null`. */
export interface ProcessFigures {
  /** When the process began, in seconds since 1970. */
  startTime: number;
  /** How long it has run, in seconds. */
  uptimeSeconds: number;
  /** CPU used in all, in seconds. */
  cpuSeconds: number | null;
  /** Resident memory, in bytes. */
  residentBytes: number | null;
  /** Virtual memory, in bytes. */
  virtualBytes: number | null;
  /** Used heap, in bytes. */
  heapUsedBytes: number | null;
  /** Reserved heap, in bytes. */
  heapTotalBytes: number | null;
  /** Memory of buffers and the like, outside the heap, in bytes. */
  externalBytes: number | null;
  /** Threads. */
  threads: number | null;
  /** Open file descriptors. */
  openFiles: number | null;
  /** How many file descriptors may be open. */
  maxOpenFiles: number | null;
}

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

/** Reads what the process uses. Asks for no permission, and needs none to go on. */
export function readProcessFigures(): ProcessFigures {
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
  #at: number;
  #cpuSeconds: number;
  #percent = 0;

  /** Begins with all that the process has used since it began. */
  constructor() {
    this.#at = 0;
    this.#cpuSeconds = 0;
  }

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
