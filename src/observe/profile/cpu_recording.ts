import type { CpuProfileJson } from "./cpu_profile.ts";
import { InspectorSession } from "./inspector_session.ts";
import type { CallFrame } from "./source_position.ts";
import { trimmedProfile } from "./profile_cut.ts";

/** A CPU profile that is being taken. */
export class CpuRecording implements Disposable {
  /** The last time that everything stood still for a recording to begin. */
  static lastPause: { from: number; to: number } = { from: 0, to: 0 };
  /**
   * Recordings in the background end when one in front begins: V8 would tell
   * them of all the code there is once more, which they keep, 1.6 MB each time.
   */
  static readonly #background: Map<CpuRecording, () => void> = new Map();
  readonly #session: InspectorSession;
  #begunAt: number;

  private constructor(session: InspectorSession, begunAt: number) {
    this.#session = session;
    this.#begunAt = begunAt;
  }

  /**
   * Begins. V8 first goes through all the code there is, which stops everything
   * for some 10 to 100 ms.
   *
   * @param intervalUs The time between two samples, in microseconds.
   * @param giveWay Makes it one in the background; told to end it.
   * @throws {ProfilerUnavailableError}
   */
  static async start(
    intervalUs: number,
    giveWay?: () => void,
  ): Promise<CpuRecording> {
    const session = await InspectorSession.open();
    if (giveWay === undefined) {
      for (const end of [...CpuRecording.#background.values()]) end();
    }
    try {
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", {
        interval: intervalUs,
      });
      const from = performance.now();
      const started = session.post("Profiler.start");
      const to = performance.now();
      CpuRecording.lastPause = { from, to };
      await started;
      const recording = new CpuRecording(session, to);
      if (giveWay !== undefined) {
        CpuRecording.#background.set(recording, giveWay);
      }
      return recording;
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
  }

  /** Leaves out what was recorded so far. */
  skip(): void {
    this.#begunAt = performance.now();
  }

  /** Ends the sampling, and gives what was recorded. */
  async stop(): Promise<CpuProfileJson> {
    const tookMs = performance.now() - this.#begunAt;
    const { profile } = await this.#session.post<{ profile: CpuProfileJson }>(
      "Profiler.stop",
    );
    return trimmedProfile(profile, tookMs * 1_000, endsRecording);
  }

  /**
   * Ends the sampling, gives what was recorded, and begins anew in the same
   * breath. While one profile of a session is being taken V8 keeps its list of
   * all the code there is, so that to begin another costs no pause: here a
   * console profile, for as long as it takes.
   */
  async restart(): Promise<CpuProfileJson> {
    const from = performance.now();
    const tookMs = from - this.#begunAt;
    const bridged = !("profile" in globalThis || "profileEnd" in globalThis);
    const done: Promise<unknown>[] = [];
    if (bridged) done.push(this.#command(`profile("${BRIDGE}")`));
    const stopped = this.#session.post<{ profile: CpuProfileJson }>(
      "Profiler.stop",
    );
    done.push(this.#session.post("Profiler.start"));
    if (bridged) done.push(this.#command(`profileEnd("${BRIDGE}")`));
    this.#begunAt = performance.now();
    CpuRecording.lastPause = { from, to: this.#begunAt };
    const [{ profile }] = await Promise.all([stopped, ...done]);
    return trimmedProfile(profile, tookMs * 1_000, endsRecording);
  }

  /** Does what a console's user could type. */
  #command(expression: string): Promise<unknown> {
    return this.#session.post("Runtime.evaluate", {
      expression,
      includeCommandLineAPI: true,
    });
  }

  /**
   * Finds where a function's code begins, as profiles name it.
   *
   * @returns `scriptId:line:column`, or `undefined` for what has no code.
   */
  async locate(
    // deno-lint-ignore ban-types
    fn: Function,
  ): Promise<string | undefined> {
    const shown = globalThis as unknown as Record<symbol, unknown>;
    shown[SHOWN] = fn;
    let asked: Promise<{ result: { objectId?: string } }>;
    try {
      asked = this.#session.post("Runtime.evaluate", {
        expression: `globalThis[Symbol.for("${SHOWN.description}")]`,
      });
    } finally {
      // The command has run by the time that post returns.
      delete shown[SHOWN];
    }
    const { objectId } = (await asked).result;
    if (objectId === undefined) return undefined;
    const { internalProperties } = await this.#session.post<Properties>(
      "Runtime.getProperties",
      { objectId, ownProperties: true },
    );
    await this.#session.post("Runtime.releaseObject", { objectId });
    const place = internalProperties
      ?.find(({ name }) => name === "[[FunctionLocation]]")?.value?.value;
    return place &&
      `${place.scriptId}:${place.lineNumber}:${place.columnNumber}`;
  }

  /** Ends, and lets go of the profiler. */
  [Symbol.dispose](): void {
    CpuRecording.#background.delete(this);
    this.#session[Symbol.dispose]();
  }
}

/** Recognizes the methods above that end a profile. */
function endsRecording({ url, functionName }: CallFrame): boolean {
  return url === import.meta.url && /^(stop|restart)$/.test(functionName);
}

/** Under which a function is shown to the inspector, for the moment of a command. */
const SHOWN: symbol = Symbol.for("sluice.function");

/** The name of the console profile that bridges two others. */
const BRIDGE = "sluice";

interface Properties {
  internalProperties?: {
    name: string;
    value?: {
      value?: { scriptId: string; lineNumber: number; columnNumber: number };
    };
  }[];
}
