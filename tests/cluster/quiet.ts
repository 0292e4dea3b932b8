import type { McpServer } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { modernCall, modernPost } from "../transport/wire.ts";
import { SseReader } from "./sse_reader.ts";

const UPDATED = "notifications/resources/updated";
const LIST = "notifications/tools/list_changed";

function count({ methods }: SseReader, method: string): number {
  return methods.filter((each) => each === method).length;
}

/**
 * Tells when nothing is on its way between replicas: each has then said something
 * twice that the others have heard, and what it was told before the first is read
 * by the second.
 */
export class Quiet implements AsyncDisposable {
  readonly #servers: readonly McpServer[];
  readonly #listening: readonly SseReader[];

  private constructor(
    servers: readonly McpServer[],
    listening: readonly SseReader[],
  ) {
    this.#servers = servers;
    this.#listening = listening;
  }

  static async among(servers: readonly McpServer[]): Promise<Quiet> {
    const call = modernCall("subscriptions/listen", {
      notifications: { toolsListChanged: true },
    });
    const listening = await Promise.all(servers.map(async (server) => {
      const request = new Request("http://localhost/mcp", modernPost(call));
      return new SseReader(await server.fetch(request));
    }));
    for (const each of listening) {
      await each.has("notifications/subscriptions/acknowledged");
    }
    return new Quiet(servers, listening);
  }

  /** How many updates the streams of one client have brought by then, in all. */
  async updates(...readers: SseReader[]): Promise<number> {
    const sum = (of: readonly SseReader[], method: string) =>
      of.reduce((all, each) => all + count(each, method), 0);
    for (let round = 0; round < 2; round++) {
      const heard = [...this.#listening.map((each) => [each]), readers]
        .filter((each) => each.length > 0)
        .map((each) => ({ each, before: sum(each, LIST) }));
      for (const server of this.#servers) server.sendToolListChanged();
      await eventually(() =>
        heard.every(({ each, before }) =>
          sum(each, LIST) >= before + this.#servers.length
        )
      );
    }
    return sum(readers, UPDATED);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#listening) await each[Symbol.asyncDispose]();
  }
}
