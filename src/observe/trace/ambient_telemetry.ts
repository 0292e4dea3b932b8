import type { Telemetry } from "./telemetry.ts";

/** What servers that trace have brought, the latest last. */
const brought: Telemetry[] = [];

let ambient: Telemetry | undefined;

/**
 * The telemetry for what knows of no server, such as a pool; `undefined` while
 * no server traces.
 */
export function ambientTelemetry(): Telemetry | undefined {
  return ambient;
}

/** Offers telemetry to pools and the like; returns how to take it back. */
export function bringTelemetry(telemetry: Telemetry): () => void {
  brought.push(telemetry);
  ambient = telemetry;
  return () => {
    const index = brought.lastIndexOf(telemetry);
    if (index >= 0) brought.splice(index, 1);
    ambient = brought.at(-1);
  };
}
