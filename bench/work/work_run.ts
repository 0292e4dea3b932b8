/** One interleaved run over servers and modes: started, warmed up, loaded in turn, every answer checked. */
import type { ServerProcess } from "../support/server_process.ts";
import { rotated } from "../support/statistics.ts";
import { Visitor, type VisitReport, type WorkMode } from "./visit.ts";
import { buildWorkServer, type WorkServer } from "./work_servers.ts";
import { WorkWorld } from "./work_world.ts";

/** How much load each server gets in each mode. */
export interface WorkRunOptions {
  users: number;
  /**
   * Load before a slice that doesn't count: while others have their turn, V8 gives
   * up memory and compiled code, and then makes two thirds of the requests a
   * CPU-second for a while.
   */
  leadInSeconds: number;
  /** Length of a slice; a visit that has begun is finished after it. */
  seconds: number;
  /** Slices. */
  rounds: number;
  warmUpSeconds: number;
}

/** What one slice of load measured. */
export interface WorkSample {
  perSecond: number;
  perCpuSecond: number;
  /** Time of each counted request, in milliseconds. */
  latencies: number[];
}

/** A server in one mode, and what has been measured of it. */
export interface WorkSubject {
  readonly server: WorkServer;
  readonly id: string;
  readonly mode: WorkMode;
  readonly samples: WorkSample[];
  rssBytes: number;
  /** Answers against the contract, in all slices. */
  errors: number;
  /** The first of them, or why the server is out of the run. */
  failure?: string;
  process?: ServerProcess;
}

/** A visit that takes longer is broken off, and its request is an error. */
const maxVisitMs = 20_000;

/** A run; disposing ends every server. */
export class WorkRun implements AsyncDisposable {
  readonly subjects: WorkSubject[] = [];
  readonly #stack = new AsyncDisposableStack();
  readonly #options: WorkRunOptions;
  readonly #show: (step: string) => void;

  constructor(options: WorkRunOptions, show: (step: string) => void) {
    this.#options = options;
    this.#show = show;
  }

  /** Measures servers in the modes that they have of those asked for. */
  async run(
    servers: Record<string, WorkServer>,
    modes: readonly WorkMode[],
  ): Promise<void> {
    const world = this.#stack.use(await WorkWorld.start());
    for (const [id, server] of Object.entries(servers)) {
      this.#show(`building ${server.label}`);
      const failure = await messageOf(() => buildWorkServer(server));
      for (const mode of modes.filter((mode) => server.modes.includes(mode))) {
        await this.#start(world, { server, id, mode, failure });
      }
    }
    const { leadInSeconds, seconds, rounds, warmUpSeconds } = this.#options;
    for (const subject of this.subjects) {
      await this.#load(subject, warmUpSeconds, "warm-up");
    }
    for (let round = 0; round < rounds; round++) {
      for (const subject of rotated(this.subjects, round)) {
        const step = `round ${round + 1} of ${rounds}`;
        await this.#load(subject, leadInSeconds, step);
        const sample = await this.#load(subject, seconds, step);
        if (sample !== undefined) subject.samples.push(sample);
      }
    }
    this.#show("");
  }

  async #start(
    world: WorkWorld,
    about: Pick<WorkSubject, "server" | "id" | "mode" | "failure">,
  ): Promise<void> {
    const subject: WorkSubject = {
      ...about,
      samples: [],
      rssBytes: 0,
      errors: 0,
    };
    this.subjects.push(subject);
    if (subject.failure !== undefined) return;
    this.#show(`starting ${subject.server.label}, ${subject.mode}`);
    subject.failure = await messageOf(async () => {
      subject.process = await world.serve(subject.server, subject.mode);
      this.#stack.use(subject.process);
    });
  }

  /** Loads a subject for one slice; one whose process has ended is out of the run. */
  async #load(
    subject: WorkSubject,
    seconds: number,
    step: string,
  ): Promise<WorkSample | undefined> {
    const { process, mode, server } = subject;
    if (process === undefined) return undefined;
    this.#show(`${step}: ${server.label}, ${mode}`);
    try {
      const cpuBefore = process.cpuMs();
      const start = performance.now();
      const latencies = await this.#visit(subject, process.port, seconds);
      const elapsedMs = performance.now() - start;
      subject.rssBytes = process.rssBytes();
      return {
        perSecond: latencies.length * 1_000 / elapsedMs,
        perCpuSecond: latencies.length * 1_000 / (process.cpuMs() - cpuBefore),
        latencies,
      };
    } catch (error) {
      subject.process = undefined;
      subject.failure ??= `${step}: ${(error as Error).message}`;
      return undefined;
    }
  }

  /** Has all users make visits until the time is up, and gives what each request took. */
  async #visit(
    subject: WorkSubject,
    port: number,
    seconds: number,
  ): Promise<number[]> {
    const latencies: number[] = [];
    const report: VisitReport = {
      counted: (ms) => latencies.push(ms),
      failed: (why) => {
        subject.errors++;
        subject.failure ??= why;
      },
    };
    const end = performance.now() + seconds * 1_000;
    const visitors = Array.from(
      { length: this.#options.users },
      (_, user) => new Visitor(port, user, subject.mode, report),
    );
    const hangUp = () => {
      for (const visitor of visitors) visitor[Symbol.dispose]();
    };
    const patience = setTimeout(hangUp, seconds * 1_000 + maxVisitMs);
    await Promise.all(visitors.map(async (visitor) => {
      while (performance.now() < end) await visitor.visit();
    }));
    clearTimeout(patience);
    hangUp();
    return latencies;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function messageOf(
  work: () => Promise<void>,
): Promise<string | undefined> {
  try {
    await work();
  } catch (error) {
    return (error as Error).message;
  }
}
