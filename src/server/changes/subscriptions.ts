import { byteLength } from "../../base/byte_length.ts";
import type { SharedRoom } from "../../base/shared_room.ts";
import { jsonText } from "../../protocol/json_value.ts";
import {
  InvalidParamsError,
  noRoomFor,
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";
import {
  isObject,
  type JsonObject,
  notificationTexts,
  resultText,
} from "../../protocol/jsonrpc.ts";
import { MAX_URI_LENGTH, normalUri } from "../../protocol/uri_form.ts";
import { metaKey } from "../../protocol/revision.ts";
import type { Call } from "../calls/call.ts";
import type { Method } from "../calls/method_table.ts";
import { STAYS_OPEN } from "../calls/reply.ts";
import type { ListKind } from "../catalog/catalog_options.ts";
import type { Following } from "../catalog/resource_access.ts";
import type { Extension } from "../extension.ts";
import { agreedKeys, isPartOf } from "../extension_hooks.ts";
import { accountOf } from "../identity/account.ts";
import { FOLLOWED_EACH, MAX_FOLLOWED } from "../sessions/followed_resources.ts";

/** Characters that an open stream takes by itself, about. */
const STREAM_EACH = 4_096;

/** A key is kept as it came and as a topic. */
const KEPT_TIMES = 2;

/** One open stream. */
interface Listening {
  readonly topics: readonly string[];
  readonly account: string;
  readonly size: number;
}

/** The filter of `subscriptions/listen`, as far as it was agreed to. */
type Filter = Record<string, true | readonly string[]>;

/** Settings for how many streams may be open, and how they end. */
export interface SubscriptionOptions {
  /** @throws {UnavailableError} if changes that other processes make aren't heard */
  requireHearing?(): void;
  readonly maxOpen: number;
  /** Room for what is kept for clients. */
  readonly room: SharedRoom;
  /** Members that every result has in its `_meta`. */
  readonly serverMeta: JsonObject;
}

/** Changes that the streams of a server can listen to. */
export interface Announced {
  /** Tells if the server announces changes of a kind. */
  offers(kind: ListKind): boolean;
  /** Tells if the server announces changes of a resource. */
  subscribes(): boolean;
  /**
   * Tells if a caller may follow the changes of a resource.
   *
   * @throws {InsufficientScopeError}
   */
  mayFollow(uri: string, call: Call): Promise<Following>;
  /** Those that have topics of their own. */
  readonly extensions: readonly Extension[];
}

/** The filter's fields for the changes of lists. */
const LIST_FIELDS: Readonly<Record<string, ListKind>> = {
  toolsListChanged: "tools",
  promptsListChanged: "prompts",
  resourcesListChanged: "resources",
};

/** The filter's field for the updates of resources. */
const RESOURCES_FIELD = "resourceSubscriptions";

/** The filter's fields that are MCP's own. */
export const FILTER_FIELDS: readonly string[] = [
  ...Object.keys(LIST_FIELDS),
  RESOURCES_FIELD,
];

/**
 * The open `subscriptions/listen` streams and what each wants to hear
 * (specification 2026-07-28, "Subscriptions").
 */
export class Subscriptions {
  readonly #options: SubscriptionOptions;
  readonly #open: Map<Call, Listening> = new Map();
  readonly #byTopic: Map<string, Set<Call>> = new Map();
  #closed = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** Number of open streams. */
  get size(): number {
    return this.#open.size;
  }

  /** Makes `subscriptions/listen`. */
  method(announced: Announced): Method {
    return async (call) => {
      await this.#listen(call, announced);
      return STAYS_OPEN;
    };
  }

  /** Opens a stream: acknowledges it, then leaves it to {@linkcode publish}. */
  async #listen(call: Call, announced: Announced): Promise<void> {
    const { filter, topics } = await agree(call, announced);
    if (call.cancelled) return;
    this.#options.requireHearing?.();
    const { maxOpen, room } = this.#options;
    if (this.#open.size >= maxOpen) {
      throw new ProtocolError(
        ProtocolErrorCode.InternalError,
        `Too many open subscriptions (${maxOpen}): try again later`,
      );
    }
    const account = accountOf(call.caller, call.reply.peer);
    const size = sizeOf(filter);
    if (!room.take(account, size)) throw noRoomFor("a subscription");
    this.#open.set(call, { topics, account, size });
    call.onCancelled = () => this.#forget(call);
    for (const topic of topics) {
      const listeners = this.#byTopic.get(topic);
      if (listeners === undefined) this.#byTopic.set(topic, new Set([call]));
      else listeners.add(call);
    }
    // From here on its stream is open, which tells of the client's going.
    call.notify("notifications/subscriptions/acknowledged", {
      _meta: subscriptionMeta(call),
      notifications: filter,
    });
    // The server may have been closed while the filter was looked at.
    if (this.#closed) this.#finish(call);
  }

  /** Tells the streams that listen to a topic. */
  publish(topic: string, method: string, params: JsonObject): void {
    const listeners = this.#byTopic.get(topic);
    if (listeners === undefined) return;
    const textFor = notificationTexts(method, params, metaKey.subscriptionId);
    let last = "";
    let bytes = 0;
    for (const call of listeners) {
      const text = textFor(call.requestId);
      // Most get the same text, which is measured once (bench/cluster.ts, "notices").
      if (text !== last) [last, bytes] = [text, byteLength(text)];
      call.say(text, bytes);
    }
  }

  /** The resources that streams listen to, in the normal form of their URIs. */
  followedUris(): string[] {
    return this.followedKeys()
      .filter(([field]) => field === RESOURCES_FIELD)
      .map(([, uri]) => uri);
  }

  /** The keys that streams listen to, each with the filter's field that names it. */
  followedKeys(): [field: string, key: string][] {
    return Array.from(this.#byTopic.keys(), (topic) => {
      const end = topic.indexOf(" ");
      return [topic.slice(0, end), topic.slice(end + 1)];
    });
  }

  #forget(call: Call): void {
    const listening = this.#open.get(call);
    if (listening === undefined) return;
    this.#options.room.give(listening.account, listening.size);
    for (const topic of listening.topics) {
      const listeners = this.#byTopic.get(topic)!;
      listeners.delete(call);
      if (listeners.size === 0) this.#byTopic.delete(topic);
    }
    this.#open.delete(call);
  }

  /** Ends every stream in good order, so that clients know it was on purpose. */
  close(): void {
    this.#closed = true;
    for (const call of [...this.#open.keys()]) this.#finish(call);
  }

  #finish(call: Call): void {
    this.#forget(call);
    const result = {
      resultType: "complete",
      _meta: { ...subscriptionMeta(call), ...this.#options.serverMeta },
    };
    call.host.settle(call, resultText(call.requestId, jsonText(result)));
  }
}

/** What a stream is told that it has, and the topics that it hears of. */
interface Agreed {
  readonly filter: Filter;
  readonly topics: readonly string[];
}

/** The part of what a stream wants that it can have. */
async function agree(
  call: Call,
  { offers, subscribes, mayFollow, extensions }: Announced,
): Promise<Agreed> {
  const { notifications: wanted } = call.params;
  if (!isObject(wanted)) {
    throw new InvalidParamsError(
      "Invalid params: notifications must be an object that says what to listen to",
    );
  }
  const filter: Filter = {};
  // Two spellings of a URI are one topic.
  const heard = new Set<string>();
  for (const [field, kind] of Object.entries(LIST_FIELDS)) {
    if (wanted[field] !== true || !offers(kind)) continue;
    filter[field] = true;
    heard.add(listTopic(kind));
  }
  const uris = strings(wanted, "resourceSubscriptions");
  if (uris !== undefined && subscribes()) {
    const followed = await Promise.all(
      uris.map((uri) => mayFollow(uri, call)),
    );
    filter.resourceSubscriptions = uris.filter((_, index) =>
      followed[index] !== "denied"
    );
    for (const [index, uri] of uris.entries()) {
      if (followed[index] === "open") heard.add(resourceTopic(normalUri(uri)));
    }
  }
  for (const extension of extensions) {
    if (!isPartOf(extension, call.era.name)) continue;
    const { id, topics = {} } = extension;
    for (const [field, allow] of Object.entries(topics)) {
      const keys = strings(wanted, field);
      if (keys === undefined) continue;
      const agreed = agreedKeys(id, field, await allow(keys, call.context));
      filter[field] = agreed;
      for (const key of agreed) heard.add(keyTopic(field, key));
    }
  }
  return { filter, topics: [...heard] };
}

/** The topic of a list's changes. */
export function listTopic(kind: ListKind): string {
  return `list ${kind}`;
}

/** The topic of one resource's updates, by the normal form of its URI. */
export function resourceTopic(form: string): string {
  return keyTopic(RESOURCES_FIELD, form);
}

/** The topic of one key that a field of the filter names. */
export function keyTopic(field: string, key: string): string {
  return `${field} ${key}`;
}

function subscriptionMeta(call: Call): JsonObject {
  return { [metaKey.subscriptionId]: call.requestId };
}

/** Characters that a stream keeps of what it listens to, about. */
function sizeOf(filter: Filter): number {
  let size = STREAM_EACH;
  for (const keys of Object.values(filter)) {
    if (keys === true) continue;
    for (const { length } of keys) size += FOLLOWED_EACH + KEPT_TIMES * length;
  }
  return size;
}

function strings(wanted: JsonObject, field: string): string[] | undefined {
  const value = wanted[field];
  if (value === undefined) return undefined;
  if (
    !Array.isArray(value) || value.length > MAX_FOLLOWED ||
    !value.every((each) =>
      typeof each === "string" && each.length <= MAX_URI_LENGTH
    )
  ) {
    throw new InvalidParamsError(
      `Invalid params: notifications.${field} must be an array of at most ` +
        `${MAX_FOLLOWED} strings of at most ${MAX_URI_LENGTH} characters`,
    );
  }
  return [...new Set(value)];
}
