/**
 * A process of its own that loads a server at a constant rate of arrivals,
 * whatever comes of them, with clients that leave when they have waited for too
 * long. Takes an {@linkcode OpenLoad} as its argument, prints an
 * {@linkcode OpenLoadResult}.
 */
import { LoadConnection } from "./load_connection.ts";
import type { WireRequest } from "./wire.ts";

/** The load to make. */
export interface OpenLoad {
  readonly port: number;
  /** Arrivals per second. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Taken in turn. */
  readonly requests: readonly WireRequest[];
  /** Milliseconds after which a client leaves. */
  readonly patienceMs: number;
  /** Milliseconds that a call takes on an idle server: what is back to normal. */
  readonly normalMs: number;
}

/** What came of it. */
export interface OpenLoadResult {
  readonly sent: number;
  readonly answered: number;
  /** Answers per second, while the load lasted. */
  readonly goodput: number;
  readonly refused: number;
  readonly left: number;
  readonly failed: number;
  /** Of what was answered, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds from the last arrival until a call takes no longer than usual. */
  readonly recoveryMs: number;
  /** Calls made to find that out. */
  readonly probes: number;
}

if (import.meta.main) {
  console.log(JSON.stringify(await loadWith(JSON.parse(Deno.args[0]))));
}

async function loadWith(load: OpenLoad): Promise<OpenLoadResult> {
  const counts = { answered: 0, refused: 0, left: 0, failed: 0 };
  const took: number[] = [];
  const idle: LoadConnection[] = [];
  const send = async (request: WireRequest) => {
    const connection = idle.pop() ?? new LoadConnection(load.port);
    const begun = performance.now();
    const outcome = await connection.post(request, load.patienceMs);
    counts[outcome]++;
    if (outcome === "answered") took.push(performance.now() - begun);
    if (connection.open) idle.push(connection);
    return performance.now() - begun;
  };

  const begun = performance.now();
  const underWay: Promise<number>[] = [];
  const total = Math.round(load.perSecond * load.seconds);
  while (underWay.length < total) {
    const due = (performance.now() - begun) / 1_000 * load.perSecond;
    while (underWay.length < Math.min(due, total)) {
      underWay.push(
        send(load.requests[underWay.length % load.requests.length]),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const goodput = counts.answered * 1_000 / (performance.now() - begun);
  const recovered = await recovery(load);
  await Promise.all(underWay);
  for (const connection of idle) connection.close();
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.ceil(took.length * share) - 1] ?? 0;
  return {
    sent: total,
    ...counts,
    goodput,
    p50: at(0.5),
    p99: at(0.99),
    ...recovered,
  };
}

async function recovery(load: OpenLoad) {
  let probes = 0;
  const begun = performance.now();
  const connection = new LoadConnection(load.port);
  while (true) {
    const sent = performance.now();
    const outcome = await connection.post(load.requests[0], load.patienceMs);
    const now = performance.now();
    if (outcome === "answered") probes++;
    if (outcome === "answered" && now - sent <= 2 * load.normalMs) {
      connection.close();
      return { recoveryMs: sent - begun, probes };
    }
    if (now - begun > 60_000) return { recoveryMs: 60_000, probes };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
