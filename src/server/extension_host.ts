import { InvalidOptionError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { quote } from "../base/options.ts";
import type { Logger } from "../observe/log/logger.ts";
import { isObject } from "../protocol/jsonrpc.ts";
import { MissingRequiredClientCapabilityError } from "../protocol/protocol_errors.ts";
import type { ChangeNotices } from "./changes/change_notices.ts";
import type { Extension, ExtensionHost } from "./extension.ts";
import type { ServerContext } from "./server_context.ts";

/** Parts of a server that its extensions use. */
export interface LentParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly changes: ChangeNotices;
}

/** Lends an extension what it may use of the server. */
export function lend(
  { id, eras, topics = {} }: Extension,
  { clock, log, changes }: LentParts,
): ExtensionHost {
  const knows = ({ era, clientCapabilities }: ServerContext) => {
    const { extensions } = clientCapabilities;
    return eras?.includes(era) !== false && isObject(extensions) &&
      extensions[id] !== undefined;
  };
  return {
    clock,
    log,
    knows,
    require: (ctx) => {
      if (knows(ctx)) return;
      throw new MissingRequiredClientCapabilityError({
        extensions: { [id]: {} },
      });
    },
    publish: (topic, key, notice) => {
      if (!Object.hasOwn(topics, topic)) {
        throw new InvalidOptionError(
          `extension ${id} has no topic ${quote(topic)}`,
        );
      }
      changes.publish(topic, key, notice);
    },
  };
}
