import { UnavailableError } from "../base/errors.ts";
import { thrownText } from "../base/thrown.ts";

/** A message between a supervisor and a worker: one of these. */
type LinkMessage =
  | { readonly say: string; readonly body?: unknown }
  | { readonly ask: number; readonly of: string; readonly body?: unknown }
  /** Who asked needs no answer any more. */
  | { readonly leave: number }
  | { readonly answer: number; readonly value?: unknown }
  | {
    readonly answer: number;
    readonly failure: string;
    readonly data?: unknown;
  };

/**
 * Takes what the other end says of something, or asks; gives the answer. Those
 * that take long can be told when nobody waits for it any longer.
 */
export type LinkListener = (
  body: unknown,
  whenLeft: (listener: () => void) => void,
) => unknown;

/**
 * One end of the channel between a supervisor and one of its workers. What is
 * said arrives in order; bodies and answers must be JSON.
 */
export class ProcessLink {
  readonly #send: (message: object) => void;
  readonly #listeners: Map<string, LinkListener> = new Map();
  readonly #asked: Map<number, PromiseWithResolvers<unknown>> = new Map();
  readonly #whenLeft: Map<number, () => void> = new Map();
  #lastId = 0;
  #closed = false;

  constructor(send: (message: object) => void) {
    this.#send = send;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Hands what is said or asked of something to its one listener. */
  on(topic: string, listener: LinkListener): void {
    this.#listeners.set(topic, listener);
  }

  /** Hands it to nobody any longer. */
  off(topic: string): void {
    this.#listeners.delete(topic);
  }

  /** Says something; nobody may hear it any more. */
  say(topic: string, body?: unknown): void {
    if (!this.#closed) this.#send({ say: topic, body } satisfies LinkMessage);
  }

  /**
   * Asks something.
   *
   * @param signal tells the other end that the answer isn't needed any more
   * @throws {UnavailableError} if the other end is gone
   * @throws {Error} with the text, and the `data`, of what the other end threw
   */
  ask(topic: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
    if (this.#closed) return Promise.reject(gone());
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#asked.set(id, answer);
    this.#send({ ask: id, of: topic, body } satisfies LinkMessage);
    if (signal === undefined) return answer.promise;
    const leave = () => this.#leave(id);
    signal.addEventListener("abort", leave, { once: true });
    return answer.promise.finally(() =>
      signal.removeEventListener("abort", leave)
    );
  }

  #leave(id: number): void {
    if (!this.#closed) this.#send({ leave: id } satisfies LinkMessage);
  }

  /** Takes a message of the other end. */
  take(message: object): void {
    const sent = message as LinkMessage;
    if ("say" in sent) {
      void this.#listeners.get(sent.say)?.(sent.body, () => {});
    } else if ("leave" in sent) this.#whenLeft.get(sent.leave)?.();
    else if ("ask" in sent) void this.#answer(sent.ask, sent.of, sent.body);
    else {
      const asked = this.#asked.get(sent.answer);
      this.#asked.delete(sent.answer);
      if ("failure" in sent) {
        const { failure, data } = sent;
        asked?.reject(Object.assign(new Error(failure), { data }));
      } else asked?.resolve(sent.value);
    }
  }

  /** The other end is gone: what was asked gets no answer. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#asked.values()) reject(gone());
    this.#asked.clear();
  }

  async #answer(id: number, topic: string, body: unknown): Promise<void> {
    let answer: LinkMessage;
    try {
      const listener = this.#listeners.get(topic);
      if (listener === undefined) throw new Error(`nobody knows of ${topic}`);
      const value = listener(body, (told) => this.#whenLeft.set(id, told));
      answer = { answer: id, value: await value };
    } catch (error) {
      const { data } = Object(error) as { data?: unknown };
      answer = { answer: id, failure: thrownText(error), data };
    } finally {
      this.#whenLeft.delete(id);
    }
    if (!this.#closed) this.#send(answer);
  }
}

function gone(): UnavailableError {
  return new UnavailableError("the supervisor", "it is gone");
}
