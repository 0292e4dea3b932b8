import { canonicalAddress } from "./ip_address.ts";

/** The other end of a request, as far as its host, or a trusted proxy, knows it. */
export interface NetworkPeer {
  /** Its address. */
  readonly remoteAddr?: { readonly hostname?: string };
  /** The URL that it asked for, if a trusted proxy says so. */
  readonly askedUrl?: string;
  /** Milliseconds that a trusted proxy has had the request for, if it says so. */
  readonly queuedMs?: number;
  /** Settles when the response has gone, or never will; to be read before it has. */
  readonly completed?: Promise<unknown>;
}

/** Tells if a host knows of a network, without asking it for the address yet. */
export function isNetworkPeer(peer: NetworkPeer | undefined): boolean {
  return peer !== undefined && "remoteAddr" in peer;
}

/** The caller's address in its canonical form; `undefined` if nobody knows it. */
export function addressOf(peer: NetworkPeer | undefined): string | undefined {
  const address = hostnameOf(peer);
  return address?.includes(":") ? canonicalAddress(address) : address;
}

/** Deno (2.9) no longer tells the address once the request has been answered. */
function hostnameOf(peer: NetworkPeer | undefined): string | undefined {
  try {
    return peer?.remoteAddr?.hostname;
  } catch {
    return undefined;
  }
}

/** A peer for what may outlive its request, after which its host forgets it. */
export function lastingPeer(
  peer: NetworkPeer | undefined,
): NetworkPeer | undefined {
  return peer && {
    remoteAddr: { hostname: hostnameOf(peer) },
    askedUrl: peer.askedUrl,
    queuedMs: peer.queuedMs,
  };
}

/** The URL that a request was sent to, as its caller knows it. */
export function askedUrlOf(
  request: Request,
  peer: NetworkPeer | undefined,
): string {
  return peer?.askedUrl ?? request.url;
}
