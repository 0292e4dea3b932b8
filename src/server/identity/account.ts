import { countedAddress } from "../../base/ip_address.ts";
import { addressOf, type NetworkPeer } from "../../base/network_peer.ts";

/**
 * Name under which counts what is shared: a caller's, or that of the address from
 * which somebody calls whom nobody knows.
 */
export function accountOf(
  principal: string,
  peer: NetworkPeer | undefined,
): string {
  return principal === "" ? addressAccount(peer) : `caller ${principal}`;
}

/** Name of a caller's address: an IPv6 address counts as its /64; "" for none. */
export function addressAccount(peer: NetworkPeer | undefined): string {
  const address = addressOf(peer);
  return address === undefined ? "" : `address ${countedAddress(address)}`;
}
