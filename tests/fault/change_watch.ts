import { SseReader } from "../cluster/sse_reader.ts";
import { initialize, modernCall, modernPost } from "../transport/wire.ts";

const UPDATED = "notifications/resources/updated";
const CATCH_UP = "notifications/tools/list_changed";

/** Time within which a stream may be ended before its client knows, or begun, in milliseconds. */
const EDGE_MS = 1_500;

/** One change, made by a call. */
interface Change {
  readonly uri: string;
  readonly startedAt: number;
  /** Infinity if nobody knows whether it was made. */
  endedAt: number;
}

/** One stream, from when its client knew of it to its end. */
interface Stream {
  readonly reader: SseReader;
  /**
   * When it was asked for, as it may have been open from then on. What a session
   * follows waits for its stream: from when it began, or its last stream brought
   * something, whenever its client knew of that one's end.
   */
  readonly askedAt: number;
  readonly openedAt: number;
  closedAt: number;
}

/** The changes that were made, and what subscribers heard of them. */
export class ChangeWatch {
  readonly #url: string;
  readonly #uris: readonly string[];
  readonly #changes: Change[] = [];
  readonly #streams: Stream[] = [];
  #watching = true;

  /** @param count number of resources that change in turn */
  constructor(url: string, count = 40) {
    this.#url = url;
    this.#uris = Array.from({ length: count }, (_, i) => `news://${i}`);
  }

  get changes(): number {
    return this.#changes.length;
  }

  get streams(): number {
    return this.#streams.length;
  }

  /** Makes changes until it is stopped. */
  async change(everyMs: number): Promise<void> {
    for (let turn = 0; this.#watching; turn++) {
      const uri = this.#uris[turn % this.#uris.length];
      const change = {
        uri,
        startedAt: performance.now(),
        endedAt: Infinity,
      };
      this.#changes.push(change);
      try {
        const response = await fetch(
          this.#url,
          modernPost(modernCall("tools/call", {
            name: "change",
            arguments: { uri },
          })),
        );
        await response.text();
        if (response.ok) change.endedAt = performance.now();
      } catch {
        // Nobody knows whether it was made.
      }
      await new Promise((go) => setTimeout(go, everyMs));
    }
  }

  /** Listens as a client of one era until it is stopped, on one stream after another. */
  async watch(era: "modern" | "legacy"): Promise<void> {
    let askedAt = performance.now();
    const open = era === "modern"
      ? () => this.#listen()
      : await this.#subscribe();
    while (this.#watching) {
      if (era === "modern") askedAt = performance.now();
      const response = await open().catch(() => undefined);
      if (response?.status !== 200) {
        await response?.body?.cancel();
        await new Promise((go) => setTimeout(go, 100));
        continue;
      }
      const reader = new SseReader(response);
      if (era === "modern") {
        await reader.has("notifications/subscriptions/acknowledged")
          .catch(() => {});
      }
      const openedAt = performance.now();
      const stream = { reader, askedAt, openedAt, closedAt: 0 };
      this.#streams.push(stream);
      await reader.ended;
      stream.closedAt ||= performance.now();
      askedAt = reader.lastAt;
    }
  }

  #listen(): Promise<Response> {
    const call = modernCall("subscriptions/listen", {
      notifications: {
        toolsListChanged: true,
        resourceSubscriptions: [...this.#uris],
      },
    });
    return fetch(this.#url, modernPost(call));
  }

  async #subscribe(): Promise<() => Promise<Response>> {
    const headers: Record<string, string> = {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    };
    const post = async (
      message: Record<string, unknown>,
    ): Promise<Response> => {
      for (;;) {
        try {
          const response = await fetch(this.#url, {
            method: "POST",
            headers,
            body: JSON.stringify({ jsonrpc: "2.0", ...message }),
          });
          await response.text();
          if (response.ok) return response;
        } catch {
          // A replica has died: another takes it.
        }
        await new Promise((go) => setTimeout(go, 100));
      }
    };
    const begun = await post(initialize());
    headers["mcp-session-id"] = begun.headers.get("mcp-session-id")!;
    headers["mcp-protocol-version"] = "2025-11-25";
    await post({ method: "notifications/initialized" });
    for (const [id, uri] of this.#uris.entries()) {
      await post({ id, method: "resources/subscribe", params: { uri } });
    }
    return () => fetch(this.#url, { headers });
  }

  /** Ends every stream; gives what was heard too seldom or too often. */
  async stop(): Promise<string[]> {
    this.#watching = false;
    // What has been changed may still be on its way.
    await new Promise((go) => setTimeout(go, EDGE_MS));
    for (const stream of this.#streams) {
      if (stream.closedAt > 0) continue;
      stream.closedAt = performance.now();
      await stream.reader[Symbol.asyncDispose]();
    }
    return this.#streams.flatMap((stream, index) =>
      this.#uris.flatMap((uri) => this.#faultOf(stream, uri, index))
    );
  }

  #faultOf(
    { reader, askedAt, openedAt, closedAt }: Stream,
    uri: string,
    index: number,
  ): string[] {
    const heard =
      reader.messages.filter(({ method, params }) =>
        method === UPDATED && (params as { uri: string }).uri === uri
      ).length;
    const catchUps = reader.methods.filter((each) => each === CATCH_UP).length;
    const changes = this.#changes.filter((each) => each.uri === uri);
    const must =
      changes.filter(({ startedAt, endedAt }) =>
        startedAt > openedAt && endedAt < closedAt - EDGE_MS
      ).length;
    const may =
      changes.filter(({ startedAt, endedAt }) =>
        endedAt > askedAt - EDGE_MS && startedAt < closedAt
      ).length;
    // One that is sent as a stream moves may be sent by both replicas.
    const twice =
      changes.filter(({ startedAt, endedAt }) =>
        startedAt < openedAt + EDGE_MS && endedAt > askedAt - EDGE_MS
      ).length;
    return heard >= must && heard <= may + twice + catchUps ? [] : [
      `stream ${index} heard ${heard} changes of ${uri}, not ${must} to ${may}` +
      ` (${catchUps} made up for)`,
    ];
  }
}
