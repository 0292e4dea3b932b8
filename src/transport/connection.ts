import {
  InvalidRequestError,
  ProtocolError,
  ProtocolErrorCode,
  UnsupportedProtocolVersionError,
} from "../protocol/errors.ts";
import {
  answerFault,
  envelopeFault,
  errorText,
  type IncomingAnswer,
  type IncomingCall,
  isAnswer,
  isObject,
  type JsonObject,
  readableId,
} from "../protocol/jsonrpc.ts";
import { checkPayload } from "../protocol/payload.ts";
import {
  allowsBatches,
  metaKey,
  MODERN_REVISION,
  SUPPORTED_REVISIONS,
} from "../protocol/revision.ts";
import type { AuthInfo, RequestId } from "../protocol/types.ts";
import { collectBatch, MAX_BATCH } from "./batch_reply.ts";
import type { Engine } from "../server/calls/dispatcher.ts";
import type { Reply } from "../server/calls/reply.ts";
import { RequestContext } from "../server/calls/call.ts";
import { checkMeta, checkProgressToken } from "../server/eras/request_meta.ts";
import { Session, type SessionNetwork } from "../server/sessions/session.ts";

/** Where a connection's messages go. */
export interface MessageSink {
  /** What carries them, where that is known. */
  readonly network?: SessionNetwork;
  /** Sends one message. */
  send(text: string): void;
  /** See {@linkcode Reply.room}. */
  room?(): Promise<void> | undefined;
}

/**
 * One client at the other end of a channel that carries messages both ways:
 * stdio, memory, or a transport of the official SDK. Both eras may be spoken on
 * it, told apart request by request.
 */
export class Connection {
  readonly session: Session;
  readonly #engine: Engine;
  readonly #sink: MessageSink;
  readonly #authInfo: AuthInfo | undefined;

  constructor(
    engine: Engine,
    sink: MessageSink,
    sessionId?: string,
    authInfo?: AuthInfo,
  ) {
    this.#engine = engine;
    this.#sink = sink;
    this.#authInfo = authInfo;
    this.session = new Session(
      engine.clock,
      (text) => sink.send(text),
      sessionId,
      engine.identify(authInfo),
      sink.network,
    );
    engine.sessionOpened(this.session);
  }

  /**
   * Takes one message, or a batch of them, that has been parsed.
   *
   * @param bytes its size, where the channel knows it
   */
  receive(message: unknown, bytes: number = 0): void {
    if (Array.isArray(message)) this.#receiveBatch(message, bytes);
    else this.#receiveOne(message, () => this.#reply(), bytes);
  }

  #receiveBatch(messages: unknown[], bytes: number): void {
    const { session } = this;
    if (session.initialized && !allowsBatches(session.revision)) {
      this.#refuse(null, `revision ${session.revision} has no batches`);
    } else if (messages.length === 0) {
      this.#refuse(null, "the batch is empty");
    } else if (messages.length > MAX_BATCH) {
      this.#refuse(null, `a batch takes at most ${MAX_BATCH} messages`);
    } else this.#receiveAll(messages, bytes);
  }

  #receiveAll(messages: unknown[], bytes: number): void {
    const answered =
      messages.filter((each) =>
        !(isObject(each) && isAnswer(each)) &&
        (envelopeFault(each) !== undefined ||
          (each as IncomingCall).id !== undefined)
      ).length;
    const replyOf = collectBatch(this.#reply(), answered);
    for (const message of messages) {
      this.#receiveOne(message, replyOf, bytes / messages.length);
    }
  }

  #reply(): Reply {
    return new ConnectionReply(this.#sink, this.#authInfo);
  }

  /** @param replyOf makes the reply, should the message get one */
  #receiveOne(message: unknown, replyOf: () => Reply, bytes: number): void {
    if (isObject(message) && isAnswer(message)) {
      if (answerFault(message) === undefined) {
        this.session.answer(message as unknown as IncomingAnswer);
      }
      return;
    }
    const fault = envelopeFault(message);
    if (fault !== undefined) {
      const error = new InvalidRequestError(fault);
      replyOf().respond(errorText(readableId(message), error), error);
      return;
    }
    const { id, method, params = {} } = message as IncomingCall;
    if (id === undefined) this.#engine.notified(method, params, this.session);
    else this.#request(id, method, params, replyOf(), bytes);
  }

  #request(
    id: RequestId,
    method: string,
    params: JsonObject,
    reply: Reply,
    bytes: number,
  ): void {
    const modern = isObject(params._meta) &&
      params._meta[metaKey.protocolVersion] !== undefined;
    const context = new RequestContext(
      this.#engine,
      modern ? "modern" : "legacy",
      modern ? MODERN_REVISION : this.session.revision,
      method,
      params,
      id,
      reply,
      this.session,
    );
    context.requestBytes = bytes;
    try {
      this.#check(context);
    } catch (error) {
      this.#engine.refuse(context, error as ProtocolError);
      return;
    }
    this.#engine.dispatch(context);
  }

  #check({ requestId, params, era, meta }: RequestContext): void {
    if (this.session.inFlight.has(requestId)) {
      throw new InvalidRequestError(
        `id ${JSON.stringify(requestId)} belongs to a request still in flight`,
      );
    }
    checkPayload({ params }, {
      maxDepth: this.#engine.options.maxDepth,
      maxElements: this.#engine.options.maxToolInputElements,
    });
    if (era === "legacy") {
      checkProgressToken(meta ?? {});
      return;
    }
    checkMeta(params);
    const claimed = meta![metaKey.protocolVersion] as string;
    if (claimed !== MODERN_REVISION) {
      throw new UnsupportedProtocolVersionError(claimed, SUPPORTED_REVISIONS);
    }
  }

  #refuse(id: RequestId | null, why: string): void {
    this.#sink.send(errorText(id, new InvalidRequestError(why)));
  }

  /** Tells the client that what it sent could not even be parsed. */
  refuseUnparsed(why: string): void {
    this.#sink.send(
      errorText(
        null,
        new ProtocolError(ProtocolErrorCode.ParseError, `Parse error: ${why}`),
      ),
    );
  }

  /** The client will say nothing more: its answers are not waited for. */
  endInput(): void {
    this.session.refuseQuestions();
  }

  close(reason: string): void {
    this.session.close(reason);
    this.#engine.sessionClosed(this.session);
  }
}

/** Answers on the channel that everything else travels on, too. */
class ConnectionReply implements Reply {
  readonly authInfo: AuthInfo | undefined;
  readonly #sink: MessageSink;

  constructor(sink: MessageSink, authInfo: AuthInfo | undefined) {
    this.#sink = sink;
    this.authInfo = authInfo;
  }

  respond(text: string): void {
    this.#sink.send(text);
  }

  send(text: string): void {
    this.#sink.send(text);
  }

  room(): Promise<void> | undefined {
    return this.#sink.room?.();
  }

  abandon(): void {}

  /** The session cancels its requests itself when the channel closes. */
  onDisconnect(): void {}
}
