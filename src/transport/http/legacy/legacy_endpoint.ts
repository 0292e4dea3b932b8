import {
  option,
  type OptionRules,
  type ReadOptions,
} from "../../../base/option_rules.ts";
import { handled, isThenable } from "../../../base/thenable.ts";
import { InvalidRequestError } from "../../../protocol/protocol_errors.ts";
import type {
  Batch,
  Message,
  RequestMessage,
} from "../../../protocol/incoming.ts";
import {
  allowsBatches,
  DEFAULT_LEGACY_REVISION,
} from "../../../protocol/revision.ts";
import type { Intake } from "../../../server/calls/intake.ts";
import type { Reply } from "../../../server/calls/reply.ts";
import { BatchReply, collectBatch } from "../../batch_reply.ts";
import type { HttpExchange } from "../endpoint_exchange.ts";
import { waits } from "../served_request.ts";
import { HttpReply, type HttpReplyStyle } from "../http_reply.ts";
import { refusal, refuseForNow } from "../http_response.ts";
import { accepts } from "../media_type.ts";
import { SSE_HEADERS } from "../sse_stream.ts";
import type { EventStore } from "./event_store.ts";
import type { HttpSession } from "./http_session.ts";
import {
  legacyError,
  methodNotAllowed,
  UNAVAILABLE,
  unsupportedVersion,
} from "./legacy_refusals.ts";
import { ResumableReply } from "./resumable_reply.ts";
import {
  type Admitted,
  SessionDoor,
  type SessionDoorParts,
} from "./session_door.ts";
import type { SessionVisit } from "./session_visit.ts";
import { SESSION_LIMITS, type SessionLimits } from "./live_sessions.ts";
import { StandingStreams } from "./standing_streams.ts";

/** Settings for how the legacy era is served. */
export interface LegacyOptions extends SessionLimits {
  /**
   * Give clients sessions. Without them every request stands for itself and any
   * replica can answer it, but the server can't ask the client anything, and
   * declares neither logs, nor subscriptions, nor changes of lists.
   * @default true
   */
  sessions?: boolean;
  /**
   * Store of streams for clients that resume them; `"redis"` for the Redis that
   * replicas share, in which a stream is resumed at whichever is asked.
   * @default none: streams are not resumed
   */
  eventStore?: EventStore | "redis";
  /** Time before a cut-off client should come back, in milliseconds. */
  retryMs?: number;
}

const readStore = option.methods<EventStore>("storeEvent", "replayEventsAfter");

/** How they are read. */
export const LEGACY_OPTIONS = {
  ...SESSION_LIMITS,
  sessions: option.flag(true),
  eventStore: (name, given) =>
    given === "redis" ? given : readStore(name, given),
  retryMs: option.optional<number>(),
} satisfies OptionRules<LegacyOptions>;

/** The same settings, with the store that is meant. */
export type ResolvedLegacyOptions =
  & Omit<ReadOptions<typeof LEGACY_OPTIONS>, "eventStore">
  & { eventStore?: EventStore };

/** Parts that the endpoint works with. */
export interface LegacyEndpointParts
  extends Pick<SessionDoorParts, "intake" | "sharing"> {
  readonly style: HttpReplyStyle;
}

/** Serves Streamable HTTP as revisions 2025-03-26 to 2025-11-25 have it. */
export class LegacyEndpoint {
  readonly #intake: Intake;
  readonly #style: HttpReplyStyle;
  readonly #options: ResolvedLegacyOptions;
  /** `undefined` where clients have no sessions. */
  readonly #door: SessionDoor | undefined;
  readonly #streams: StandingStreams;

