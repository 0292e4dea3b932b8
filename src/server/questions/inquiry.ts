import { ClosedError } from "../../base/errors.ts";
import { handled } from "../../base/thenable.ts";
import {
  InvalidParamsError,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type UrlElicitationRequiredError,
} from "../../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import type {
  ClientCapabilities,
  ElicitRequestURLParams,
  ElicitResult,
  InputRequest,
  InputRequests,
  InputRequiredResult,
} from "../../protocol/types.ts";
import { type ElicitInputParams, formParams } from "./input_required.ts";
import { canonical, fingerprint } from "./fingerprint.ts";
import {
  carriedQuestions,
  checkedAnswer,
  checkedAnswers,
  missingCapability,
  type Question,
  requireCapability,
  unsupportedQuestion,
} from "./client_question.ts";
import {
  isStandardSchema,
  type StandardSchema,
} from "../../protocol/standard_schema.ts";
import type { EraCodec } from "../eras/era_codec.ts";
import type { AskOptions, ElicitParams } from "../server_context.ts";
import type { Session } from "../sessions/session.ts";
import type { StateSealer } from "./request_state.ts";

/** Beginning of the keys of pages that an error has asked for. */
const PAGE_KEY = "url-";

/** Number of times one request may bring answers before it is refused. */
const MAX_ROUNDS = 16;

/** Parts that an inquiry needs of the call that asks. */
export interface Asker {
  readonly era: EraCodec;
  readonly revision: string;
  readonly method: string;
  readonly params: JsonObject;
  readonly session: Session | undefined;
  readonly reply: { send(text: string): void };
  readonly settled: boolean;
  readonly signal: AbortSignal;
  readonly clientCapabilities: ClientCapabilities;
  readonly caller: string;
  readonly sealer: StateSealer;
  /** Reads the handler's own state, with the author's check. */
  readState(state: string): unknown;
}

/** State that the client carries for the server from one round to the next. */
interface CarriedState {
  /** The handler's own state. */
  state?: string;
  /** Answers of the rounds so far. */
  answers: JsonObject;
  /** The questions that the handler itself has just asked, under its keys. */
  asked?: Record<string, Question>;
  round: number;
}

/** Unwinds a handler whose question is on its way to the client. */
class AwaitingInput extends Error {
  override readonly name = "AwaitingInput";

  constructor() {
    super("this request waits for the client's input and will run again");
  }
}

/**
 * The questions that a request's handler puts to the client, and the answers.
 * In the legacy era each is a request of its own. In the modern era they leave
 * as one `input_required` result; the client repeats its request with the
 * answers, and the handler runs again and finds them.
 */
export class Inquiry {
  /**
   * The answers that came with this round: those to the handler's own questions,
   * where the client has brought the state along that says which they were.
   */
  responses: JsonObject | undefined;
  /** Keys of answers that were no objects. */
  droppedKeys: string[] | undefined;
  /** The handler's own state, verified. */
  state: unknown;

  readonly #call: Asker;
  readonly #pending: Record<string, InputRequest> = {};
  #answers: JsonObject = {};
  /** What came with this round, under whatever key. */
  #given: JsonObject = {};
  #carried: string | undefined;
  #round = 0;
  #asked = 0;
  #isRetried = false;

  constructor(call: Asker) {
    this.#call = call;
  }

