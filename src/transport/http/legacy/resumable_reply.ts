import type { AuthInfo } from "../../../protocol/types.ts";
import type { Reply } from "../../../server/calls/reply.ts";
import type { HttpExchange } from "../endpoint_exchange.ts";
import type { HttpSession } from "./http_session.ts";
import type { ResumableStream } from "./resumable_stream.ts";

/** A request's answer on a stream that its client can resume. */
export class ResumableReply implements Reply {
  readonly request: Request;
  readonly authInfo: AuthInfo | undefined;
  readonly closeStream: (() => void) | undefined;
  readonly closeStandaloneStream: (() => void) | undefined;
  readonly #stream: ResumableStream;
  readonly #onSettled: () => void;

  /** @param onSettled is called once the answer has been stored, or never will be */
  constructor(
    stream: ResumableStream,
    session: HttpSession,
    { request, authInfo }: HttpExchange,
    onSettled: () => void,
  ) {
    this.#stream = stream;
    this.#onSettled = onSettled;
    this.request = request;
    this.authInfo = authInfo;
    // A client that has been given no id yet could not come back.
    if (!session.takesPriming) return;
    this.closeStream = () => stream.disconnect();
    this.closeStandaloneStream = () => session.closeStanding();
  }

  respond(text: string): void {
    this.#stream.send(text);
    this.#onSettled();
  }

  send(text: string): void {
    this.#stream.send(text);
  }

  caughtUp(): Promise<void> {
    return this.#stream.caughtUp();
  }

  abandon(): void {
    this.#onSettled();
  }

  /** A client that goes may come back: its going cancels nothing. */
  onDisconnect(): void {}
}
