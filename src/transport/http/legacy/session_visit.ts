import type { NetworkPeer } from "../../../base/network_peer.ts";
import type { AuthInfo } from "../../../protocol/types.ts";
import type { HeaderReader } from "../served_request.ts";

/** Facts that say whose session a request is for. */
export interface SessionVisit {
  readonly headers: HeaderReader;
  readonly version: string | null;
  readonly authInfo: AuthInfo | undefined;
  readonly peer: NetworkPeer | undefined;
}
