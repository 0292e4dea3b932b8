import { canonicalAddress } from "./ip_address.ts";

/** The other end of a request, as far as its host, or a trusted proxy, knows it. */
export interface NetworkPeer {
  /** Its address. */
  readonly remoteAddr?: { readonly hostname?: string };
  /** The URL that it asked for, if a trusted proxy says so. */
  readonly askedUrl?: string;
  /** Milliseconds that a trusted proxy has had the request for, if it says so. */
  readonly queuedMs?: number;
}

/** The caller's address in its canonical form; `undefined` if nobody knows it. */
export function addressOf(peer: NetworkPeer | undefined): string | undefined {
  const address = peer?.remoteAddr?.hostname;
  return address?.includes(":") ? canonicalAddress(address) : address;
}

/** The URL that a request was sent to, as its caller knows it. */
export function askedUrlOf(
  request: Request,
  peer: NetworkPeer | undefined,
): string {
  return peer?.askedUrl ?? request.url;
}
