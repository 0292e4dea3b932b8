import { type JsonObject, notificationText } from "../../protocol/jsonrpc.ts";
import type { ListKind } from "../catalog/catalog_options.ts";
import type { Session } from "../sessions/session.ts";
import {
  keyTopic,
  listTopic,
  resourceTopic,
  type Subscriptions,
} from "./subscriptions.ts";

/** Notices that the server has said clients will get. */
export interface DeclaredNotices {
  announces(kind: ListKind): boolean;
  subscribes(): boolean;
  /** The forms in which clients may follow what has a URI. */
  formsOf(uri: string): readonly string[];
}

/** One thing that clients want to know, wherever they are connected. */
export type Notice =
  | { readonly of: "list"; readonly list: ListKind }
  | { readonly of: "resource"; readonly uri: string }
  | { readonly of: "elicitation"; readonly id: string }
  | {
    readonly of: "topic";
    readonly topic: string;
    readonly key: string;
    readonly method: string;
    readonly params: JsonObject;
  };

/** What those who follow a key of an extension's topic are told. */
export interface TopicNotice {
  readonly method: string;
  readonly params: JsonObject;
}

/** Way to the clients of the server's other processes. */
export interface NoticeRelay {
  /** Passes a notice on, now or when the others can be reached again. */
  relay(notice: Notice): void;
}

/** Parts that notices go through. */
export interface ChangeNoticesParts {
  readonly subscriptions: Subscriptions;
  readonly sessions: ReadonlySet<Session>;
  readonly declared: DeclaredNotices;
  /** The notice of how a key of an extension's topic stands, if anybody can say. */
  current(topic: string, key: string): Promise<TopicNotice | undefined>;
  /** `undefined` where this process is the whole server. */
  readonly relay: NoticeRelay | undefined;
  /** Tells if this process serves already. */
  serves(): boolean;
}

const LISTS: readonly ListKind[] = ["tools", "prompts", "resources"];

/** Tells the clients of both eras what has changed, if they want to know. */
export class ChangeNotices {
  readonly #parts: ChangeNoticesParts;
  readonly #changed: Set<ListKind> = new Set();
  /** Keys of extensions' topics that are made up for, unless there is news of them first. */
  readonly #catchingUp: Set<string> = new Set();

  constructor(parts: ChangeNoticesParts) {
    this.#parts = parts;
  }

  /** Takes note that a list has changed: a burst of registrations is one change. */
  listChanged(kind: ListKind): void {
    // What is registered as this process starts is no change for anybody.
    if (!this.#parts.serves()) return;
    if (this.#changed.size === 0) {
      queueMicrotask(() => {
        const kinds = [...this.#changed];
        this.#changed.clear();
        for (const each of kinds) this.announceList(each);
      });
    }
    this.#changed.add(kind);
  }

  /** Tells every client that listens that a list has changed. */
  announceList(list: ListKind): void {
    this.#tell({ of: "list", list });
  }

  /** Tells every client that subscribed to a resource that it has changed. */
  resourceUpdated(uri: string): void {
    this.#tell({ of: "resource", uri });
  }

  /** Tells the client that was given a page's id that its user is done with it. */
  elicitationComplete(id: string): void {
    this.#tell({ of: "elicitation", id });
  }

  /** Tells every stream that listens to a key of an extension's topic. */
  publish(
    topic: string,
    key: string,
    { method, params }: TopicNotice,
  ): void {
    this.#tell({ of: "topic", topic, key, method, params });
  }

  #tell(notice: Notice): void {
    this.deliver(notice);
    this.#parts.relay?.relay(notice);
  }

  /** Tells this process's own clients. */
  deliver(notice: Notice): void {
    if (notice.of === "list") this.#deliverList(notice.list);
    else if (notice.of === "resource") this.#deliverResource(notice.uri);
    else if (notice.of === "elicitation") {
      for (const each of this.#parts.sessions) {
        each.completeElicitation(notice.id);
      }
    } else {
      const { topic, key, method, params } = notice;
      const followed = keyTopic(topic, key);
      this.#catchingUp.delete(followed);
      this.#parts.subscriptions.publish(followed, method, params);
    }
  }

  #deliverList(kind: ListKind): void {
    const { subscriptions, sessions, declared } = this.#parts;
    if (!declared.announces(kind)) return;
    const method = `notifications/${kind}/list_changed`;
    subscriptions.publish(listTopic(kind), method, {});
    const text = notificationText(method);
    for (const session of sessions) {
      if (session.initialized) session.notice(text);
    }
  }

  #deliverResource(uri: string): void {
    const { declared } = this.#parts;
    if (declared.subscribes()) this.#deliverForms(uri, declared.formsOf(uri));
  }

  /** @param forms those in which clients follow what has the URI */
  #deliverForms(uri: string, forms: readonly string[]): void {
    const { subscriptions, sessions } = this.#parts;
    const method = "notifications/resources/updated";
    for (const form of forms) {
      subscriptions.publish(resourceTopic(form), method, { uri });
    }
    const text = notificationText(method, { uri });
    for (const session of sessions) {
      if (forms.some((form) => session.followed.has(form))) {
        session.notice(text);
      }
    }
  }

  /** Makes up for notices that one client may have missed. */
  catchUpOne(session: Session): void {
    if (!session.initialized) return;
    for (const kind of LISTS) {
      if (this.#parts.declared.announces(kind)) {
        session.notice(notificationText(`notifications/${kind}/list_changed`));
      }
    }
    for (const uri of session.followed) {
      session.notice(
        notificationText("notifications/resources/updated", { uri }),
      );
    }
  }

  /** Makes up for notices that may have been missed, with one of each kind. */
  catchUp(): void {
    const { subscriptions, sessions, declared } = this.#parts;
    for (const kind of LISTS) this.#deliverList(kind);
    const uris = new Set(subscriptions.followedUris());
    for (const { followed } of sessions) {
      for (const uri of followed) uris.add(uri);
    }
    if (declared.subscribes()) {
      for (const uri of uris) this.#deliverForms(uri, [uri]);
    }
    for (const [topic, key] of subscriptions.followedKeys()) {
      void this.#catchUpTopic(topic, key);
    }
  }

  async #catchUpTopic(topic: string, key: string): Promise<void> {
    const followed = keyTopic(topic, key);
    this.#catchingUp.add(followed);
    // Whoever is asked speaks for itself if it fails.
    const notice = await this.#parts.current(topic, key).catch(() => undefined);
    if (!this.#catchingUp.delete(followed) || notice === undefined) return;
    const { method, params } = notice;
    this.#parts.subscriptions.publish(followed, method, params);
  }
}
