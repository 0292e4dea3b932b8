import { InvalidOptionError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { quote } from "../base/options.ts";
import type { Logger } from "../observe/log/logger.ts";
import type { Era } from "../protocol/revision.ts";
import { keyTopic, type Subscriptions } from "./changes/subscriptions.ts";
import type { EraCodec } from "./eras/era_codec.ts";
import type { Extension, ExtensionHost } from "./extension.ts";

/** Parts of a server that its extensions use. */
export interface LentParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly eras: Readonly<Record<Era, EraCodec>>;
  readonly subscriptions: Subscriptions;
}

/** Lends an extension what it may use of the server. */
export function lend(
  { id, topics = {} }: Extension,
  { clock, log, eras, subscriptions }: LentParts,
): ExtensionHost {
  return {
    clock,
    log,
    knows: ({ era, clientCapabilities }) =>
      eras[era].knowsExtension(clientCapabilities, id),
    require: ({ era, clientCapabilities }) =>
      eras[era].requireExtension(clientCapabilities, id),
    publish: (topic, key, { method, params }) => {
      if (!Object.hasOwn(topics, topic)) {
        throw new InvalidOptionError(
          `extension ${id} has no topic ${quote(topic)}`,
        );
      }
      subscriptions.publish(keyTopic(topic, key), method, params);
    },
  };
}
