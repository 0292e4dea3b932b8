import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { PGlite } from "@electric-sql/pglite";

/** A question to the thread: the protocol's messages, or what they can't say. */
export type PgliteQuestion = Uint8Array | { url: string } | "reset" | "close";

/** An answer of the thread. */
export interface PgliteAnswer {
  bytes?: Uint8Array;
  failure?: string;
}

/**
 * Where the thread begins. A compiled program has the module in it because others
 * import it for this; there it does nothing.
 */
export const pgliteWorker = {
  module: import.meta.url,
  mark: "sluice pglite",
} as const;

/** The thread's side: PostgreSQL itself, asked one thing after another. */
let database: PGlite;
let last: Promise<void> = Promise.resolve();

if (workerData === pgliteWorker.mark && parentPort !== null) listen(parentPort);

function listen(port: MessagePort): void {
  port.on("message", (question: PgliteQuestion) => {
    last = last.then(() => reply(port, question));
  });
  port.postMessage({});
}

async function reply(
  port: MessagePort,
  question: PgliteQuestion,
): Promise<void> {
  const answer = await answerTo(question).catch(failed);
  const { bytes } = answer;
  port.postMessage(answer, bytes && [bytes.buffer as ArrayBuffer]);
}

async function answerTo(question: PgliteQuestion): Promise<PgliteAnswer> {
  if (question instanceof Uint8Array) {
    return { bytes: await database.execProtocolRaw(question) };
  }
  if (question === "reset") await reset();
  else if (question === "close") await database.close();
  else await open(question.url);
  return {};
}

/** Where PGlite may not read its own files, it leaves a promise to nobody. */
async function open(url: string): Promise<void> {
  const { PGlite } = await import("@electric-sql/pglite");
  const ignore = (event: Event) => event.preventDefault();
  globalThis.addEventListener("unhandledrejection", ignore);
  database = new PGlite(url);
  await database.waitReady;
  globalThis.removeEventListener("unhandledrejection", ignore);
}

/** PGlite begins by setting a `search_path`, without which no table is found. */
async function reset(): Promise<void> {
  await database.exec("ROLLBACK");
  await database.exec("DISCARD ALL");
  await database.exec("SET search_path TO public");
}

/** PGlite throws what is no Error, too. */
function failed(thrown: unknown): PgliteAnswer {
  const { message = String(thrown) } = Object(thrown);
  return { failure: String(message) };
}
