import type { ProcessLink } from "./process_link.ts";

/** A call of a store that the supervisor holds. */
export interface RemoteCall {
  readonly server: string;
  /** What it stores: a key of `StoreMakers`. */
  readonly kind: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/**
 * A store that the supervisor holds for its workers, as one of them calls it. All
 * of its methods take and give JSON, and answer later.
 *
 * @param own what is not asked of the supervisor
 * @param link should not wait for ever
 * @throws {UnavailableError} from every method once the supervisor is gone
 */
export function remoteStore<Store extends object>(
  link: Pick<ProcessLink, "ask">,
  server: string,
  kind: string,
  own: Partial<Store> = {},
): Store {
  return new Proxy(own as Store, {
    get: (_, name: string) =>
      Object.hasOwn(own, name)
        ? own[name as keyof Store]
        : (...args: unknown[]) =>
          link.ask(
            "store",
            { server, kind, method: name, args } satisfies RemoteCall,
          ),
  });
}
