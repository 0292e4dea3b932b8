import { isLoopback } from "../base/loopback.ts";
import {
  addressOf,
  askedUrlOf,
  type NetworkPeer,
} from "../base/network_peer.ts";

/**
 * Tells if a caller is an operator: `true` or `false`, or a response of its
 * own, such as a 401 that asks for a password. Beside the request it is told the
 * caller's address, see the option `trustedProxies`; `undefined` if that is unknown.
 */
export type AuthorizeOperator = (
  request: Request,
  address: string | undefined,
) => boolean | Response | Promise<boolean | Response>;

/** Headers in which a proxy says that it speaks for somebody else. */
const FORWARDING =
  /^(forwarded|x-forwarded-.*|x-real-ip|x-client-ip|cf-connecting-ip|true-client-ip|via)$/;

/** Words of browsers for requests that their user or the page itself has made. */
const OWN_FETCHES: ReadonlySet<string | null> = new Set([
  null,
  "none",
  "same-origin",
]);

/** Lets operators in, and nobody else. */
export class OperatorGate {
  readonly #authorize: AuthorizeOperator | undefined;

  /** @param authorize who is one; by default callers on this machine */
  constructor(authorize: AuthorizeOperator | undefined) {
    this.#authorize = authorize;
  }

  /** Set if the author has said who is an operator. */
  get isGuarded(): boolean {
    return this.#authorize !== undefined;
  }

  /** Answers who must stay out; `undefined` for an operator. */
  async refusalOf(
    request: Request,
    peer: NetworkPeer | undefined,
  ): Promise<Response | undefined> {
    const verdict = this.#authorize === undefined
      ? isLocal(request, peer)
      : await this.#authorize(request, addressOf(peer));
    if (verdict instanceof Response) return verdict;
    return verdict === true ? undefined : this.#forbidden();
  }

  #forbidden(): Response {
    const error = this.#authorize === undefined
      ? "This is for callers on the loopback of the server's machine; " +
        "the option authorizeOperator lets others in"
      : "This is for operators";
    return Response.json({ error }, { status: 403 });
  }
}

/**
 * Tells if a request comes from this machine, and not through a proxy on it or
 * from a stranger's page in a browser on it.
 */
function isLocal(request: Request, peer: NetworkPeer | undefined): boolean {
  const { headers } = request;
  const url = new URL(askedUrlOf(request, peer));
  const origin = headers.get("origin");
  return isLoopbackAddress(addressOf(peer)) &&
    isLoopback(url.hostname) &&
    (origin === null || origin === url.origin) &&
    // Without CORS, a page's request bears no origin.
    OWN_FETCHES.has(headers.get("sec-fetch-site")) &&
    !isForwarded(headers);
}

/** nginx, left as it is, says nothing but that it closes the connection. */
function isForwarded(headers: Headers): boolean {
  return /\bclose\b/i.test(headers.get("connection") ?? "") ||
    [...headers.keys()].some((name) => FORWARDING.test(name));
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined &&
    /^127\.\d+\.\d+\.\d+$|^::1$/.test(address);
}
