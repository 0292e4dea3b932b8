import { notificationText } from "../../protocol/jsonrpc.ts";
import type { ListKind } from "../catalog/catalog_options.ts";
import type { Session } from "../sessions/session.ts";
import {
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

/** Tells the clients of both eras what has changed, if they want to know. */
export class ChangeNotices {
  readonly #subscriptions: Subscriptions;
  readonly #sessions: ReadonlySet<Session>;
  readonly #declared: DeclaredNotices;
  readonly #changed: Set<ListKind> = new Set();

  constructor(
    subscriptions: Subscriptions,
    sessions: ReadonlySet<Session>,
    declared: DeclaredNotices,
  ) {
    this.#declared = declared;
    this.#subscriptions = subscriptions;
    this.#sessions = sessions;
  }

  /** Takes note that a list has changed: a burst of registrations is one change. */
  listChanged(kind: ListKind): void {
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
  announceList(kind: ListKind): void {
    if (!this.#declared.announces(kind)) return;
    const method = `notifications/${kind}/list_changed`;
    this.#subscriptions.publish(listTopic(kind), method, {});
    const text = notificationText(method);
    for (const session of this.#sessions) {
      if (session.initialized) session.send(text);
    }
  }

  /** Tells every client that subscribed to a resource that it has changed. */
  resourceUpdated(uri: string): void {
    if (!this.#declared.subscribes()) return;
    const method = "notifications/resources/updated";
    const forms = this.#declared.formsOf(uri);
    const text = notificationText(method, { uri });
    for (const form of forms) {
      this.#subscriptions.publish(resourceTopic(form), method, { uri });
    }
    for (const session of this.#sessions) {
      if (forms.some((form) => session.follows(form))) session.send(text);
    }
  }
}
