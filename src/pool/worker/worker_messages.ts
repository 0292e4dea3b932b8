import { thrownText } from "../../base/thrown.ts";
import type { WorkerLogLevel, WorkerStep } from "./worker_function.ts";

/** An error on its way between workers: structured clones lose its class. */
export interface ErrorForm {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string | number;
}

/** What a worker is told. One call at a time; messages bear its number. */
export type WorkerOrder =
  | { kind: "start"; module: string }
  | { kind: "run"; call: number; input: unknown; timeoutMs: number }
  /** The last message was heard: the next may come. */
  | { kind: "heard"; call: number }
  | { kind: "abort"; call: number; reason: ErrorForm }
  | { kind: "end" };

/** What a call says on its way to its result. */
export type WorkerNews =
  | { kind: "step"; step: WorkerStep }
  | { kind: "progress"; progress: [number, number?, string?] }
  | { kind: "log"; level: WorkerLogLevel; data: unknown; logger?: string };

/** What a worker says. */
export type WorkerReport =
  /** It listens: what was said before is lost, where modules take long to load. */
  | { kind: "listening" }
  | { kind: "ready" }
  | { kind: "news"; call: number; news: WorkerNews }
  | { kind: "done"; call: number; result: unknown }
  | { kind: "failed"; call: number; error: ErrorForm }
  | { kind: "uncloneable"; call: number; message: string }
  /** Stopped in the middle of something: the worker is not used again. */
  | { kind: "stopped"; call: number }
  /** It ends, for a reason that no call is to blame for. */
  | { kind: "fatal"; why: "crashed" | "out_of_memory"; error: ErrorForm };

/** The places of the memory that a thread shares with its owner. */
export const FLAGS = { aborted: 0, heard: 1 } as const;

/** Takes what is left of a thrown value when it leaves its isolate. */
export function errorForm(thrown: unknown): ErrorForm {
  try {
    if (thrown instanceof Error) return formOf(thrown);
  } catch {
    // It has no text, as anything that isn't an error may have none.
  }
  return { name: "Error", message: thrownText(thrown) };
}

function formOf(thrown: Error): ErrorForm {
  const { name, stack, code } = thrown as Error & { code?: unknown };
  return {
    name: String(name),
    // What it has beneath stays behind.
    message: thrownText(thrown),
    ...(typeof stack === "string" && { stack }),
    ...((typeof code === "string" || typeof code === "number") && { code }),
  };
}

/** Makes an error of what is left of one. */
export function errorFrom({ name, message, stack, code }: ErrorForm): Error {
  const error = new Error(message);
  Object.defineProperty(error, "name", { value: name, configurable: true });
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}
