import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { AuthRefusal } from "../auth_refusal.ts";
import { canonicalUri } from "../protected_resource.ts";

/** A request that proves who holds its token. */
export interface ProvenRequest {
  /** The header `DPoP`. */
  readonly proof: string | null;
  readonly method: string;
  /** Names of the server in it: outside, or as the request came in. */
  readonly urls: readonly string[];
  readonly token: string;
  /** The thumbprint of the key that the token is bound to. */
  readonly thumbprint: unknown;
}

/** Settings for checking proofs. */
export interface DpopProofsOptions {
  readonly algorithms: readonly string[];
  readonly skewMs: number;
  readonly now: () => number;
}

const MAX_PROOF = 8_192;
/** Age that a proof may reach. */
const MAX_AGE_MS = 60_000;
/** Proofs that are remembered, so that none is taken twice. */
const MAX_SEEN = 100_000;

/** Checks that who presents a token holds the key it is bound to (RFC 9449). */
export class DpopProofs {
  readonly #options: DpopProofsOptions;
  /** Times when each proof may be forgotten, the oldest first. */
  readonly #seen: Map<string, number> = new Map();

  constructor(options: DpopProofsOptions) {
    this.#options = options;
  }

  /** @throws {AuthRefusal} for a proof that proves nothing */
  async check(request: ProvenRequest): Promise<void> {
    const { proof, method, urls, token, thumbprint } = request;
    if (proof === null || proof.length > MAX_PROOF) {
      throw unproven("a DPoP header must hold one proof");
    }
    const { claims, key } = await this.#signed(proof);
    if (key !== thumbprint) throw unproven("the proof is of another key");
    const { htm, htu, iat, jti, ath } = claims;
    if (htm !== method) throw unproven("the proof is for another method");
    const named = typeof htu === "string" ? canonicalUri(htu) : undefined;
    if (!urls.some((url) => canonicalUri(url) === named)) {
      throw unproven("the proof is for another URL");
    }
    if (ath !== await hashOf(token)) {
      throw unproven("the proof is for another token");
    }
    const ageMs = this.#options.now() - Number(iat) * 1_000;
    const { skewMs } = this.#options;
    if (!(ageMs <= MAX_AGE_MS + skewMs && ageMs >= -skewMs)) {
      throw unproven("the proof is too old, or not valid yet");
    }
    this.#takeOnce(`${key} ${jti}`, typeof jti === "string" && jti !== "");
  }

  #takeOnce(id: string, isNamed: boolean): void {
    const now = this.#options.now();
    for (const [old, untilMs] of this.#seen) {
      if (untilMs > now && this.#seen.size < MAX_SEEN) break;
      this.#seen.delete(old);
    }
    if (!isNamed || this.#seen.has(id)) {
      throw unproven("the proof was used before");
    }
    this.#seen.set(id, now + MAX_AGE_MS + 2 * this.#options.skewMs);
  }

  async #signed(proof: string): Promise<{ claims: JsonObject; key: string }> {
    const { calculateJwkThumbprint, compactVerify, EmbeddedJWK } = await import(
      "jose"
    );
    try {
      const { payload, protectedHeader } = await compactVerify(
        proof,
        EmbeddedJWK,
        { algorithms: [...this.#options.algorithms] },
      );
      const claims = JSON.parse(new TextDecoder().decode(payload));
      if (protectedHeader.typ === "dpop+jwt" && isObject(claims)) {
        return {
          claims,
          key: await calculateJwkThumbprint(protectedHeader.jwk!),
        };
      }
    } catch {
      // It proves nothing, whatever is wrong with it.
    }
    throw unproven("the proof's signature can't be verified");
  }
}

function unproven(message: string): AuthRefusal {
  return new AuthRefusal(401, message, { code: "invalid_dpop_proof" });
}

/** The SHA-256 of a token as a proof has it. */
async function hashOf(token: string): Promise<string> {
  const bytes = new TextEncoder().encode(token);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest)
    .toBase64({ alphabet: "base64url", omitPadding: true });
}
