export {
  type Clock,
  systemClock,
  type TimerHandle,
  type TimerOptions,
} from "./src/base/clock.ts";
export {
  type Permit,
  Semaphore,
  type SemaphoreAcquireOptions,
  type SemaphoreOptions,
  type SemaphoreStats,
} from "./src/limit/semaphore.ts";
export { deadline, type DeadlineOptions } from "./src/limit/deadline.ts";
export {
  mapConcurrent,
  type MapConcurrentContext,
  type MapConcurrentOptions,
} from "./src/limit/map_concurrent.ts";
