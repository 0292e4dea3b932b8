import { InvalidOptionError } from "../../base/errors.ts";
import { HttpError, shownUrl } from "./http_errors.ts";
import type { HttpRequestOptions } from "./http_pool_options.ts";
import type { ResponseHead } from "./response_head.ts";
import { Upload, type UploadWatch } from "./upload.ts";

const idempotentMethods = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
const bodilessMethods = new Set(["GET", "HEAD"]);
const forbiddenMethods = new Set(["CONNECT", "TRACE", "TRACK"]);
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** What is meant for one origin alone: credentials, and its name. */
const originHeaders = [
  "authorization",
  "cookie",
  "host",
  "proxy-authorization",
];
const contentHeaders = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
];

/** A token (RFC 9110, section 5.6.2), as methods are. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const encoder = new TextEncoder();

/** Names and values, the names in small letters. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** A request's body as it is sent. */
export type RequestBody =
  | Uint8Array<ArrayBuffer>
  | ReadableStream<Uint8Array>
  | null;

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
  #upload: Upload | undefined;

  private constructor(
    readonly href: string,
    readonly origin: string,
    readonly method: string,
    public headers: HeaderList,
    /** Those of the headers that go along to another origin. */
    private ownHeaders: HeaderList,
    private content: BodyInit | null,
    /** True if repeating it does no harm. */
    readonly idempotent: boolean,
    readonly isRedirected: boolean = false,
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
    const { method: given = "GET" } = options;
    const method = given.toUpperCase();
    const { headers, ownHeaders } = mergeHeaders(defaults, options.headers);
    const idempotent = options.idempotent ??
      (idempotentMethods.has(method) || has(headers, "idempotency-key"));
    const { body = null } = options;
    const request = new HttpRequest(
      href,
      origin,
      method,
      headers,
      ownHeaders,
      body,
      idempotent,
    );
    const mistake = mistakeIn(given, body !== null);
    if (mistake !== undefined) throw request.unsendable(mistake);
    return request;
  }

  /** The error that the caller's own stream threw, if it did. */
  get bodyError(): { error: unknown } | undefined {
    return this.#upload?.failure;
  }

  /** The URL as errors may show it. */
  get shownUrl(): string {
    return shownUrl(this.href);
  }

  /** An error for a request that nobody could send as it is. */
  unsendable(why: string): InvalidOptionError {
    return new InvalidOptionError(
      `${this.method} ${this.shownUrl} can't be sent: ${why}`,
    );
  }

  /** True if there is a body that can be sent once only. */
  get hasStream(): boolean {
    return isStream(this.content);
  }

  /** The body as it is sent, once {@linkcode prepareBody} has seen to it. */
  get body(): RequestBody {
    return this.content as RequestBody;
  }

  /**
   * Gives the body the form in which it is sent, and can be watched.
   *
   * @throws {TypeError} when somebody else reads the stream.
   */
  async prepareBody(): Promise<void> {
    const body = this.content;
    if (body === null) return;
    if (body instanceof Uint8Array) this.content = body.slice();
    else if (isStream(body)) {
      this.#upload = new Upload(body as ReadableStream<Uint8Array>);
      this.content = this.#upload.stream;
    } else if (typeof body === "string") {
      this.#setContent(encoder.encode(body), "text/plain;charset=UTF-8");
    } else {
      const content = new Response(body);
      const type = content.headers.get("content-type");
      this.#setContent(await content.bytes(), type);
    }
  }

  /** Says who is told while the caller's own stream is waited for. */
  watchUpload(watch: UploadWatch): void {
    if (this.#upload !== undefined) this.#upload.watch = watch;
  }

  /** Lets a stream go that is not to be sent (any more). */
  dropBody(reason: unknown): void {
    this.#upload?.cancel(reason);
  }

  #setContent(bytes: Uint8Array<ArrayBuffer>, type: string | null): void {
    this.content = bytes;
    if (type === null || has(this.headers, "content-type")) return;
    const typed = [["content-type", type]] as const;
    this.headers = [...this.headers, ...typed];
    this.ownHeaders = [...this.ownHeaders, ...typed];
  }

  /**
   * The request that a response redirects to, if it does. Credentials and the
   * pool's own headers don't follow to another origin.
   *
   * @param withDefaults Whether the pool's own headers do.
   * @throws {HttpError} when it can't be followed.
   */
  redirectedBy(
    response: ResponseHead,
    withDefaults: boolean,
  ): HttpRequest | undefined {
    const { status } = response;
    if (!redirectStatuses.has(status)) return undefined;
    const location = response.get("location");
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
      ...leaves ? originHeaders : [],
      ...becomesGet ? contentHeaders : [],
    ];
    const followed = leaves && !withDefaults ? this.ownHeaders : this.headers;
    return new HttpRequest(
      href,
      origin,
      becomesGet ? "GET" : this.method,
      without(followed, dropped),
      without(this.ownHeaders, dropped),
      becomesGet ? null : this.content,
      becomesGet || this.idempotent,
      true,
    );
  }
}

/** Says why no server could be asked in this way, if so. */
function mistakeIn(given: string, hasBody: boolean): string | undefined {
  if (!token.test(given)) return "it is no method";
  const method = given.toUpperCase();
  if (forbiddenMethods.has(method)) return "the method is not for clients";
  const isTooMuch = hasBody && bodilessMethods.has(method);
  return isTooMuch ? "the method has no body" : undefined;
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

function without(headers: HeaderList, names: readonly string[]): HeaderList {
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
