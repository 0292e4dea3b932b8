import type { MaybePromise } from "../../cache/cache_store.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import { fetchJson, type FetchJsonOptions } from "../fetch_json.ts";
import { KeptValue } from "../kept_value.ts";
import { checkProviderUrl } from "../protected_resource.ts";

const MAX_AGE_MS = 3_600_000;
const RETRY_MS = 1_000;

/** Settings for asking an authorization server. */
export interface ProviderOptions extends Omit<FetchJsonOptions, "init"> {
  readonly issuer: string;
  readonly now: () => number;
}

/** An authorization server, as its own metadata describes it (RFC 8414). */
export class Provider {
  readonly issuer: string;
  readonly #options: ProviderOptions;
  readonly #metadata: KeptValue<JsonObject>;

  constructor(options: ProviderOptions) {
    this.issuer = options.issuer;
    this.#options = options;
    this.#metadata = new KeptValue({
      load: () => this.#discover(new URL(options.issuer)),
      maxAgeMs: MAX_AGE_MS,
      retryMs: RETRY_MS,
      now: options.now,
    });
  }

  /** One of its endpoints, by the name of the field. @throws {Error} */
  async endpoint(field: string): Promise<URL> {
    const metadata = await (this.#metadata.get() as MaybePromise<JsonObject>);
    const url = metadata[field];
    if (typeof url !== "string") {
      throw new Error(`the metadata of ${this.issuer} has no ${field}`);
    }
    return checkProviderUrl(field, url);
  }

  /** Asks one of its endpoints. @throws {Error} */
  ask(url: URL, init?: RequestInit): Promise<JsonObject> {
    return fetchJson(url, { ...this.#options, init });
  }

  /** Looks where MCP's clients look, in the same order. */
  async #discover({ origin, pathname }: URL): Promise<JsonObject> {
    const path = pathname.replace(/\/$/, "");
    const places = [
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      ...path === ""
        ? []
        : [`${origin}${path}/.well-known/openid-configuration`],
    ];
    const faults: string[] = [];
    for (const place of places) {
      try {
        const metadata = await this.ask(new URL(place));
        if (metadata.issuer === this.issuer) return metadata;
        faults.push(`${place}: it is of another issuer`);
      } catch (error) {
        faults.push((error as Error).message);
      }
    }
    throw new Error(`no metadata of ${this.issuer}: ${faults.join("; ")}`);
  }
}