  /** True if the handler has asked something that has no answer yet. */
  get waiting(): boolean {
    return Object.keys(this.#pending).length > 0;
  }

  /** Reads what a repeated request brings along. */
  async resume(): Promise<void> {
    const { params, sealer } = this.#call;
    this.#takeResponses(params.inputResponses);
    if (params.requestState === undefined) return;
    if (typeof params.requestState !== "string") {
      throw new InvalidParamsError(
        "Invalid params: requestState must be a string",
      );
    }
    const opened = await sealer.open(
      params.requestState,
      await this.#binding(),
    ) as CarriedState;
    if (opened.asked !== undefined && this.responses !== undefined) {
      this.responses = await checkedAnswers(opened.asked, this.#given);
    }
    this.#answers = { ...opened.answers, ...this.#given, ...this.responses };
    this.#round = opened.round;
    this.#carried = opened.state;
    if (opened.state !== undefined) await this.readState(opened.state);
  }

  #takeResponses(responses: unknown): void {
    if (responses === undefined) return;
    if (!isObject(responses)) {
      throw new InvalidParamsError(
        "Invalid params: inputResponses must be an object",
      );
    }
    const entries = Object.entries(responses);
    const usable = ([, value]: [string, unknown]) =>
      isObject(value) && !("method" in value && "result" in value);
    this.#given = Object.fromEntries(entries.filter(usable));
    this.responses = this.#given;
    const dropped = entries.filter((entry) => !usable(entry));
    if (dropped.length > 0) this.droppedKeys = dropped.map(([key]) => key);
  }

  /** Runs the author's own check over the handler's state. */
  async readState(state: string): Promise<void> {
    try {
      this.state = await this.#call.readState(state);
    } catch {
      throw new InvalidParamsError("Invalid params: requestState is not valid");
    }
  }

  elicit(params: ElicitParams, options?: AskOptions): Promise<ElicitResult> {
    const asked = params.mode === "url"
      ? params
      : formParams(params as ElicitInputParams);
    const { requestedSchema } = params as Partial<ElicitInputParams>;
    return this.ask(
      "elicit",
      { method: "elicitation/create", params: asked },
      options,
      isStandardSchema(requestedSchema) ? requestedSchema : undefined,
    ) as Promise<ElicitResult>;
  }

  /**
   * Puts one question, in the manner of the client's era, and holds the client
   * to what may be answered.
   *
   * @param form the schema that a form was made of
   */
  ask(
    kind: string,
    request: Question,
    options?: AskOptions,
    form?: StandardSchema,
  ): Promise<unknown> {
    const asked = this.#inEra(request);
    // Asked or not, the question counts: what it lacks is the client's to learn.
    const key = `${kind}-${++this.#asked}-${fingerprint(asked)}`;
    const known = this.#call.era.asksByResult ? key : undefined;
    return handled(
      this.#put(key, asked, options).then((answer) =>
        checkedAnswer(request, answer, known, form)
      ),
    );
  }

  /** A page has an id in one era, and none in the other. */
  #inEra(request: Question): Question {
    const { params } = request;
    return isPage(params)
      ? { ...request, params: this.#call.era.pageParams(params) }
      : request;
  }

