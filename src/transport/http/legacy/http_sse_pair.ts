import { lastingPeer, type NetworkPeer } from "../../../base/network_peer.ts";
import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../../protocol/protocol_errors.ts";
import type { AuthInfo } from "../../../protocol/types.ts";
import { normalPath } from "../../../protocol/uri_form.ts";
import { Connection } from "../../connection.ts";
import type { Intake } from "../../../server/calls/intake.ts";
import type { Bodies, BodySender } from "../bodies.ts";
import type { EventStreams } from "../event_streams.ts";
import { bodyRefusal, refusal } from "../http_response.ts";
import { checkContentType } from "../media_type.ts";
import { frame, SSE_HEADERS, type SseStream } from "../sse_stream.ts";

const STREAM_PATH = "/sse";
const MESSAGE_PATH = "/messages";

interface OpenPair {
  connection: Connection;
  stream: SseStream;
}

/** Parts of its endpoint that the transport works with. */
export interface HttpSsePairParts {
  readonly intake: Intake;
  readonly streams: EventStreams;
  readonly bodies: Bodies;
}

/**
 * The transport of revision 2024-11-05: one stream for everything the server
 * says, and a second path that the client posts its messages to.
 */
export class HttpSsePair {
  readonly #intake: Intake;
  readonly #streams: EventStreams;
  readonly #bodies: Bodies;
  readonly #open: Map<string, OpenPair> = new Map();

  constructor(parts: HttpSsePairParts) {
    this.#intake = parts.intake;
    this.#streams = parts.streams;
    this.#bodies = parts.bodies;
  }

  serves(pathname: string): boolean {
    return pathname === STREAM_PATH || pathname === MESSAGE_PATH;
  }

  handle(
    request: Request,
    peer: NetworkPeer | undefined,
    authInfo: AuthInfo | undefined,
  ): Response | Promise<Response> {
    const url = new URL(request.url);
    const { searchParams } = url;
    const pathname = normalPath(url.pathname);
    if (pathname === STREAM_PATH && request.method === "GET") {
      return this.#openStream({ authInfo, peer: lastingPeer(peer) });
    }
    if (pathname === MESSAGE_PATH && request.method === "POST") {
      return this.#post(request, searchParams.get("sessionId"), {
        authInfo,
        peer: lastingPeer(peer),
      });
    }
    return refusal(
      405,
      new ProtocolError(
        ProtocolErrorCode.ConnectionClosed,
        "Method not allowed.",
      ),
      null,
      { allow: pathname === STREAM_PATH ? "GET" : "POST" },
    );
  }

  #openStream(opener: BodySender): Response {
    const id = crypto.randomUUID();
    const stream = this.#streams.open({
      account: this.#intake.accountOf(opener),
      gone: () => this.#end(id, "the client closed its stream"),
    }, opener.authInfo);
    const connection = new Connection(
      this.#intake,
      {
        network: "http",
        send: (text) => stream.write(frame(text)),
        caughtUp: () => stream.caughtUp(),
      },
      { sessionId: id, ...opener },
    );
    this.#open.set(id, { connection, stream });
    stream.write(`event: endpoint\ndata: ${MESSAGE_PATH}?sessionId=${id}\n\n`);
    return new Response(stream.body, { headers: SSE_HEADERS });
  }

  async #post(
    request: Request,
    id: string | null,
    sender: BodySender,
  ): Promise<Response> {
    const pair = this.#open.get(id ?? "");
    if (
      pair?.connection.session.principal !==
        this.#intake.identify(sender.authInfo)
    ) {
      await request.body?.cancel();
      return refusal(
        404,
        new ProtocolError(
          ProtocolErrorCode.SessionNotFound,
          "Session not found",
        ),
      );
    }
    const refused = checkContentType(request.headers, null);
    if (refused !== undefined) {
      await request.body?.cancel();
      return refused;
    }
    return await new Promise((resolve) =>
      this.#bodies.read({
        request,
        headers: request.headers,
        arrivedAt: undefined,
        ...sender,
      }, {
        take: (message, bytes) => {
          pair.connection.receive(message, bytes, sender);
          resolve(new Response("Accepted", { status: 202 }));
        },
        fail: (failure) => resolve(bodyRefusal(failure)),
      })
    );
  }

  #end(id: string, reason: string): void {
    const pair = this.#open.get(id);
    if (pair === undefined) return;
    this.#open.delete(id);
    pair.connection.close(reason);
    pair.stream.close();
  }

  close(): void {
    for (const id of [...this.#open.keys()]) {
      this.#end(id, "the server is shutting down");
    }
  }
}
