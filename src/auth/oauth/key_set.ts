import type {
  CryptoKey,
  FlattenedJWSInput,
  JSONWebKeySet,
  JWSHeaderParameters,
} from "jose";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { KeptValue } from "../kept_value.ts";

const MAX_AGE_MS = 600_000;
/** An unknown key is looked for this often at most, however many tokens name one. */
const RETRY_MS = 10_000;
const MAX_KEYS = 100;

type FindKey = (
  header?: JWSHeaderParameters,
  token?: FlattenedJWSInput,
) => Promise<CryptoKey>;

/** The public keys of an issuer, which changes them from time to time. */
export class KeySet {
  readonly #found: KeptValue<FindKey>;

  /** @param load fetches the JSON Web Key Set */
  constructor(load: () => Promise<JsonObject>, now: () => number) {
    this.#found = new KeptValue({
      load: async () => await finderOf(await load()),
      maxAgeMs: MAX_AGE_MS,
      retryMs: RETRY_MS,
      now,
    });
  }

  /** Makes sure that keys can be had. @throws why they can't */
  async ready(): Promise<void> {
    await this.#found.get();
  }

  /** Finds the key of a token, in a newer set if need be. */
  readonly find: FindKey = async (header, token) => {
    const find = await this.#found.get();
    try {
      return await find(header, token);
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_JWKS_NO_MATCHING_KEY") {
        throw error;
      }
      const renewed = await this.#found.renewed();
      if (renewed === undefined) throw error;
      return await renewed(header, token);
    }
  };
}

/** @throws {Error} for what is no key set */
async function finderOf({ keys }: JsonObject): Promise<FindKey> {
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) {
    throw new Error(`keys must be an array of at most ${MAX_KEYS}`);
  }
  const usable = keys.filter((key) =>
    isObject(key) && key.kty !== "oct" && key.use !== "enc"
  );
  const { createLocalJWKSet } = await import("jose");
  return createLocalJWKSet({ keys: usable } as unknown as JSONWebKeySet);
}
