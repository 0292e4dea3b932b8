import type { Exposition } from "../../observe/metrics/exposition.ts";
import type { ProcessFigures } from "../../observe/metrics/process_figures.ts";

/** Writes what the process uses, under the names that all Prometheus clients use. */
export function writeProcess(out: Exposition, figures: ProcessFigures): void {
  const write = (
    name: string,
    type: "counter" | "gauge",
    help: string,
    value: number | null,
  ) => {
    if (value === null) return;
    out.family(`process_${name}`, type, help);
    out.sample("", value);
  };
  write(
    "start_time_seconds",
    "gauge",
    "When the process began, in seconds since 1970.",
    figures.startTime,
  );
  write("cpu_seconds", "counter", "CPU used, in seconds.", figures.cpuSeconds);
  write(
    "resident_memory_bytes",
    "gauge",
    "Resident memory, in bytes.",
    figures.residentBytes,
  );
  write(
    "virtual_memory_bytes",
    "gauge",
    "Virtual memory, in bytes.",
    figures.virtualBytes,
  );
  write(
    "heap_used_bytes",
    "gauge",
    "Used JavaScript heap, in bytes.",
    figures.heapUsedBytes,
  );
  write(
    "heap_bytes",
    "gauge",
    "JavaScript heap, in bytes.",
    figures.heapTotalBytes,
  );
  write(
    "external_memory_bytes",
    "gauge",
    "Memory that the heap refers to, in bytes.",
    figures.externalBytes,
  );
  write("threads", "gauge", "Threads.", figures.threads);
  write("open_fds", "gauge", "Open file descriptors.", figures.openFiles);
  write(
    "max_fds",
    "gauge",
    "How many file descriptors may be open.",
    figures.maxOpenFiles,
  );
}
