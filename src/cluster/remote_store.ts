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
 * @throws {UnavailableError} from every method once the supervisor is gone
 */
export function remoteStore<Store extends object>(
  link: ProcessLink,
  server: string,
  kind: string,
): Store {
  return new Proxy({} as Store, {
    get: (_, method: string) => (...args: unknown[]) =>
      link.ask(
        "store",
        { server, kind, method, args } satisfies RemoteCall,
      ),
  });
}