  #put(
    key: string,
    request: Question,
    options: AskOptions | undefined,
  ): Promise<unknown> {
    let lacking: ClientCapabilities | undefined;
    try {
      lacking = missingCapability(request, this.#call);
    } catch (error) {
      return rejected(error as Error);
    }
    if (!this.#call.era.asksByResult) {
      return this.#askNow(request, lacking, options);
    }
    const answer = this.#answers[key] ?? this.#given[key];
    if (answer !== undefined) {
      this.#answers[key] = answer;
      return Promise.resolve(answer);
    }
    if (lacking !== undefined) {
      return rejected(new MissingRequiredClientCapabilityError(lacking));
    }
    this.#pending[key] = request as InputRequest;
    return rejected(new AwaitingInput());
  }

  /** Asks a legacy client on the stream of its request. */
  #askNow(
    { method, params }: Question,
    lacking: ClientCapabilities | undefined,
    options?: AskOptions,
  ): Promise<unknown> {
    const { session, reply, settled } = this.#call;
    if (settled) return rejected(new ClosedError("the request"));
    if (session === undefined || !session.initialized) {
      return rejected(
        new ProtocolError(
          ProtocolErrorCode.InvalidRequest,
          `${method} needs a session: this client has none to be asked through`,
        ),
      );
    }
    if (lacking) return rejected(unsupportedQuestion(method, lacking));
    const via = (text: string) => reply.send(text);
    const elicitationId = isObject(params) ? params.elicitationId : undefined;
    if (typeof elicitationId === "string") {
      session.giveElicitation(elicitationId, via);
    }
    return handled(
      session.ask(method, params, via, {
        ...options,
        signal: options?.signal ?? this.#call.signal,
      }).finally(() => {
        // The page is done with later, when the request's stream may have ended.
        if (typeof elicitationId === "string") {
          session.giveElicitation(elicitationId);
        }
      }),
    );
  }

  /** Asks a legacy client what a modern one would get as an `input_required` result. */
  async fulfil(
    { inputRequests, requestState }: InputRequiredResult,
  ): Promise<void> {
    this.#refuseEndlessRounds();
    this.#round++;
    const answers = Object.entries(inputRequests ?? {}).map(
      async ([key, request]) => {
        const lacking = missingCapability(request, this.#call);
        const asked = this.#inEra(request);
        const answer = await this.#askNow(asked, lacking);
        return [key, await checkedAnswer(asked, answer, key)];
      },
    );
    this.responses = Object.fromEntries(await Promise.all(answers));
    this.state = undefined;
    if (requestState !== undefined) await this.readState(requestState);
  }

  #refuseEndlessRounds(): void {
    if (this.#round < MAX_ROUNDS) return;
    throw new InvalidParamsError(
      `Invalid params: still asking after ${MAX_ROUNDS} rounds; ` +
        "a handler must put the same questions on every run",
    );
  }

  /** The result that carries the questions, or those of the handler's own. */
  async requiredResult(own?: InputRequiredResult): Promise<JsonObject> {
    this.#refuseEndlessRounds();
    const requests = {
      ...this.#pending,
      ...(own?.inputRequests as InputRequests | undefined),
    };
    for (const request of Object.values(requests)) {
      requireCapability(request, this.#call);
    }
    const state = own === undefined ? this.#carried : own.requestState;
    const asked = carriedQuestions(own?.inputRequests);
    const carried: CarriedState = {
      ...(state !== undefined && { state }),
      ...(asked !== undefined && { asked }),
      answers: this.#answers,
      round: this.#round + 1,
    };
    const result: JsonObject = { resultType: "input_required" };
    if (Object.keys(requests).length > 0) result.inputRequests = requests;
    if (
      (state ?? asked) !== undefined || Object.keys(this.#answers).length > 0
    ) {
      result.requestState = await this.#call.sealer.seal(
        carried,
        await this.#binding(),
      );
    }
    return result;
  }

  /**
   * Asks a modern client for what a throw of the legacy URL error wants. Where it
   * has opened the pages, the handler runs once more: a legacy client would
   * repeat its request after the error, and the author counts on that.
   */
  async requireUrls(
    error: UrlElicitationRequiredError,
    again: () => unknown,
  ): Promise<unknown> {
    const inputRequests: Record<string, InputRequest> = {};
    error.elicitations.forEach(({ message, url }) => {
      inputRequests[PAGE_KEY + fingerprint(url)] = {
        method: "elicitation/create",
        params: { mode: "url", message, url },
      } as InputRequest;
    });
    if (Object.keys(inputRequests).every((key) => this.#answers[key])) {
      if (this.#isRetried) {
        throw new ProtocolError(
          ProtocolErrorCode.InternalError,
          "the pages have been opened, but the tool still asks for them: " +
            "toward 2026-07-28 clients use inputRequired.elicitUrl()",
        );
      }
      this.#isRetried = true;
      this.#asked = 0;
      return await again();
    }
    return await this.requiredResult({
      resultType: "input_required",
      inputRequests,
    } as InputRequiredResult);
  }

  /** Method, what it is about, and who asks: a state is good for nothing else. */
  async #binding(): Promise<string> {
    const { method, params, caller } = this.#call;
    const about = canonical({
      method,
      name: params.name,
      uri: params.uri,
      arguments: params.arguments,
      caller,
    });
    const digest = await crypto.subtle.digest(
      "SHA-256",
      new TextEncoder().encode(about),
    );
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16))
      .join(".");
  }
}

function isPage(params: unknown): params is ElicitRequestURLParams {
  return isObject(params) && params.mode === "url";
}

function rejected(reason: Error): Promise<never> {
  return handled(Promise.reject(reason));
}
