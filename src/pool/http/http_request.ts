import { HttpError, shownUrl } from "./http_errors.ts";
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

type HeaderList = [name: string, value: string][];

/** The headers of a request that sets none itself. */
export class DefaultHeaders {
  /** Only for the origin that was asked for. */
  readonly ofPool: HeaderList;
  /** Those that the kind of call asks for, wherever it leads. */
  readonly ofCall: HeaderList;
  readonly all: HeaderList;

  /** @param accept What is asked for, unless the pool says something else. */
  constructor(ofPool: HeadersInit, accept?: string) {
    const headers = new Headers(ofPool);
    this.ofPool = [...headers];
    this.ofCall = accept === undefined || headers.has("accept")
      ? []
      : [["accept", accept]];
    this.all = [...this.ofPool, ...this.ofCall];
  }
}

/** One request, as it goes out to one origin. */
export class HttpRequest {
  /** The error that the caller's own stream threw, if it did. */
  bodyError: { error: unknown } | undefined;

  private constructor(
    readonly href: string,
    readonly origin: string,
    readonly method: string,
    public headers: HeaderList,
    /** Those of the headers that go along to another origin. */
    private ownHeaders: HeaderList,
    public body: BodyInit | null,
    /** True if repeating it does no harm. */
    readonly idempotent: boolean,
  ) {}

  /**
   * @param isOrigin Knows origins by their name, so that a URL that begins with
   * one needn't be parsed.
   * @throws {HttpError} when the URL is none that could be fetched.
   */
  static from(
    url: string | URL,
    options: HttpRequestOptions,
    defaults: DefaultHeaders,
    isOrigin: (text: string) => boolean,
  ): HttpRequest {
    const { href, origin } = locate(String(url), isOrigin);
    const method = (options.method ?? "GET").toUpperCase();
    const { headers, ownHeaders } = mergeHeaders(defaults, options.headers);
    const idempotent = options.idempotent ??
      (idempotentMethods.has(method) || has(headers, "idempotency-key"));
    const { body = null } = options;
    return new HttpRequest(
      href,
      origin,
      method,
      headers,
      ownHeaders,
      body,
      idempotent,
    );
  }

  /** The URL as errors may show it. */
  get shownUrl(): string {
    return shownUrl(this.href);
  }

  /** True if there is a body that can be sent once only. */
  get hasStream(): boolean {
    return isStream(this.body);
  }

  /**
   * True if only a connection of its own keeps the runtime from sending it
   * twice: nothing but an empty body of a known length says "content-length: 0",
   * and those are what Deno sends again.
   */
  get needsFreshConnection(): boolean {
    return !this.idempotent && this.body === null;
  }

  /**
   * Gives the body the form in which it can be watched, and isn't sent twice.
   * Deno sends a request a second time, on its own account, when the server
   * closes a reused connection instead of answering, unless its body is a Blob
   * or a stream; and a Blob has a length.
   */
  async prepareBody(): Promise<void> {
    const body = this.body;
    if (body === null) return;
    if (isStream(body)) {
      this.body = ReadableStream.from(
        this.#watched(body as ReadableStream<Uint8Array>),
      );
    } else if (!this.idempotent && !bodilessMethods.has(this.method)) {
      const { blob, type } = typeof body === "string"
        ? { blob: new Blob([body]), type: "text/plain;charset=UTF-8" }
        : await inBlob(body);
      if (type !== null && !has(this.headers, "content-type")) {
        this.headers = [...this.headers, ["content-type", type]];
        this.ownHeaders = [...this.ownHeaders, ["content-type", type]];
      }
      this.body = blob.size === 0 ? null : blob;
    }
  }

  /**
   * The request that a response redirects to, if it does. Credentials and the
   * pool's own headers don't follow to another origin.
   *
   * @param withDefaults Whether the pool's own headers do.
   * @throws {HttpError} when it can't be followed.
   */
  redirectedBy(
    { status, headers }: Response,
    withDefaults: boolean,
  ): HttpRequest | undefined {
    if (!redirectStatuses.has(status)) return undefined;
    const location = headers.get("location");
    if (location === null) return undefined;
    const { href, origin } = parse(location, this.href);
    const becomesGet = status === 303
      ? this.method !== "GET" && this.method !== "HEAD"
      : status <= 302 && this.method === "POST";
    if (this.hasStream && !becomesGet) {
      throw new HttpError(
        "SLUICE_HTTP_REDIRECT",
        this.href,
        `${this.shownUrl} redirects a body that can't be sent twice`,
      );
    }
    const leaves = origin !== this.origin;
    const dropped = [
      ...leaves ? credentialHeaders : [],
      ...becomesGet ? contentHeaders : [],
    ];
    const followed = leaves && !withDefaults ? this.ownHeaders : this.headers;
    return new HttpRequest(
      href,
      origin,
      becomesGet ? "GET" : this.method,
      without(followed, dropped),
      without(this.ownHeaders, dropped),
      becomesGet ? null : this.body,
      becomesGet || this.idempotent,
    );
  }

  async *#watched(
    body: ReadableStream<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      this.bodyError = { error };
      throw error;
    }
  }
}

function mergeHeaders(
  { ofPool, ofCall, all }: DefaultHeaders,
  given: HeadersInit | undefined,
): { headers: HeaderList; ownHeaders: HeaderList } {
  if (given === undefined) return { headers: all, ownHeaders: ofCall };
  const own = overlay(ofCall, [...new Headers(given)]);
  return { headers: overlay(ofPool, own), ownHeaders: own };
}

function has(headers: HeaderList, wanted: string): boolean {
  return headers.some(([name]) => name === wanted);
}

function overlay(below: HeaderList, above: HeaderList): HeaderList {
  return [...without(below, above.map(([name]) => name)), ...above];
}

function without(headers: HeaderList, names: string[]): HeaderList {
  return headers.filter(([name]) => !names.includes(name));
}

function isStream(body: BodyInit | null): boolean {
  return body !== null && typeof body === "object" &&
    (body instanceof ReadableStream || Symbol.asyncIterator in body);
}

function locate(
  url: string,
  isOrigin: (text: string) => boolean,
): { href: string; origin: string } {
  const end = url.indexOf("/", "https://".length);
  const beginning = end === -1 ? url : url.slice(0, end);
  return isOrigin(beginning) ? { href: url, origin: beginning } : parse(url);
}

function parse(text: string, base?: string): { href: string; origin: string } {
  const url = URL.parse(text, base);
  if (url === null) throw refusal(text, "is not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw refusal(text, "is neither http: nor https:");
  }
  if (url.username !== "" || url.password !== "") {
    throw refusal(text, "came with credentials, which belong in a header");
  }
  return { href: url.href, origin: url.origin };
}

function refusal(url: string, why: string): HttpError {
  return new HttpError(
    "SLUICE_HTTP_URL_REFUSED",
    url,
    `${shownUrl(url)} ${why}`,
  );
}

/** A body as a Blob, and the type that `fetch` would say it has. */
async function inBlob(
  body: BodyInit,
): Promise<{ blob: Blob; type: string | null }> {
  const content = new Response(body);
  const type = content.headers.get("content-type");
  return { blob: body instanceof Blob ? body : await content.blob(), type };
}
