import type { HttpPoolSettings } from "./http_pool_options.ts";

/** What a runtime sends requests with. */
export interface HttpClient {
  fetch: typeof globalThis.fetch;
  /** Closes the connections that are open. */
  close(): void;
}

interface DenoClient {
  createHttpClient?(options: {
    caCerts?: string[];
    proxy?: { url: string };
    poolMaxIdlePerHost?: number;
    poolIdleTimeout: number | false;
    http2: boolean;
  }): { close(): void };
}

type ClientRequestInit = RequestInit & { client: { close(): void } };

const deno = (globalThis as { Deno?: DenoClient }).Deno;

/**
 * By `Deno.createHttpClient`, whose connections are the pool's own; elsewhere
 * by the global `fetch`, whose connections are the runtime's affair.
 */
export function createHttpClient(settings: HttpPoolSettings): HttpClient {
  if (deno?.createHttpClient === undefined) {
    return { fetch: globalThis.fetch, close: () => {} };
  }
  const { maxPerOrigin, keepAliveMs, http2, caCerts, proxy } = settings;
  const client = deno.createHttpClient({
    caCerts,
    proxy,
    // Fewer idle connections than callers, and each burst would open most of
    // its connections anew: 173 for 256 requests, where 32 do.
    poolMaxIdlePerHost: maxPerOrigin === Infinity ? undefined : maxPerOrigin,
    poolIdleTimeout: keepAliveMs,
    http2,
  });
  return {
    fetch: (input, init) =>
      fetch(input, { ...init, client } as ClientRequestInit),
    close: () => client.close(),
  };
}
