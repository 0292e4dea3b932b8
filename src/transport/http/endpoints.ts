import type { RedisSpace } from "../../cluster/shared_redis.ts";
import { InvalidOptionError } from "../../base/errors.ts";
import type { Log } from "../../observe/log/log.ts";
import type { Intake } from "../../server/calls/intake.ts";
import type { EventStreams } from "./event_streams.ts";
import type { HttpSettings } from "./http_options.ts";
import type { HttpReplyStyle } from "./http_reply.ts";
import { modernStatus } from "./http_response.ts";
import { GuardedEventStore } from "./legacy/guarded_event_store.ts";
import type { EventStore } from "./legacy/event_store.ts";
import { RedisEventStore } from "./legacy/redis_event_store.ts";
import { LegacyEndpoint } from "./legacy/legacy_endpoint.ts";
import type { SharedBetween } from "./legacy/shared_session.ts";
import { ModernEndpoint, type ModernEndpointParts } from "./modern_endpoint.ts";
import { QuietReplies } from "./quiet_replies.ts";
import type { Refusals } from "./refusals.ts";

/** Parts that the endpoints of both eras work with. */
export interface EndpointsParts {
  readonly intake: Intake;
  readonly log: Log;
  readonly streams: EventStreams;
  readonly refusals: Refusals;
  readonly namedBy: ModernEndpointParts["namedBy"];
  readonly challenge: HttpReplyStyle["challenge"];
  readonly readiness: HttpReplyStyle["readiness"];
  /** Way to the other replicas that know a session; `undefined` where there are none. */
  readonly sharing:
    | Omit<SharedBetween, "log"> & { readonly redis: RedisSpace | undefined }
    | undefined;
}

/** The endpoint of each era, and what they keep of streams. */
export interface Endpoints {
  readonly modern: ModernEndpoint;
  readonly legacy: LegacyEndpoint;
  readonly eventStore: GuardedEventStore | undefined;
}

/**
 * Milliseconds after which a response begins that has nothing to say yet. Until
 * then an error can have a status of its own.
 */
const PATIENCE_MS = { auto: 1_000, sse: 100 };

/**
 * Makes the endpoints of both eras, and what is the same in how they reply.
 *
 * @throws {InvalidOptionError} naming the option
 */
export function makeEndpoints(
  { intake, log, streams, refusals, namedBy, challenge, readiness, sharing }:
    EndpointsParts,
  options: HttpSettings,
): Endpoints {
  const mode = options.responseMode;
  const style: Omit<
    HttpReplyStyle,
    "leavingCancels" | "abandonedStatus" | "status"
  > = {
    challenge,
    readiness,
    accountOf: (who) => intake.accountOf(who),
    streams,
    quiet: new QuietReplies(intake.clock, PATIENCE_MS[mode]),
    streamAlways: mode === "sse",
  };
  const store = eventStoreOf(options.eventStore, sharing?.redis);
  const eventStore = store &&
    new GuardedEventStore(store, intake.clock, log);
  const modern = new ModernEndpoint({
    intake,
    namedBy,
    style: {
      ...style,
      leavingCancels: true,
      // Nobody is left to read it.
      abandonedStatus: 499,
      status: modernStatus,
    },
    refusals,
  });
  const legacy = new LegacyEndpoint(
    {
      intake,
      style: {
        ...style,
        // By the specification only `notifications/cancelled` does.
        leavingCancels: false,
        // Its client is still there, and takes this for silence.
        abandonedStatus: 202,
        status: () => 200,
      },
      sharing: sharing && { ...sharing, log },
    },
    { ...options, eventStore },
  );
  return { modern, legacy, eventStore };
}

/** @throws {InvalidOptionError} */
function eventStoreOf(
  given: HttpSettings["eventStore"],
  redis: RedisSpace | undefined,
): EventStore | undefined {
  if (given !== "redis") return given;
  if (redis !== undefined) return new RedisEventStore(redis);
  throw new InvalidOptionError(
    'eventStore can be "redis" only where the option redis says which',
  );
}
