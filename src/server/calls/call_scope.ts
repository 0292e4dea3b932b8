import { AsyncLocalStorage } from "node:async_hooks";

/**
 * The call that code runs for, however late it runs. Whatever lasts that a handler
 * has made keeps its scope, so that a scope lets go of its call once it is over.
 */
export class CallScope<Call> {
  static readonly #scopes = new AsyncLocalStorage<CallScope<unknown>>();

  /** The scope of what runs now; `undefined` outside any call. */
  static get current(): CallScope<unknown> | undefined {
    return CallScope.#scopes.getStore();
  }

  #call: Call | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  /** The call, unless it is over. */
  get call(): Call | undefined {
    return this.#call;
  }

  /** Runs work, and all that comes of it, within the scope. */
  run(work: () => void): void {
    CallScope.#scopes.run(this, work);
  }

  /** Lets go of the call. */
  end(): void {
    this.#call = undefined;
  }
}
