import { HttpError } from "./http_errors.ts";
import type { HttpRequestOptions } from "./http_pool_options.ts";

const idempotentMethods = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
const bodilessMethods = new Set(["GET", "HEAD"]);
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const credentialHeaders = ["authorization", "cookie", "proxy-authorization"];
const contentHeaders = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
];

/** One request, as it goes out to one origin. */
export class HttpRequest {
  private constructor(
    readonly url: URL,
    readonly method: string,
    readonly headers: Headers,
    readonly body: BodyInit | null,
    /** Whether repeating it does no harm. */
    readonly idempotent: boolean,
  ) {}

  /** @throws {HttpError} when the URL is none that could be fetched. */
  static async from(
    url: string | URL,
    options: HttpRequestOptions,
    defaultHeaders: HeadersInit,
  ): Promise<HttpRequest> {
    const headers = new Headers(defaultHeaders);
    new Headers(options.headers).forEach((value, name) =>
      headers.set(name, value)
    );
    const method = (options.method ?? "GET").toUpperCase();
    const idempotent = options.idempotent ??
      (idempotentMethods.has(method) || headers.has("idempotency-key"));
    const body = options.body ?? null;
    return new HttpRequest(
      parseUrl(String(url)),
      method,
      headers,
      idempotent || bodilessMethods.has(method)
        ? body
        : await sentOnce(body, headers),
      idempotent,
    );
  }

  /** Whether there is a body that can be sent once only. */
  get hasStream(): boolean {
    return isStream(this.body);
  }

  /**
   * The request that a response redirects to, if it does. Credentials don't
   * follow to another origin.
   *
   * @throws {HttpError} when it can't be followed.
   */
  redirectedBy(response: Response): HttpRequest | undefined {
    const location = response.headers.get("location");
    if (location === null || !redirectStatuses.has(response.status)) {
      return undefined;
    }
    const url = parseUrl(location, this.url);
    const becomesGet = response.status === 303
      ? this.method !== "GET" && this.method !== "HEAD"
      : response.status <= 302 && this.method === "POST";
    if (this.hasStream && !becomesGet) {
      throw new HttpError(
        "SLUICE_HTTP_REDIRECT",
        this.url.href,
        `${this.url} redirects a body that can't be sent twice`,
      );
    }
    const headers = new Headers(this.headers);
    if (url.origin !== this.url.origin) remove(headers, credentialHeaders);
    if (becomesGet) remove(headers, contentHeaders);
    return new HttpRequest(
      url,
      becomesGet ? "GET" : this.method,
      headers,
      becomesGet ? null : this.body,
      becomesGet || this.idempotent,
    );
  }
}

/**
 * The same body in the form of a Blob. Deno sends a request a second time, on
 * its own account, when the server closes a reused connection instead of
 * answering, unless its body is a Blob or a stream; and a Blob has a length.
 */
async function sentOnce(
  body: BodyInit | null,
  headers: Headers,
): Promise<BodyInit> {
  if (body === null) return new Blob();
  if (isStream(body) || body instanceof Blob) return body;
  const content = new Response(body);
  const type = content.headers.get("content-type");
  if (type !== null && !headers.has("content-type")) {
    headers.set("content-type", type);
  }
  return await content.blob();
}

function isStream(body: BodyInit | null): boolean {
  return body !== null && typeof body === "object" &&
    (body instanceof ReadableStream || Symbol.asyncIterator in body);
}

function remove(headers: Headers, names: string[]): void {
  for (const name of names) headers.delete(name);
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (url === null) throw refusal(text, "is not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw refusal(text, "is neither http: nor https:");
  }
  if (url.username !== "" || url.password !== "") {
    url.username = url.password = "";
    throw refusal(url.href, "came with credentials, which belong in a header");
  }
  return url;
}

function refusal(url: string, why: string): HttpError {
  return new HttpError("SLUICE_HTTP_URL_REFUSED", url, `${url} ${why}`);
}
