import type {
  OperatorAnswers,
  OperatorQuestion,
  OperatorSource,
} from "../../admin/operator_source.ts";
import { blockedMs } from "../../observe/watch/heartbeat.ts";
import type {
  SentAnswer,
  SentQuestion,
  SentRequest,
} from "./operator_messages.ts";

/** The time between two looks at the heartbeat while somebody waits, in milliseconds. */
const LOOK_MS = 50;

/** The server in the main thread, as its operators' thread reaches it. */
export class OperatorLine implements OperatorSource {
  readonly #send: (question: SentQuestion) => void;
  readonly #heartbeat: BigInt64Array;
  readonly #asked: Map<number, PromiseWithResolvers<unknown>> = new Map();
  #lastId = 0;
  #looking = false;

  constructor(
    send: (question: SentQuestion) => void,
    heartbeat: BigInt64Array,
  ) {
    this.#send = send;
    this.#heartbeat = heartbeat;
  }

  blockedMs(): number {
    return blockedMs(this.#heartbeat);
  }

  async ask<Name extends keyof OperatorAnswers>(
    name: Name,
    { format, request, address }: OperatorQuestion = {},
  ): Promise<OperatorAnswers[Name] | undefined> {
    // What is asked now would wait, and all be answered at once later.
    if (this.blockedMs() > 0) return undefined;
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#asked.set(id, answer);
    this.#look();
    this.#send({
      id,
      name,
      format,
      address,
      request: request && sent(request),
    });
    return await answer.promise as OperatorAnswers[Name] | undefined;
  }

  /** Takes an answer; one that comes too late is dropped. */
  take({ id, json, response, failure }: SentAnswer): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked === undefined) void response?.body?.cancel();
    else if (failure !== undefined) asked.reject(new Error(failure));
    else if (response === undefined) asked.resolve(JSON.parse(json!));
    else asked.resolve(new Response(response.body, response));
  }

  /** Waits for no answers once the server is blocked. */
  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    setTimeout(() => {
      this.#looking = false;
      if (this.blockedMs() > 0) this.#giveUp();
      if (this.#asked.size > 0) this.#look();
    }, LOOK_MS);
  }

  #giveUp(): void {
    for (const { resolve } of this.#asked.values()) resolve(undefined);
    this.#asked.clear();
  }
}

function sent({ method, url, headers }: Request): SentRequest {
  return { method, url, headers: [...headers] };
}
