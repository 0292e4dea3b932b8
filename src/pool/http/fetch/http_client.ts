/** Connections that `fetch` is to use. */
export interface Connections {
  close(): void;
}

/** What the connections of an {@linkcode HttpClient} are like. */
export interface HttpClientOptions {
  maxPerOrigin: number;
  keepAliveMs: number;
  http2: boolean;
  caCerts?: string[];
  proxy?: { url: string };
}

interface DenoClient {
  createHttpClient?(options: {
    caCerts?: string[];
    proxy?: { url: string };
    poolMaxIdlePerHost?: number;
    poolIdleTimeout: number | false;
    http2: boolean;
  }): Connections;
}

const deno = (globalThis as { Deno?: DenoClient }).Deno;

/**
 * The means by which a pool has `fetch` send: `Deno.createHttpClient`, whose
 * connections are the pool's own. Elsewhere they are the runtime's affair.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  #kept: Connections | undefined;
  #single: Connections | undefined;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Connections that are kept; undefined for the runtime's. */
  get kept(): Connections | undefined {
    // Fewer idle connections than callers, and each burst would open most of
    // its connections anew: 173 for 256 requests, where 32 do.
    return this.#kept ??= this.#create(this.#options.maxPerOrigin);
  }

  /** Connections that carry one request each. */
  get single(): Connections | undefined {
    return this.#single ??= this.#create(0);
  }

  /** Closes the connections that are open. */
  close(): void {
    this.#kept?.close();
    this.#single?.close();
  }

  #create(maxIdle: number): Connections | undefined {
    const { keepAliveMs, http2, caCerts, proxy } = this.#options;
    return deno?.createHttpClient?.({
      caCerts,
      proxy,
      poolMaxIdlePerHost: maxIdle === Infinity ? undefined : maxIdle,
      poolIdleTimeout: keepAliveMs,
      http2,
    });
  }
}
