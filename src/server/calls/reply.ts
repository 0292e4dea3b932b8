import type { ProtocolError } from "../../protocol/protocol_errors.ts";
import type { AuthInfo } from "../../protocol/types.ts";

/**
 * Way of one request's answer, and of what may go before it. Each transport
 * brings its own; a reply belongs to one request and is never shared.
 */
export interface Reply {
  /**
   * Sends the response and ends the exchange. Called once at most.
   * @param error what the response carries, if it is an error: HTTP has a status for some
   */
  respond(text: string, error?: ProtocolError): void;
  /** Sends a message that belongs to the request, before its response. */
  send(text: string): void;
  /**
   * For who can wait: resolves when the client has caught up with what was sent,
   * or the exchange has ended; `undefined` if there is nothing to wait for.
   */
  caughtUp?(): Promise<void> | undefined;
  /** Ends the exchange without a response, after a cancellation. */
  abandon(): void;
  /** Calls back once if the client goes away before the response. */
  onDisconnect(callback: (reason: unknown) => void): void;
  /** The HTTP request, where there is one. */
  readonly request?: Request;
  /** Identity of the caller, if the host has checked it. */
  readonly authInfo?: AuthInfo;
  /** The address that the request came from, where that is known. */
  readonly address?: string;
  /** Ends the response's stream early, for the client to resume. */
  readonly closeStream?: () => void;
  /** Likewise for the session's standing stream. */
  readonly closeStandaloneStream?: () => void;
}

/** Sign that a method returns which answers later, on its own. */
export const STAYS_OPEN: unique symbol = Symbol("stays open");

/**
 * The reply of work that several requests wait for: it says who began it, and
 * says nothing to any of them.
 */
export class SharedReply implements Reply {
  readonly request: Request | undefined;
  readonly authInfo: AuthInfo | undefined;
  readonly address: string | undefined;

  constructor({ request, authInfo, address }: Reply) {
    this.request = request;
    this.authInfo = authInfo;
    this.address = address;
  }

  respond(): void {}
  send(): void {}
  abandon(): void {}
  onDisconnect(): void {}
}
