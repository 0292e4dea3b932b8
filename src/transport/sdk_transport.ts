import { givenMessages } from "../protocol/left_out.ts";
import type { AuthInfo, JSONRPCMessage } from "../protocol/types.ts";
import type { Intake } from "../server/calls/intake.ts";
import type { OutsideErrors } from "../server/calls/outside_errors.ts";
import { Connection, type MessageOrigin } from "./connection.ts";

/** Facts that a transport of the official SDK, v1 or v2, has of a message. */
export interface MessageExtra {
  /** Identity of its sender. */
  authInfo?: AuthInfo;
  /** The HTTP request that brought it. */
  request?: Request;
  /** Description that v1 gives of that request. */
  requestInfo?: { headers: object; url?: URL };
  /** Ends the stream of the request, for the client to resume. */
  closeSSEStream?: () => void;
  /** Likewise for the session's standing stream. */
  closeStandaloneSSEStream?: () => void;
}

/**
 * A message channel in the shape of the official SDK's `Transport`, so that any
 * of its transports can be connected.
 */
export interface Transport {
  /** Begins to deliver messages. */
  start(): Promise<void>;
  /** Sends one message. */
  send(
    message: JSONRPCMessage,
    options?: { relatedRequestId?: string | number },
  ): Promise<void>;
  /** Ends the channel. */
  close(): Promise<void>;
  /** Called when the channel has ended, from either side. */
  onclose?: (() => void) | undefined;
  /** Called with what went wrong outside any request. */
  onerror?: ((error: Error) => void) | undefined;
  /** Called with each message from the other end. */
  onmessage?:
    | (<T extends JSONRPCMessage>(message: T, extra?: MessageExtra) => void)
    | undefined;
  /** The session, where the transport has one. */
  sessionId?: string | undefined;
}

/** Serves the client at the other end of a transport until either closes. */
export async function connectTransport(
  { intake, outside }: { intake: Intake; outside: OutsideErrors },
  transport: Transport,
): Promise<void> {
  const report = (error: unknown) => outside.report("transport", error);
  let open = true;
  const connection = new Connection(intake, {
    send: (text, relatedTo) => {
      const message = JSON.parse(text) as JSONRPCMessage;
      const options = streamOf(message, relatedTo);
      Promise.try(() => transport.send(message, options)).catch(report);
    },
    ended: () => {
      if (open) Promise.try(() => transport.close()).catch(report);
    },
  });
  const { onclose } = transport;
  transport.onclose = () => {
    open = false;
    connection.close("the transport has closed");
    onclose?.();
  };
  transport.onmessage = (message, extra) => {
    connection.session.id = transport.sessionId;
    connection.receive(givenMessages(message), 0, extra && originOf(extra));
  };
  transport.onerror ??= report;
  await transport.start();
}

/** HTTP transports of the SDK send what belongs to a request on its stream. */
function streamOf(
  message: JSONRPCMessage,
  relatedTo: string | number | undefined,
): { relatedRequestId: string | number } | undefined {
  const { id, method } = message as { id?: string | number; method?: string };
  const related = relatedTo ?? (method === undefined ? id : undefined);
  return related === undefined ? undefined : { relatedRequestId: related };
}

function originOf(extra: MessageExtra): MessageOrigin {
  return {
    authInfo: extra.authInfo,
    request: extra.request ?? requestOf(extra.requestInfo),
    closeStream: extra.closeSSEStream,
    closeStandaloneStream: extra.closeStandaloneSSEStream,
  };
}

/** Makes a request again of what v1 says of one. */
function requestOf(info: MessageExtra["requestInfo"]): Request | undefined {
  if (info === undefined) return undefined;
  const headers = new Headers();
  for (const [name, value] of Object.entries(info.headers)) {
    // Node's pseudo-headers of HTTP/2 are none.
    if (value !== undefined && !name.startsWith(":")) {
      headers.set(name, String(value));
    }
  }
  return new Request(info.url ?? "http://localhost/", {
    method: "POST",
    headers,
  });
}

/** One end of a {@linkcode linkedPair}. */
class LinkedEnd implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport["onmessage"];
  sessionId?: string | undefined;
  other!: LinkedEnd;
  #queue: JSONRPCMessage[] = [];
  #started = false;
  #closed = false;

  start(): Promise<void> {
    this.#started = true;
    for (const message of this.#queue.splice(0)) this.onmessage?.(message);
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#closed) return Promise.reject(new Error("the pair is closed"));
    // As over a wire: the other side gets a copy, and not in this turn.
    const copy = structuredClone(message);
    queueMicrotask(() => this.other.#receive(copy));
    return Promise.resolve();
  }

  #receive(message: JSONRPCMessage): void {
    if (this.#closed) return;
    if (this.#started) this.onmessage?.(message);
    else this.#queue.push(message);
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.onclose?.();
    return this.other.close();
  }
}

/**
 * Two transports, each the other's far end: one for an official client, one for
 * `server.connect()`.
 *
 * @example
 * ```ts
 * import { linkedPair, McpServer } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "test", version: "1.0.0" });
 * const [clientEnd, serverEnd] = linkedPair();
 * await server.connect(serverEnd);
 * await clientEnd.close();
 * ```
 */
export function linkedPair(): [client: Transport, server: Transport] {
  const client = new LinkedEnd();
  const server = new LinkedEnd();
  client.other = server;
  server.other = client;
  return [client, server];
}
