/** One client of the replicas, as it speaks over one kept connection. */
import { type HttpAnswer, KeepAlive } from "../support/keep_alive.ts";
import { ReadyRequest } from "../support/ready_request.ts";
import { expectStatus } from "../support/turns.ts";
import {
  deleteRequest,
  initializedRequest,
  initializeRequest,
  legacyRequest,
  modernRequest,
  sessionHeader,
  type WireRequest,
} from "../support/wire.ts";

const CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const withTasks = {
  [CAPABILITIES]: { extensions: { "io.modelcontextprotocol/tasks": {} } },
};

/** Calls one replica, in one era or the other. */
export class BenchClient implements Disposable {
  readonly #port: number;
  readonly #connection: KeepAlive;

  constructor(port: number) {
    this.#port = port;
    this.#connection = new KeepAlive(port);
  }

  /** A modern request; gives the body of its answer. */
  async modern(
    method: string,
    params: Record<string, unknown>,
  ): Promise<string> {
    return await this.#good(modernRequest(method, params, withTasks));
  }

  /** A modern call of a tool. */
  call(name: string, args: Record<string, unknown> = {}): Promise<string> {
    return this.modern("tools/call", { name, arguments: args });
  }

  /** Begins a session; gives its header. */
  async open(): Promise<string> {
    const answer = await this.#send(initializeRequest);
    expectStatus(answer, 200);
    const session = sessionHeader(answer.head)!;
    expectStatus(await this.#send(initializedRequest, session), 202);
    return session;
  }

  /** A request in a session. */
  legacy(
    session: string,
    method: string,
    params: Record<string, unknown>,
  ): Promise<string> {
    return this.#good(legacyRequest(method, params), session);
  }

  async end(session: string): Promise<void> {
    expectStatus(await this.#send(deleteRequest, session), 200);
  }

  async #good(
    request: WireRequest,
    session = "",
  ): Promise<string> {
    const answer = await this.#send(request, session);
    expectStatus(answer, 200);
    if (!answer.body.includes('"result"')) throw new Error(answer.body);
    return answer.body;
  }

  #send(
    request: WireRequest,
    session = "",
  ): Promise<HttpAnswer> {
    const ready = new ReadyRequest(this.#port, request);
    return this.#connection.send(ready.bytes(session));
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}
