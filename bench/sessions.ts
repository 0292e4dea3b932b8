/**
 * `deno run -A bench/sessions.ts`: initialize, initialized, a call and DELETE, against
 * the same four requests to a server without sessions (where there is nothing to
 * delete, and it says so); and both beside 10,000 sessions that stay open. All
 * servers are up at once and get their slices in turn; a ratio is the median of
 * the rounds' ratios of turns per second of the server's CPU.
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
import { isReached, judge, type Outcome } from "./support/goals.ts";
import type { KeepAlive } from "./support/keep_alive.ts";
import { loadCore, pinSelf } from "./support/pinning.ts";
import { ReadyRequest } from "./support/ready_request.ts";
import { ServerProcess } from "./support/server_process.ts";
import { median, rotated } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import { expectStatus, takeTurns, type Turn } from "./support/turns.ts";
import {
  deleteRequest,
  initializedRequest,
  initializeRequest,
  legacyRequest,
  sessionHeader,
} from "./support/wire.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    turns: { type: "string", default: "4000" },
    live: { type: "string", default: "10000" },
  },
});
const users = 32;
const turns = Number(options.turns);
const live = Number(options.live);

/** A server under the four requests. */
interface Subject {
  label: string;
  script: string;
  /** Sessions that stay open meanwhile. */
  live: number;
  /** What it says to a DELETE. */
  deleteStatus: number;
}

const [stateless, sessions, crowded]: Subject[] = [
  {
    label: "four requests, no sessions",
    script: "servers/stateless.ts",
    live: 0,
    deleteStatus: 405,
  },
  {
    label: "a session, no other open",
    script: "servers/sessions.ts",
    live: 0,
    deleteStatus: 200,
  },
  {
    label: `a session, ${live.toLocaleString("en-US")} open`,
    script: "servers/sessions.ts",
    live,
    deleteStatus: 200,
  },
];

await requireCommands("taskset");
await pinSelf(loadCore);
await using stack = new AsyncDisposableStack();
const runs = new Map<Subject, { turn: Turn; server: ServerProcess }>();
for (const subject of [stateless, sessions, crowded]) {
  const server = stack.use(
    await ServerProcess.start({ script: subject.script }),
  );
  const turn = turnOf(subject, server.port);
  for (let i = 0; i < 3; i++) {
    await takeTurns(server.port, { users, turns }, turn);
  }
  const stay = openingOf(server.port);
  await takeTurns(server.port, { users, turns: subject.live }, async (user) => {
    await stay(user);
  });
  runs.set(subject, { turn, server });
}

const costs = new Map<Subject, number[]>();
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [subject, { turn, server }] of rotated([...runs], round)) {
    const before = server.threadCpuMs();
    await takeTurns(server.port, { users, turns }, turn);
    const perTurn = (server.threadCpuMs() - before) * 1_000 / turns;
    costs.set(subject, [...costs.get(subject) ?? [], perTurn]);
  }
}

printTable(
  ["the four requests", "CPU µs", "RSS MB"],
  [...runs].map(([subject, { server }]) => [
    subject.label,
    median(costs.get(subject)!).toFixed(1),
    Math.round(server.rssBytes() / 1e6),
  ]),
);
console.log();
const outcomes: Outcome[] = [
  { subject: sessions, against: stateless, atLeast: 0.85 },
  { subject: crowded, against: sessions, atLeast: 0.97 },
].map(({ subject, against, atLeast }) => {
  const measured = median(
    costs.get(subject)!.map((cost, round) => costs.get(against)![round] / cost),
  );
  const name = `${subject.label} / ${against.label}`;
  return { name, measured, atLeast };
});
printTable(
  ["ratio", "by CPU", "goal", "reached"],
  outcomes.map((outcome) => [
    outcome.name,
    outcome.measured!.toFixed(2),
    ...judge(outcome),
  ]),
);
Deno.exitCode = outcomes.every(isReached) ? 0 : 1;

/** Begins as a legacy client does; gives the header of the session, or nothing where there is none. */
function openingOf(port: number): (connection: KeepAlive) => Promise<string> {
  const initialize = new ReadyRequest(port, initializeRequest);
  const initialized = new ReadyRequest(port, initializedRequest);
  return async (connection) => {
    const answer = await connection.send(initialize.bytes());
    expectStatus(answer, 200);
    const session = sessionHeader(answer.head) ?? "";
    expectStatus(await connection.send(initialized.bytes(session)), 202);
    return session;
  };
}

function turnOf({ deleteStatus }: Subject, port: number): Turn {
  const open = openingOf(port);
  const call = new ReadyRequest(
    port,
    legacyRequest("tools/call", {
      name: "echo",
      arguments: { data: "hello" },
    }),
  );
  const end = new ReadyRequest(port, deleteRequest);
  return async (connection) => {
    const session = await open(connection);
    const answer = await connection.send(call.bytes(session));
    expectStatus(answer, 200);
    if (!answer.body.includes("processed_hello")) throw new Error(answer.body);
    expectStatus(await connection.send(end.bytes(session)), deleteStatus);
  };
}
