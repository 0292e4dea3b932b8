import type { NetworkPeer } from "../../base/network_peer.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import type { PromptRequest } from "./served_request.ts";

/** One HTTP request that has been let in, on its way to its response. */
export interface HttpExchange extends PromptRequest {
  /** Who sent it, or for whom a trusted proxy did. */
  readonly peer: NetworkPeer | undefined;
  /** The revision that the header `MCP-Protocol-Version` names. */
  readonly version: string | null;
  readonly authInfo: AuthInfo | undefined;
  /** The size of the body, once it has been read. */
  bytes: number;
  /** Answers the request, once. */
  resolve(response: Response): void;
}
