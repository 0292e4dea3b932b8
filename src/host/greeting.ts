import { isObject, type JsonObject } from "../protocol/jsonrpc.ts";
import type { Call } from "../server/calls/call.ts";
import {
  checkedAnswer,
  type Question,
  requireCapability,
} from "../server/questions/client_question.ts";

/** The methods whose answer may be a question (2026-07-28, "MRTR"). */
const CARRIERS = ["tools/call", "prompts/get", "resources/read"];

/** Answers a call, or hands it on to what does. */
export type Gate = (call: Call, run: () => unknown) => unknown;

/** Parts that a greeting works with. */
export interface GreetingParts {
  /** Puts a gate before every call, or takes it away. */
  setGate(gate: Gate | undefined): void;
  /** Tells of a greeting that failed. */
  report(error: unknown): void;
}

interface OpenQuestion {
  readonly question: Question;
  resolve(answer: unknown): void;
  reject(reason: unknown): void;
}

/**
 * Work of `oninitialized` before the first request of the era in which no
 * client can be asked outside a request: its questions go out as the answer to
 * the first request that may carry them, and that request waits for what is made
 * of the answers.
 */
export class Greeting {
  readonly #parts: GreetingParts;
  readonly #open: Map<string, OpenQuestion> = new Map();
  #over: Promise<void> | undefined;
  #more = Promise.withResolvers<void>();
  #asked = 0;

  constructor(parts: GreetingParts) {
    this.#parts = parts;
  }

  /** True if it is under way: only then can it ask. */
  get underWay(): boolean {
    return this.#over !== undefined;
  }

  begin(greet: () => void | Promise<void>): void {
    // Known to be under way before its first question.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#over = promise;
    Promise.try(greet)
      .catch((error) => this.#parts.report(error))
      .finally(() => {
        this.#over = undefined;
        this.#parts.setGate(undefined);
        resolve();
      });
  }

  ask(question: Question): Promise<unknown> {
    this.#parts.setGate((call, run) => this.#hold(call, run));
    return new Promise((resolve, reject) => {
      const key = `greeting-${++this.#asked}`;
      this.#open.set(key, { question, resolve, reject });
      this.#more.resolve();
    });
  }

  async #hold(call: Call, run: () => unknown): Promise<unknown> {
    if (!call.era.asksByResult || !CARRIERS.includes(call.method)) {
      return await run();
    }
    await this.#take(call);
    if (this.#open.size === 0) {
      this.#more = Promise.withResolvers();
      await Promise.race([this.#over, this.#more.promise]);
    }
    const inputRequests = this.#questionsFor(call);
    return Object.keys(inputRequests).length > 0
      ? { resultType: "input_required", inputRequests }
      : await run();
  }

  /** Takes the answers that a call brings, and leaves it the rest. */
  async #take(call: Call): Promise<void> {
    const { inputResponses, ...params } = call.params;
    if (!isObject(inputResponses)) return;
    const rest: JsonObject = {};
    for (const [key, answer] of Object.entries(inputResponses)) {
      const open = this.#open.get(key);
      if (open !== undefined) {
        this.#open.delete(key);
        await checkedAnswer(open.question, answer)
          .then(open.resolve, open.reject);
      } else if (!key.startsWith("greeting-")) rest[key] = answer;
    }
    call.params = Object.keys(rest).length > 0
      ? { ...params, inputResponses: rest }
      : params;
  }

  /** Questions still to be asked of the client that makes a call. */
  #questionsFor(call: Call): Record<string, Question> {
    const asked: Record<string, Question> = {};
    for (const [key, { question, reject }] of this.#open) {
      try {
        requireCapability(question, call);
        asked[key] = question;
      } catch (error) {
        this.#open.delete(key);
        reject(error);
      }
    }
    return asked;
  }
}
