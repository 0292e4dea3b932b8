import { handled } from "../base/thenable.ts";
import {
  ProtocolError,
  ProtocolErrorCode,
} from "../protocol/protocol_errors.ts";
import type { Greeting } from "./greeting.ts";
import { isObject } from "../protocol/jsonrpc.ts";
import type { StandardSchema } from "../protocol/standard_schema.ts";
import type { Implementation } from "../protocol/types.ts";
import {
  type Asked,
  checkedAnswer,
  checkedResult,
  isQuestion,
  missingCapability,
  type Question,
  unsupportedQuestion,
} from "../server/questions/client_question.ts";
import type { AskOptions } from "../server/server_context.ts";
import type { Call } from "../server/calls/call.ts";
import type { Session } from "../server/sessions/session.ts";

/** Facts known of a client. */
interface Client extends Asked {
  readonly clientInfo: Implementation | undefined;
}

/** The client of a server that has just one, as on stdio. */
export class OnlyClient {
  /** The first client of the era without sessions, as its first request shows it. */
  first: Client | undefined;
  readonly #sessions: ReadonlySet<Session>;
  readonly #greeting: Greeting;
  readonly #entering: () => Call | undefined;

  /** @param entering the call whose handler runs right now */
  constructor(
    sessions: ReadonlySet<Session>,
    greeting: Greeting,
    entering: () => Call | undefined,
  ) {
    this.#sessions = sessions;
    this.#greeting = greeting;
    this.#entering = entering;
  }

  /** Its session; `undefined` if there is not just one. */
  get session(): Session | undefined {
    const [session, ...others] = this.#sessions;
    return others.length === 0 && session?.initialized ? session : undefined;
  }

  /** Facts known of it. */
  get facts(): Client | undefined {
    const { session } = this;
    if (session !== undefined) return factsOf(session);
    const begun = Array.from(this.#sessions).some((each) => each.initialized);
    return begun ? undefined : this.first;
  }

  /**
   * Asks it outside any request; or, in the era without sessions, through the
   * call whose handler asks before it has waited for anything.
   *
   * @param schema what the answer is held to
   * @throws {ProtocolError} if there is not just one, or it can't be asked this
   */
  ask<T>(
    question: Question,
    options?: AskOptions,
    schema?: StandardSchema,
  ): Promise<T> {
    const answer = this.#ask(question, options);
    return handled(
      schema === undefined
        ? answer
        : answer.then((result) =>
          checkedResult(question.method, schema, result)
        ),
    ) as Promise<T>;
  }

  async #ask(
    question: Question,
    options: AskOptions | undefined,
  ): Promise<unknown> {
    const { session } = this;
    const { method, params } = question;
    if (session === undefined) {
      const call = this.#entering();
      if (call?.era.asksByResult && isQuestion(question)) {
        return await call.inquiry.ask("server", question, options);
      }
      if (this.#greeting.underWay && isQuestion(question)) {
        return await this.#greeting.ask(question);
      }
      throw new ProtocolError(
        ProtocolErrorCode.InvalidRequest,
        `${method} needs just one initialized client: inside a handler, ask through ctx`,
      );
    }
    const lacking = isQuestion(question)
      ? missingCapability(question, factsOf(session))
      : undefined;
    if (lacking) throw unsupportedQuestion(method, lacking);
    if (isObject(params) && typeof params.elicitationId === "string") {
      session.giveElicitation(params.elicitationId);
    }
    const answer = await session.ask(
      method,
      params,
      (text) => session.send(text),
      options,
    );
    return await checkedAnswer(question, answer);
  }
}

function factsOf({ revision, capabilities, clientInfo }: Session): Client {
  return { revision, clientCapabilities: capabilities, clientInfo };
}
