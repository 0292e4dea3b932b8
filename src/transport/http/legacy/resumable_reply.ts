import type { ProtocolError } from "../../../protocol/protocol_errors.ts";
import type { AuthInfo } from "../../../protocol/types.ts";
import type { Reply } from "../../../server/calls/reply.ts";
import { InsufficientScopeError } from "../../../server/identity/access_errors.ts";
import type { HttpExchange } from "../endpoint_exchange.ts";
import type { HttpSession } from "./http_session.ts";
import type { ResumableStream } from "./resumable_stream.ts";

/**
 * For how many turns of the microtask queue a request may be turned away with a
 * status: then its stream opens, which has one already.
 */
const WAITED_TURNS = 12;

/** Actions of a reply on the HTTP response. */
export interface ResumableExchange {
  /** Answers with the stream. */
  open(): void;
  /**
   * Answers with a status in its place; missing where other requests wait for
   * their answers on the stream.
   */
  readonly refuse?: (text: string, error: ProtocolError) => void;
  /** The answer has been stored, or never will be. */
  settled(): void;
}

/** A request's answer on a stream that its client can resume. */
export class ResumableReply implements Reply {
  readonly request: Request;
  readonly authInfo: AuthInfo | undefined;
  readonly address: string | undefined;
  readonly closeStream: (() => void) | undefined;
  readonly closeStandaloneStream: (() => void) | undefined;
  readonly #stream: ResumableStream;
  readonly #http: ResumableExchange;
  #isAnswered = false;

  constructor(
    stream: ResumableStream,
    session: HttpSession,
    { request, authInfo, address }: HttpExchange,
    http: ResumableExchange,
  ) {
    this.#stream = stream;
    this.#http = http;
    this.request = request;
    this.authInfo = authInfo;
    this.address = address;
    this.#openIn(WAITED_TURNS);
    // A client that has been given no id yet could not come back.
    if (!session.takesPriming) return;
    this.closeStream = () => {
      this.#open();
      stream.disconnect();
    };
    this.closeStandaloneStream = () => session.closeStanding();
  }

  #openIn(turns: number): void {
    queueMicrotask(() => {
      if (this.#isAnswered) return;
      if (turns > 0) this.#openIn(turns - 1);
      else this.#open();
    });
  }

  #open(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#http.open();
  }

  respond(text: string, error?: ProtocolError): void {
    const { refuse } = this.#http;
    if (
      refuse !== undefined && error instanceof InsufficientScopeError &&
      !this.#isAnswered
    ) {
      refuse(text, error);
      this.#isAnswered = true;
    } else {
      this.#open();
      this.#stream.send(text);
    }
    this.#http.settled();
  }

  send(text: string): void {
    this.#open();
    this.#stream.send(text);
  }

  caughtUp(): Promise<void> {
    return this.#stream.caughtUp();
  }

  abandon(): void {
    this.#open();
    this.#http.settled();
  }

  /** A client that goes may come back: its going cancels nothing. */
  onDisconnect(): void {}
}
