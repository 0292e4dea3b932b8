/** What one user does again and again: the requests of a visit in each of the three ways, and what their answers must be. */
import { type HttpAnswer, KeepAlive } from "../support/keep_alive.ts";
import { ReadyRequest } from "../support/ready_request.ts";
import {
  deleteRequest,
  initializedRequest,
  initializeRequest,
  legacyRequest,
  type Message,
  messagesOf,
  modernRequest,
  sessionHeader,
  type WireRequest,
} from "../support/wire.ts";
import { faultOf, type WorkTool, workTools } from "./contract.ts";

/**
 * How a server is spoken to: by the 2026-07-28 revision, which has neither
 * initialize nor sessions; by 2025-06-18 without sessions; or with them.
 */
export type WorkMode = "modern" | "stateless" | "sessions";

/** What a user tells of each answer: `ms` only of those that count as requests. */
export interface VisitReport {
  counted(ms: number): void;
  failed(why: string): void;
}

/** Says what is wrong with a message, or nothing. */
type FaultOfMessage = (message: Message) => string | undefined;

/** One request, and what its answer must be; without that it does not count. */
interface Step {
  readonly request: ReadyRequest;
  readonly faultOf?: FaultOfMessage;
}

/** One user, with a connection of its own; disposing closes it. */
export class Visitor implements Disposable {
  readonly #port: number;
  readonly #mode: WorkMode;
  readonly #report: VisitReport;
  readonly #connection: KeepAlive;
  readonly #calls: Step[];
  readonly #list: Step;
  readonly #initialize: Step;
  readonly #initialized: Step;
  readonly #delete: Step;

  constructor(port: number, user: number, mode: WorkMode, report: VisitReport) {
    this.#port = port;
    this.#mode = mode;
    this.#report = report;
    this.#connection = new KeepAlive(port);
    const request = mode === "modern" ? modernRequest : legacyRequest;
    this.#calls = workTools.map((tool) => this.#call(tool, user));
    this.#list = this.#step(request("tools/list", {}), faultOfList);
    this.#initialize = this.#step(initializeRequest, faultOfInitialize);
    this.#initialized = this.#step(initializedRequest);
    this.#delete = this.#step(deleteRequest);
  }

  /**
   * Three sessions, each with a call of another tool, the first with a list of
   * the tools too; `initialize`, calls and lists count. Without sessions the
   * same requests but for the DELETE; in the modern way only calls and the list.
   */
  async visit(): Promise<void> {
    for (const [index, call] of this.#calls.entries()) {
      const session = await this.#begin();
      if (index === 0) await this.#send(this.#list, session);
      await this.#send(call, session);
      if (session !== "") await this.#send(this.#delete, session);
    }
  }

  /** Opens a session, and gives its header; an empty one where there is none. */
  async #begin(): Promise<string> {
    if (this.#mode === "modern") return "";
    const answer = await this.#send(this.#initialize, "");
    const session = sessionHeader(answer?.head ?? "") ?? "";
    const isWanted = this.#mode === "sessions";
    if (answer !== undefined && (session !== "") !== isWanted) {
      this.#report.failed(isWanted ? "no session was given" : "a session");
    }
    await this.#send(this.#initialized, session);
    return session;
  }

  async #send(step: Step, session: string): Promise<HttpAnswer | undefined> {
    const start = performance.now();
    try {
      const answer = await this.#connection.send(step.request.bytes(session));
      const ms = performance.now() - start;
      if (step.faultOf !== undefined) this.#report.counted(ms);
      const fault = faultOfAnswer(answer, step.faultOf);
      if (fault === undefined) return answer;
      this.#report.failed(`${fault}: ${answer.head}${answer.body}`);
    } catch (error) {
      this.#connection[Symbol.dispose]();
      this.#report.failed((error as Error).message);
    }
    return undefined;
  }

  #call(tool: WorkTool, user: number): Step {
    const request = this.#mode === "modern" ? modernRequest : legacyRequest;
    const expected = tool.expected(user);
    return this.#step(
      request("tools/call", { name: tool.name, arguments: tool.args(user) }),
      ({ result, error }) => {
        if (error !== undefined) return error.message;
        return faultOf(tool, expected, result?.content?.[0]?.text);
      },
    );
  }

  #step(request: WireRequest, faultOf?: FaultOfMessage): Step {
    return { request: new ReadyRequest(this.#port, request), faultOf };
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

function faultOfAnswer(
  { status, head, body }: HttpAnswer,
  faultOf: FaultOfMessage | undefined,
): string | undefined {
  if (status < 200 || status > 299) return `status ${status}`;
  if (faultOf === undefined) return undefined;
  const type = /^content-type: *(.*)$/im.exec(head)?.[1] ?? "";
  const answer = messagesOf(type, body).find(({ id }) => id === 1);
  return answer === undefined ? "no answer" : faultOf(answer);
}

function faultOfList({ result }: Message): string | undefined {
  const tools = (result?.tools ?? []) as { name: string }[];
  const names = new Set(tools.map(({ name }) => name));
  const missing = workTools.filter(({ name }) => !names.has(name));
  return missing.length > 0
    ? `${missing.map(({ name }) => name)} missing in the list`
    : undefined;
}

function faultOfInitialize({ result }: Message): string | undefined {
  const { protocolVersion } = (result ?? {}) as { protocolVersion?: string };
  return protocolVersion === "2025-06-18"
    ? undefined
    : `protocol version ${protocolVersion}`;
}
