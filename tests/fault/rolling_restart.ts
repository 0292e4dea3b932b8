import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startNginx } from "../support/nginx.ts";
import { modernCall, modernPost } from "../transport/wire.ts";
import { EndingProcess } from "./ending_process.ts";

/** What clients got while every replica was restarted. */
export interface Restarted {
  /** Answers by HTTP status. */
  readonly byStatus: Readonly<Record<number, number>>;
  readonly requests: number;
}

const CLIENTS = 8;
const PAUSE_MS = 5;
const MIN_REQUESTS = 2_000;

/** What nginx may be told about servers that fail. */
export interface Retries {
  /** Parameters of each server of the upstream. */
  readonly server: string;
  /** Directives of the location. */
  readonly location: string;
}

/** With it, nothing is lost. */
export const ALL_RETRIES: Retries = {
  server: "max_fails=0",
  location: "proxy_next_upstream error timeout http_503 non_idempotent;",
};

/**
 * Restarts two servers behind nginx in turn, `rounds` times, under a steady load,
 * and counts how requests fared.
 */
export async function rollingRestart(
  retries: Retries,
  drainMs: number,
  rounds: number,
): Promise<Restarted> {
  const ports = [await freePort(), await freePort()];
  const start = (port: number) => EndingProcess.start({ port, drainMs });
  const replicas = await Promise.all(ports.map(start));
  const servers = ports.map((port) =>
    `server 127.0.0.1:${port} ${retries.server};`
  );
  await using nginx = await startNginx(
    "http://replicas/mcp",
    `proxy_set_header Host $host; proxy_set_header Connection ""; ${retries.location}`,
    `upstream replicas { ${servers.join(" ")} keepalive 16; }`,
  );
  const byStatus: Record<number, number> = {};
  let loaded = true;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (loaded) {
      const response = await fetch(
        nginx.url,
        modernPost(modernCall("tools/call", { name: "echo" })),
      );
      await response.body?.cancel();
      byStatus[response.status] = (byStatus[response.status] ?? 0) + 1;
      await new Promise((go) => setTimeout(go, PAUSE_MS));
    }
  });
  const pause = (ms: number) => new Promise((go) => setTimeout(go, ms));
  for (let round = 0; round < rounds; round++) {
    for (const [index, port] of ports.entries()) {
      await pause(500);
      replicas[index].signal("SIGTERM");
      await replicas[index].ended();
      replicas[index] = await start(port);
    }
  }
  await pause(500);
  await eventually(() => sum(byStatus) >= MIN_REQUESTS, 60_000);
  loaded = false;
  await Promise.all(clients);
  for (const replica of replicas) await replica[Symbol.asyncDispose]();
  return { byStatus, requests: sum(byStatus) };
}

function sum(counts: Record<number, number>): number {
  return Object.values(counts).reduce((total, each) => total + each, 0);
}

/** `deno run -A tests/fault/rolling_restart.ts`: the table of docs/operations.md. */
if (import.meta.main) {
  const ways: Record<string, Retries> = {
    "as nginx comes": { server: "", location: "" },
    "max_fails=0": { server: "max_fails=0", location: "" },
    "max_fails=0, http_503": {
      server: "max_fails=0",
      location: "proxy_next_upstream error timeout http_503;",
    },
    "max_fails=0, http_503 non_idempotent": ALL_RETRIES,
  };
  for (const drainMs of [0, 2_000]) {
    for (const [way, retries] of Object.entries(ways)) {
      const restarted = await rollingRestart(retries, drainMs, 3);
      console.log(`${drainMs} ms, ${way}: ${JSON.stringify(restarted)}`);
    }
  }
}
