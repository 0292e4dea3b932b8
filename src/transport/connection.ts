import {
  InvalidRequestError,
  ProtocolError,
  ProtocolErrorCode,
} from "../protocol/protocol_errors.ts";
import { errorText } from "../protocol/jsonrpc.ts";
import {
  type Batch,
  classify,
  type Message,
  type RequestMessage,
} from "../protocol/incoming.ts";
import { allowsBatches } from "../protocol/revision.ts";
import type { AuthInfo, RequestId } from "../protocol/types.ts";
import type { Intake } from "../server/calls/intake.ts";
import type { NetworkPeer } from "../base/network_peer.ts";
import type { Reply } from "../server/calls/reply.ts";
import type { Session, SessionNetwork } from "../server/sessions/session.ts";
import { collectBatch } from "./batch_reply.ts";

/** Destination of a connection's messages. */
export interface MessageSink {
  /** Network that carries them, where that is known. */
  readonly network?: SessionNetwork;
  /**
   * Sends one message.
   * @param relatedTo the request that it belongs to, unless it answers one
   */
  send(text: string, relatedTo?: RequestId): void;
  /** The server has ended the session. */
  ended?(): void;
  /** See {@linkcode Reply.caughtUp}. */
  caughtUp?(): Promise<void> | undefined;
}

/** Peer at the other end of a connection, where that is known. */
export interface ConnectionPeer {
  readonly sessionId?: string;
  readonly authInfo?: AuthInfo;
  readonly peer?: NetworkPeer;
}

/** Facts that the channel knows of a message, and replies to it have. */
export type MessageOrigin = Pick<
  Reply,
  "request" | "authInfo" | "peer" | "closeStream" | "closeStandaloneStream"
>;

/**
 * One client at the other end of a channel that carries messages both ways:
 * stdio, memory, or a transport of the official SDK. Both eras may be spoken on
 * it, told apart request by request.
 */
export class Connection {
  readonly session: Session;
  readonly #intake: Intake;
  readonly #sink: MessageSink;
  readonly #origin: MessageOrigin;

  constructor(
    intake: Intake,
    sink: MessageSink,
    { sessionId, authInfo, peer }: ConnectionPeer = {},
  ) {
    this.#intake = intake;
    this.#sink = sink;
    this.#origin = { authInfo };
    this.session = intake.openSession({
      send: (text) => sink.send(text),
      ended: () => sink.ended?.(),
      id: sessionId,
      principal: intake.identify(authInfo),
      network: sink.network,
    }, peer);
  }

  /**
   * Takes what has been parsed: one message, or a batch of them.
   *
   * @param bytes its size, where the channel knows it
   * @param origin what the channel knows of this message
   */
  receive(
    value: unknown,
    bytes: number = 0,
    origin: MessageOrigin = this.#origin,
  ): void {
    const arrived = classify(value);
    if (Array.isArray(value) && !this.#allowsBatches()) {
      this.#refuse(`revision ${this.session.revision} has no batches`);
    } else if (arrived.kind === "batch") {
      this.#takeBatch(arrived, bytes, origin);
    } else {
      this.#take(
        arrived,
        () => new ConnectionReply(this.#sink, origin, idOf(arrived)),
        bytes,
      );
    }
  }

  /** Before `initialize` nothing says that the client may not. */
  #allowsBatches(): boolean {
    const { initialized, revision } = this.session;
    return !initialized || allowsBatches(revision);
  }

  #takeBatch(
    { messages }: Batch,
    bytes: number,
    origin: MessageOrigin,
  ): void {
    const answered = messages.filter(getsAnswer).length;
    const whole = new ConnectionReply(this.#sink, origin);
    const replyOf = collectBatch(whole, answered);
    for (const message of messages) {
      this.#take(message, replyOf, bytes / messages.length);
    }
  }

  /** @param replyOf makes the reply, should the message get one */
  #take(message: Message, replyOf: () => Reply, bytes: number): void {
    switch (message.kind) {
      case "request":
        return this.#request(message, replyOf(), bytes);
      case "notification":
        this.#intake.notify(message, this.session);
        return;
      case "answer":
        void this.#intake.answer(message, this.session);
        return;
      case "malformed": {
        if (message.isAnswer) return;
        const error = new InvalidRequestError(message.fault);
        replyOf().respond(errorText(message.id, error), error);
      }
    }
  }

  #request(message: RequestMessage, reply: Reply, bytes: number): void {
    const call = this.#intake.open({
      message,
      reply,
      session: this.session,
      bytes,
    });
    try {
      this.#intake.checkPayload(message);
    } catch (error) {
      this.#intake.refuse(call, error as ProtocolError);
      return;
    }
    this.#intake.submit(call);
  }

  #refuse(why: string): void {
    this.#sink.send(errorText(null, new InvalidRequestError(why)));
  }

  /** Tells the client that what it sent could not even be parsed. */
  refuseUnparsed(why: string, id: RequestId | null): void {
    this.#sink.send(
      errorText(
        id,
        new ProtocolError(ProtocolErrorCode.ParseError, `Parse error: ${why}`),
      ),
    );
  }

  /** The client will say nothing more: its answers are not waited for. */
  endInput(): void {
    this.session.refuseQuestions();
  }

  close(reason: string): void {
    this.#intake.closeSession(this.session, reason);
  }
}

function getsAnswer(message: Message): boolean {
  return message.kind === "request" ||
    (message.kind === "malformed" && !message.isAnswer);
}

function idOf(message: Message): RequestId | undefined {
  return message.kind === "request" ? message.id : undefined;
}

/** Answers on the channel that everything else travels on, too. */
class ConnectionReply implements Reply {
  readonly #sink: MessageSink;
  readonly #origin: MessageOrigin;
  readonly #requestId: RequestId | undefined;

  constructor(
    sink: MessageSink,
    origin: MessageOrigin,
    requestId?: RequestId,
  ) {
    this.#sink = sink;
    this.#origin = origin;
    this.#requestId = requestId;
  }

  get request(): Request | undefined {
    return this.#origin.request;
  }

  get authInfo(): AuthInfo | undefined {
    return this.#origin.authInfo;
  }

  get peer(): NetworkPeer | undefined {
    return this.#origin.peer;
  }

  get closeStream(): (() => void) | undefined {
    return this.#origin.closeStream;
  }

  get closeStandaloneStream(): (() => void) | undefined {
    return this.#origin.closeStandaloneStream;
  }

  respond(text: string): void {
    this.#sink.send(text);
  }

  send(text: string): void {
    this.#sink.send(text, this.#requestId);
  }

  caughtUp(): Promise<void> | undefined {
    return this.#sink.caughtUp?.();
  }

  abandon(): void {}

  /** The session cancels its requests itself when the channel closes. */
  onDisconnect(): void {}
}