  constructor(
    { intake, style, sharing }: LegacyEndpointParts,
    options: ResolvedLegacyOptions,
  ) {
    this.#intake = intake;
    this.#style = style;
    this.#options = options;
    if (options.sessions) {
      this.#door = new SessionDoor({ intake, options, sharing });
    }
    this.#streams = new StandingStreams(
      { streams: style.streams, clock: intake.clock },
      options,
    );
  }

  /** Takes what a POST brought: a message, or a batch of them. */
  take(arrived: Message | Batch, exchange: HttpExchange): void {
    // Sessions may have to be waited for.
    waits(exchange);
    const messages = arrived.kind === "batch" ? arrived.messages : [arrived];
    const fault = batchFault(messages);
    if (fault !== undefined) {
      exchange.resolve(refusal(400, new InvalidRequestError(fault)));
      return;
    }
    if (messages.some((each) => methodOf(each) === "initialize")) {
      this.#begin(messages, exchange);
      return;
    }
    const admitted = this.#door === undefined
      ? unsupportedVersion(exchange.version, this.#intake.revisions)
      : this.#door.admit(exchange);
    if (isThenable(admitted)) {
      admitted.then((session) => this.#takeIn(arrived, session, exchange));
    } else this.#takeIn(arrived, admitted, exchange);
  }

  /** @param session whose the message is, or why it isn't taken */
  #takeIn(
    arrived: Message | Batch,
    session: Admitted | undefined,
    exchange: HttpExchange,
  ): void {
    if (session instanceof Response) {
      exchange.resolve(session);
      return;
    }
    const revision = exchange.version ?? session?.session.revision ??
      DEFAULT_LEGACY_REVISION;
    if (arrived.kind === "batch" && !allowsBatches(revision)) {
      exchange.resolve(refusal(
        400,
        new InvalidRequestError(`revision ${revision} has no batches`),
      ));
      return;
    }
    this.#deliver(arrived, { exchange, revision, session });
  }

  #begin(messages: readonly Message[], exchange: HttpExchange): void {
    const [message] = messages;
    const refuse = (why: string) =>
      exchange.resolve(refusal(400, new InvalidRequestError(why)));
    if (messages.length > 1) {
      refuse("only one initialization request is allowed");
    } else if (message.kind !== "request") refuse("initialize needs an id");
    else if (this.#door === undefined) {
      this.#start(message, {
        exchange,
        revision: DEFAULT_LEGACY_REVISION,
        session: undefined,
      });
    } else this.#openSession(message, this.#door, exchange);
  }

  #openSession(
    message: RequestMessage,
    door: SessionDoor,
    exchange: HttpExchange,
  ): void {
    const opened = door.open(message, exchange);
    if (isThenable(opened)) {
      opened.then((session) =>
        this.#initialize(message, session, door, exchange)
      );
    } else this.#initialize(message, opened, door, exchange);
  }

  #initialize(
    message: RequestMessage,
    session: Admitted,
    door: SessionDoor,
    exchange: HttpExchange,
  ): void {
    if (session instanceof Response) {
      exchange.resolve(session);
      return;
    }
    this.#start(message, {
      revision: DEFAULT_LEGACY_REVISION,
      session,
      exchange: {
        ...exchange,
        resolve: (response) => {
          // A refused initialize leaves no session behind.
          if (!session.session.initialized) door.forget(session);
          const begun = session.session.initialized
            ? door.begun(session)
            : undefined;
          if (begun === undefined) exchange.resolve(response);
          else {
            begun.then(() => exchange.resolve(response), () => {
              door.forget(session);
              exchange.resolve(refuseForNow(UNAVAILABLE, message.id));
            });
          }
        },
      },
    });
  }

  #deliver(arrived: Message | Batch, delivery: Delivery): void {
    const messages = arrived.kind === "batch" ? arrived.messages : [arrived];
    const session = delivery.session?.session;
    const requests: RequestMessage[] = [];
    const handedOn: (Promise<void> | undefined)[] = [];
    for (const message of messages) {
      if (message.kind === "request") requests.push(message);
      else if (message.kind === "answer") {
        handedOn.push(handled(this.#intake.answer(message, session)));
      } else if (message.kind === "notification") {
        const passed = this.#intake.notify(message, session);
        handedOn.push(passed && handled(passed));
      }
    }
    if (requests.length > 0 && delivery.session !== undefined) {
      this.#door?.markUsed(delivery.session);
    }
    if (requests.length === 0) {
      const { resolve } = delivery.exchange;
      Promise.all(handedOn).then(
        () => resolve(new Response(null, { status: 202 })),
        () => resolve(refuseForNow(UNAVAILABLE)),
      );
    } else if (arrived.kind === "batch") this.#startAll(requests, delivery);
    else this.#start(requests[0], delivery);
  }

  #startAll(requests: RequestMessage[], delivery: Delivery): void {
    const { length } = requests;
    const whole = this.#reply(delivery, requests);
    const replyOf = whole instanceof ResumableReply
      ? () => whole
      : collectBatch(whole, length);
    for (const request of requests) {
      this.#start(request, delivery, replyOf(), length);
    }
    if (whole instanceof HttpReply) whole.wait();
  }

  /** @param shared by how many requests the body is shared */
  #start(
    message: RequestMessage,
    delivery: Delivery,
    reply: Reply = this.#reply(delivery, [message]),
    shared: number = 1,
  ): void {
    const { exchange, revision, session } = delivery;
    const call = this.#intake.open({
      message,
      revision,
      reply,
      session: session?.session,
      bytes: exchange.bytes / shared,
    });
    if (reply instanceof HttpReply) reply.watch(call);
    else if (reply instanceof BatchReply) {
      reply.onDisconnect((reason) => call.cancel(reason));
    }
    this.#intake.submit(call);
    if (reply instanceof HttpReply) reply.wait();
  }

  /** Makes the reply to the requests of one POST. */
  #reply(
    { exchange, session }: Delivery,
    requests: readonly RequestMessage[],
  ): Reply {
    const headers = session && { "mcp-session-id": session.id };
    if (session === undefined || !session.resumes) {
      return new HttpReply(this.#style, exchange, headers);
    }
    const stream = session.newStream(requests.map(({ id }) => id));
    let left = requests.length;
    return new ResumableReply(stream, session, exchange, {
      open: () => {
        const connection = this.#streams.connect(session, exchange.authInfo);
        stream.connect(connection);
        const begin = () =>
          exchange.resolve(
            new Response(connection.body, {
              headers: { ...SSE_HEADERS, ...headers },
            }),
          );
        // A client that has the headers, and no id yet, could not come back.
        if (session.takesPriming) {
          void stream.prime(this.#options.retryMs).then(begin);
        } else begin();
      },
      ...(requests.length === 1 && {
        refuse: (text, error, more) =>
          new HttpReply(this.#style, exchange, { ...headers, ...more })
            .respond(text, error),
      }),
      settled: () => {
        if (--left === 0) stream.finish();
      },
    });
  }

  /** Answers what isn't a POST. */
  visit(method: string, visit: SessionVisit): Response | Promise<Response> {
    const door = this.#door;
    if (method !== "GET" && method !== "DELETE") {
      return methodNotAllowed("GET, POST, DELETE");
    }
    if (door === undefined) return methodNotAllowed("POST");
    if (
      method === "GET" &&
      !accepts(visit.headers.get("accept"), "text/event-stream")
    ) {
      return refusal(
        406,
        legacyError("Not Acceptable: Client must accept text/event-stream"),
      );
    }
    const admitted = door.admit(visit);
    return isThenable(admitted)
      ? admitted.then((session) => this.#letIn(method, session, visit))
      : this.#letIn(method, admitted, visit);
  }

  #letIn(
    method: "GET" | "DELETE",
    session: Admitted,
    visit: SessionVisit,
  ): Response | Promise<Response> {
    if (session instanceof Response) return session;
    const door = this.#door!;
    if (method === "GET") {
      door.markUsed(session);
      return this.#streams.open(session, visit);
    }
    return door.end(session, "the client ended the session").then(
      () => new Response(null, { status: 200 }),
      () => refuseForNow(UNAVAILABLE),
    );
  }

  close(): void {
    this.#door?.close();
  }
}

/** One POST, and whose it is. */
interface Delivery {
  readonly exchange: HttpExchange;
  readonly revision: string;
  readonly session: HttpSession | undefined;
}

function methodOf(message: Message): string | undefined {
  return "method" in message ? message.method : undefined;
}

/** Fault of one of the messages of a batch, if any has one. */
function batchFault(messages: readonly Message[]): string | undefined {
  for (const [index, message] of messages.entries()) {
    if (message.kind === "malformed") {
      return `message ${index}: ${message.fault}`;
    }
  }
  return undefined;
}
