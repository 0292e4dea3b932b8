import { InvalidOptionError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
} from "../../base/option_rules.ts";
import type { CacheStore } from "../../cache/cache_store.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { basicAuth } from "../basic_auth.ts";
import { hexDigest } from "../digest.ts";
import { checkProviderUrl } from "../protected_resource.ts";
import type { Provider } from "./provider.ts";

/** Options of introspection: a provider is asked about tokens (RFC 7662). */
export interface IntrospectionOptions {
  /** The client that asks: the server has to be one of its provider. */
  clientId: string;
  /** The secret of that client. */
  clientSecret: string;
  /**
   * Endpoint that is asked.
   * @default the `introspection_endpoint` that discovery finds
   */
  endpoint?: string;
  /**
   * Cache in which replicas share the answers, such as a RedisCache. Tokens are
   * kept there by their SHA-256.
   * @default each process asks for itself
   */
  store?: CacheStore;
}

/** How they are read. */
export const INTROSPECTION_OPTIONS = {
  clientId: readCredential,
  clientSecret: readCredential,
  endpoint: option.ifGiven(checkProviderUrl),
  store: option.optional<CacheStore>(),
} satisfies OptionRules<IntrospectionOptions>;

function readCredential(_name: string, given: unknown): string {
  if (given) return given as string;
  throw new InvalidOptionError(
    "introspection needs the clientId and the clientSecret of this server",
  );
}

/** Asks the provider about tokens that say nothing themselves. */
export class Introspection {
  readonly #options: ReadOptions<typeof INTROSPECTION_OPTIONS>;
  readonly #provider: Provider;
  readonly #cacheMs: number;

  constructor(
    options: ReadOptions<typeof INTROSPECTION_OPTIONS>,
    provider: Provider,
    cacheMs: number,
  ) {
    this.#options = options;
    this.#provider = provider;
    this.#cacheMs = cacheMs;
  }

  /** The claims of a token; `undefined` if it is not, or no longer, good. */
  async verify(token: string): Promise<JsonObject | undefined> {
    const { store } = this.#options;
    if (store === undefined) return await this.#ask(token);
    const key = `token:${await hexDigest(`${this.#provider.issuer} ${token}`)}`;
    const known = await store.get(key);
    if (isObject(known)) return known;
    const claims = await this.#ask(token);
    if (claims !== undefined) {
      await store.set(key, claims, { ttlMs: this.#cacheMs });
    }
    return claims;
  }

  async #ask(token: string): Promise<JsonObject | undefined> {
    const { clientId, clientSecret, endpoint } = this.#options;
    const url = endpoint ??
      await this.#provider.endpoint("introspection_endpoint");
    const answer = await this.#provider.ask(url, {
      method: "POST",
      headers: { authorization: basicAuth(clientId, clientSecret) },
      body: new URLSearchParams({ token, token_type_hint: "access_token" }),
    });
    return answer.active === true ? answer : undefined;
  }
}
