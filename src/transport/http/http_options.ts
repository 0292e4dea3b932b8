import type { Authenticator } from "../../auth/authenticator.ts";
import { checkAuth } from "../../auth/http_auth.ts";
import { checkPublicUrl } from "../../auth/protected_resource.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
} from "../../base/option_rules.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import { BODY_LIMITS, type BodyLimits } from "./bodies.ts";
import { readPath } from "./endpoint_path.ts";
import {
  EVENT_STREAM_OPTIONS,
  type EventStreamOptions,
} from "./event_streams.ts";
import { GATE_OPTIONS, type GateOptions } from "./host_gate.ts";
import {
  LEGACY_OPTIONS,
  type LegacyOptions,
} from "./legacy/legacy_endpoint.ts";

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
   * Proxies that are believed when they say for whom they speak: IP addresses,
   * networks such as `"10.0.0.0/8"`, and `"loopback"` for those on this machine.
   * From these alone, `X-Forwarded-For` or `Forwarded` (RFC 7239) says the caller's
   * address, which limits, logs and handlers see; `-Proto` and `-Host` say the URL
   * it asked for; and `X-Request-Start` says since when it has been waiting.
   * @default none: a caller is whoever is at the other end of the connection
   */
  trustedProxies?: string | readonly string[];
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

/** How they are read. */
export const HTTP_OPTIONS = {
  ...GATE_OPTIONS,
  ...LEGACY_OPTIONS,
  ...EVENT_STREAM_OPTIONS,
  ...BODY_LIMITS,
  path: readPath,
  maxConnections: option.limit(10_000, 1),
  responseMode: option.word("auto", ["auto", "sse"]),
  httpSsePair: option.any(false),
  publicUrl: option.ifGiven(checkPublicUrl),
  trustedProxies: option.optional<HttpOptions["trustedProxies"]>(),
  auth: option.ifGiven(checkAuth),
  authenticate: option.function<HttpOptions["authenticate"]>(undefined),
} satisfies OptionRules<HttpOptions>;

/** The settings, with their defaults. */
export type HttpSettings = ReadOptions<typeof HTTP_OPTIONS>;

/** Knowledge that the host of a server has of a request. */
export interface FetchContext {
  /** Identity of the caller, where the host has checked it. */
  authInfo?: AuthInfo;
}
