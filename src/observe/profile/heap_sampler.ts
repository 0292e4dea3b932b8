import type { HeapProfileJson } from "./heap_profile.ts";
import { InspectorSession } from "./inspector_session.ts";

/** The heap's sampler, of which V8 has one: whoever samples meanwhile shares it. */
class SharedSampler {
  #opening: Promise<InspectorSession> | undefined;
  #session: InspectorSession | undefined;
  #users = 0;

  async enter(intervalBytes: number): Promise<InspectorSession> {
    this.#users++;
    try {
      return this.#session = await (this.#opening ??= begin(intervalBytes));
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** The last to leave ends the sampling, at once: the next begins a new one. */
  leave(): void {
    if (--this.#users > 0) return;
    this.#session?.[Symbol.dispose]();
    this.#session = this.#opening = undefined;
  }
}

const shared: SharedSampler = new SharedSampler();

/** One use of the heap's sampler, which knows only what was allocated since it began. */
export class HeapSampling implements Disposable {
  readonly #session: InspectorSession;
  readonly #begunAt: number;
  #over = false;

  private constructor(session: InspectorSession, begunAt: number) {
    this.#session = session;
    this.#begunAt = begunAt;
  }

  /**
   * @param intervalBytes One allocation is noted per so many bytes, on average.
   * While another sampling runs, that one's holds.
   * @throws {ProfilerUnavailableError}
   */
  static async start(intervalBytes: number): Promise<HeapSampling> {
    const session = await shared.enter(intervalBytes);
    try {
      const { samples } = await read(session);
      return new HeapSampling(
        session,
        samples.reduce((last, { ordinal }) => Math.max(last, ordinal), 0),
      );
    } catch (error) {
      shared.leave();
      throw error;
    }
  }

  /** Reads what was allocated since this sampling began. */
  async read(): Promise<HeapProfileJson> {
    const { head, samples } = await read(this.#session);
    return {
      head,
      samples: samples.filter(({ ordinal }) => ordinal > this.#begunAt),
    };
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    shared.leave();
  }
}

async function begin(intervalBytes: number): Promise<InspectorSession> {
  const session = await InspectorSession.open();
  try {
    await session.post("HeapProfiler.enable");
    await session.post("HeapProfiler.startSampling", {
      samplingInterval: intervalBytes,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    return session;
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  }
}

async function read(session: InspectorSession): Promise<HeapProfileJson> {
  const { profile } = await session.post<{ profile: HeapProfileJson }>(
    "HeapProfiler.getSamplingProfile",
  );
  return profile;
}
