import type { ProtocolError } from "../protocol/protocol_errors.ts";
import type { AuthInfo } from "../protocol/types.ts";
import type { Reply } from "../server/calls/reply.ts";

/** One request of a batch: its answer joins the others'. */
export class BatchReply implements Reply {
  readonly request: Request | undefined;
  readonly authInfo: AuthInfo | undefined;
  readonly address: string | undefined;
  readonly #whole: Reply;
  readonly #settled: (text: string | undefined) => void;

  /** @param whole the reply of the batch; messages before the answers go there */
  constructor(whole: Reply, settled: (text: string | undefined) => void) {
    this.#whole = whole;
    this.#settled = settled;
    this.request = whole.request;
    this.authInfo = whole.authInfo;
    this.address = whole.address;
  }

  respond(text: string, _error?: ProtocolError): void {
    this.#settled(text);
  }

  send(text: string): void {
    this.#whole.send(text);
  }

  caughtUp(): Promise<void> | undefined {
    return this.#whole.caughtUp?.();
  }

  abandon(): void {
    this.#settled(undefined);
  }

  onDisconnect(callback: (reason: unknown) => void): void {
    this.#whole.onDisconnect(callback);
  }
}

/**
 * Collects the answers of a batch into one array.
 *
 * @param whole gets the array once the last answer is there
 */
export function collectBatch(whole: Reply, requests: number): () => BatchReply {
  const texts: string[] = [];
  let left = requests;
  const settled = (text: string | undefined) => {
    if (text !== undefined) texts.push(text);
    if (--left > 0) return;
    if (texts.length === 0) whole.abandon();
    else whole.respond(`[${texts.join(",")}]`);
  };
  return () => new BatchReply(whole, settled);
}
