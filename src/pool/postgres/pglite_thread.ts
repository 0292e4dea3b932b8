import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { Worker } from "node:worker_threads";
import { ClosedError } from "../../base/errors.ts";
import { threadScript } from "../../base/thread_script.ts";
import {
  type PgliteAnswer,
  type PgliteQuestion,
  pgliteWorker,
} from "./pglite_worker.ts";

/** The first byte of the message that a session is over. */
const TERMINATE = "X".charCodeAt(0);

/** The end of ReadyForQuery, which comes last, outside of transactions. */
const IDLE = "I".charCodeAt(0);

/** Ignored by itself; where data is awaited, PGlite would break without it. */
const COPY_FAIL = copyFail("COPY FROM STDIN is not supported");

/**
 * PGlite in a thread of its own, which never holds the process up: neither its
 * event loop, nor its end, unless it is asked something or a transaction is
 * open. It answers in the order in which it is asked.
 */
export class PgliteThread {
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<Uint8Array | undefined>[] = [];
  #failure: Error | undefined;

  private constructor() {
    this.#worker = new Worker(threadScript(pgliteWorker.module), {
      workerData: pgliteWorker.mark,
    });
    this.#worker.on("message", (answer) => this.#take(answer));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new ClosedError("PGlite")));
  }

  /** Opens a database; says why if it can't be. */
  static async open(url: string): Promise<PgliteThread> {
    const thread = new PgliteThread();
    try {
      await thread.#answer();
      await thread.ask({ url });
      return thread;
    } catch (error) {
      await thread.#worker.terminate();
      throw error;
    }
  }

  ask(question: PgliteQuestion): Promise<Uint8Array | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#worker.ref();
    this.#worker.postMessage(question);
    return this.#answer();
  }

  /** Opens a way for the protocol; what a session leaves behind goes with it. */
  connect(): Duplex {
    const reset = () => this.ask("reset").catch(() => {});
    const stream: Duplex = new Duplex({
      read: () => {},
      writev: (chunks, done) => {
        // It would be answered by nothing, and swallow what is asked next.
        if (chunks[0].chunk[0] === TERMINATE) return done();
        const messages = Buffer.concat([
          ...chunks.map(({ chunk }) => chunk),
          COPY_FAIL,
        ]);
        this.ask(new Uint8Array(messages)).then((bytes) => {
          stream.push(bytes);
          done();
        }, done);
      },
      final: (done) => {
        stream.push(null);
        done();
      },
      destroy: (error, done) => {
        reset();
        done(error);
      },
    });
    const socket = { connect: () => {}, setNoDelay: () => {} };
    return Object.assign(stream, socket);
  }

  /** Ends the thread once it has done what it was asked. */
  async close(): Promise<void> {
    await this.ask("close").catch(() => {});
    await this.#worker.terminate();
  }

  /** Waits for the next answer; the first one says that the thread listens. */
  #answer(): Promise<Uint8Array | undefined> {
    const asked = Promise.withResolvers<Uint8Array | undefined>();
    this.#asked.push(asked);
    return asked.promise;
  }

  #take({ bytes, failure }: PgliteAnswer): void {
    const asked = this.#asked.shift();
    const isInTransaction = !!bytes?.length && bytes.at(-1) !== IDLE;
    if (this.#asked.length === 0 && !isInTransaction) this.#worker.unref();
    if (failure === undefined) asked?.resolve(bytes);
    else asked?.reject(new Error(failure));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const asked of this.#asked.splice(0)) asked.reject(error);
  }
}

function copyFail(reason: string): Uint8Array {
  const message = Buffer.from(`f\0\0\0\0${reason}\0`);
  message.writeUInt32BE(message.length - 1, 1);
  return message;
}
