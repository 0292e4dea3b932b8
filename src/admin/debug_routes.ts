import { sleep } from "../base/abort.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import {
  ClosedError,
  InvalidOptionError,
  ProfilerUnavailableError,
} from "../base/errors.ts";
import { checkInteger, quote } from "../base/options.ts";
import { thrownText } from "../base/thrown.ts";
import { profileMemory } from "../observe/profile/memory_profile.ts";
import { profile } from "../observe/profile/profile.ts";

/** Both kinds of profile. */
interface Recorded {
  table(limit: number): string;
  toJSON(): unknown;
}

/** One of the routes: records while the function runs. */
interface Recorder {
  /** The end of the file's name. */
  readonly extension: string;
  record(run: () => Promise<void>, signal: AbortSignal): Promise<Recorded>;
}

const recorders: ReadonlyMap<string, Recorder> = new Map<string, Recorder>([
  ["/debug/profile", {
    extension: "cpuprofile",
    record: async (run, signal) => (await profile(run, { signal })).profile,
  }],
  ["/debug/heap", {
    extension: "heapprofile",
    record: async (run, signal) =>
      (await profileMemory(run, { signal })).profile,
  }],
]);

/**
 * `GET /debug/profile?seconds=5`, a CPU profile of the running server, and
 * `GET /debug/heap?seconds=5`, of what it allocates: files for a viewer, or,
 * with `top=20`, a table to read. One at a time; it ends early, and breaks the
 * answer off, when the client goes away or the server closes. Who may ask is
 * checked before.
 */
export class DebugRoutes implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #closing: AbortController = new AbortController();
  /** The end of the recording under way, in milliseconds of the clock. */
  #busyUntil: number | undefined;

  constructor({ clock = systemClock }: { clock?: Clock } = {}) {
    this.#clock = clock;
  }

  /** Answers a request, unless its path is none of these. */
  handle(request: Request): Promise<Response> | Response | undefined {
    const { pathname, searchParams } = new URL(request.url);
    const recorder = recorders.get(pathname);
    if (recorder === undefined) return undefined;
    if (request.method !== "GET") {
      return refuse(405, `${pathname} takes GET alone`, { "Allow": "GET" });
    }
    try {
      const seconds = numberOf(searchParams, "seconds", 60) ?? 5;
      const top = numberOf(searchParams, "top", 1_000);
      if (top !== undefined) checkInteger("top", top, 1);
      return this.#answer(recorder, seconds * 1_000, top);
    } catch (error) {
      return refuse(400, thrownText(error));
    }
  }

  /** Ends the recording under way and takes no more. */
  close(): Promise<void> {
    this.#closing.abort(new ClosedError("the server"));
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(
    recorder: Recorder,
    ms: number,
    top: number | undefined,
  ): Promise<Response> {
    if (this.#closing.signal.aborted) return refuse(503, "the server closes");
    const now = this.#clock.now();
    if (this.#busyUntil !== undefined) {
      const waitS = Math.max(1, Math.ceil((this.#busyUntil - now) / 1_000));
      return refuse(429, "another profile is being taken", {
        "Retry-After": String(waitS),
      });
    }
    this.#busyUntil = now + ms;
    const gone = new AbortController();
    const begun = Promise.withResolvers<void>();
    const recorded = this.#record(recorder, ms, gone.signal, begun.resolve);
    try {
      await Promise.race([begun.promise, recorded]);
    } catch (error) {
      if (this.#closing.signal.aborted) return refuse(503, "the server closes");
      if (error instanceof ProfilerUnavailableError) {
        return refuse(501, error.message);
      }
      throw error;
    }
    const text = recorded.then((each) =>
      top === undefined ? JSON.stringify(each) : `${each.table(top)}\n`
    );
    return new Response(lateBody(text, gone), {
      headers: top === undefined ? fileHeaders(recorder.extension) : TEXT,
    });
  }

  async #record(
    { record }: Recorder,
    ms: number,
    gone: AbortSignal,
    begun: () => void,
  ): Promise<Recorded> {
    const signal = AbortSignal.any([gone, this.#closing.signal]);
    try {
      return await record(() => {
        begun();
        return sleep(ms, { signal, clock: this.#clock });
      }, signal);
    } finally {
      this.#busyUntil = undefined;
    }
  }
}

const NO_STORE = { "Cache-Control": "no-store" };
const TEXT = { ...NO_STORE, "Content-Type": "text/plain; charset=utf-8" };

function numberOf(
  parameters: URLSearchParams,
  name: string,
  max: number,
): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= max) return value;
  throw new InvalidOptionError(
    `${name} must be a number from 1 to ${max}, got ${
      quote(text.slice(0, 40))
    }`,
  );
}

/** For a file that viewers open, named by the time it was asked for. */
function fileHeaders(extension: string): HeadersInit {
  const stamp = new Date().toISOString().slice(0, 19).replace(/:/g, "-");
  return {
    ...NO_STORE,
    "Content-Type": "application/json",
    "Content-Disposition": `attachment; filename="${stamp}.${extension}"`,
  };
}

/** A body that comes later; only a stream learns that its reader has gone away. */
function lateBody(
  text: Promise<string>,
  gone: AbortController,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      try {
        controller.enqueue(new TextEncoder().encode(await text));
        controller.close();
      } catch (error) {
        if (!gone.signal.aborted) controller.error(error);
      }
    },
    cancel: () => gone.abort(),
  });
}

function refuse(
  status: number,
  error: string,
  headers: HeadersInit = {},
): Response {
  return Response.json({ error }, {
    status,
    headers: { ...NO_STORE, ...headers },
  });
}
