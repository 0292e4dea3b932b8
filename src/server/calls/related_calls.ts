import type { RequestId } from "../../protocol/types.ts";
import type { Call } from "./call.ts";
import { CallScope } from "./call_scope.ts";

/** Calls that are under way. */
export interface CallsUnderWay {
  /** Those that wait for something. */
  readonly waiting: ReadonlySet<Call>;
  /** The call whose handler runs right now, until it first waits for something. */
  readonly entering: Call | undefined;
}

/** Finds the call that code belongs to which was not told. */
export class RelatedCalls {
  readonly #calls: CallsUnderWay;

  constructor(calls: CallsUnderWay) {
    this.#calls = calls;
  }

  /** Tells if the code that asks may run for a call, though that may be over. */
  get inCall(): boolean {
    return CallScope.current !== undefined || this.#unscoped.length > 0;
  }

  /**
   * The call with a JSON-RPC id that the code which asks runs for, or another of
   * its session's. An id alone says nothing: every client counts its own.
   */
  find(id: RequestId): Call | undefined {
    const { current } = CallScope;
    if (current === undefined) return this.#unscopedWith(id);
    const own = current.call as Call | undefined;
    if (own === undefined || own.requestId === id) return own;
    return own.session &&
      Array.from(this.#calls.waiting).find((each) =>
        each.requestId === id && each.session === own.session
      );
  }

  /** A call that began before there were scopes, if it can be no other. */
  #unscopedWith(id: RequestId): Call | undefined {
    const call = this.#calls.entering ??
      (this.#unscoped.length === 1 ? this.#unscoped[0] : undefined);
    return call?.requestId === id ? call : undefined;
  }

  get #unscoped(): Call[] {
    const { waiting, entering } = this.#calls;
    return [...waiting, entering].filter((call) =>
      call !== undefined && call.scope === undefined
    ) as Call[];
  }
}
