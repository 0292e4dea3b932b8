import type { Authenticator } from "../../auth/authenticator.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import type { BodyLimits } from "./bodies.ts";
import type { EventStreamOptions } from "./event_streams.ts";
import type { GateOptions } from "./host_gate.ts";
import type { LegacyOptions } from "./legacy/legacy_endpoint.ts";

/** Settings for how the server is reached over HTTP. */
export interface HttpOptions
  extends GateOptions, LegacyOptions, EventStreamOptions, BodyLimits {
  /**
   * The path of the MCP endpoint.
   * @default "/mcp"
   */
  path?: string;
  /**
   * Requests and event streams that may be open at once; one more is answered with
   * 503. Deno shows no connections: those that say nothing, or drip a header, are
   * seen by a proxy in front, or by the limit on the process's open files.
   * @default 10000
   */
  maxConnections?: number;
  /**
   * Answer as an event stream only if the handler speaks first or takes longer
   * than a second (`"auto"`), or always (`"sse"`).
   * @default "auto"
   */
  responseMode?: "auto" | "sse";
  /**
   * Serve the transport of 2024-11-05 as well: `GET /sse` and `POST /messages`.
   * @default false
   */
  httpSsePair?: boolean;
  /**
   * The server's URL as clients know it, such as `https://mcp.example.com`: the
   * endpoint's `path` follows it. Its host is allowed.
   * @default unknown
   */
  publicUrl?: string;
  /**
   * Credentials that are taken: what {@linkcode oauth} or {@linkcode apiKeys}
   * makes. Of several, the first that knows a credential decides. Without a good
   * one nobody is let in.
   * @default anybody is let in
   */
  auth?: Authenticator | readonly Authenticator[];
  /**
   * Says who is calling, or answers the request itself, such as with a 401.
   * @default nobody is known
   */
  authenticate?: (
    request: Request,
  ) =>
    | AuthInfo
    | Response
    | undefined
    | Promise<
      AuthInfo | Response | undefined
    >;
}

/** The other end of a connection, as far as its host knows it. */
export interface HttpPeer {
  /** Its address. */
  readonly remoteAddr?: { readonly hostname?: string };
}

/** Knowledge that the host of a server has of a request. */
export interface FetchContext {
  /** Identity of the caller, where the host has checked it. */
  authInfo?: AuthInfo;
}
