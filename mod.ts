export {
  type Clock,
  systemClock,
  type TimerHandle,
  type TimerOptions,
} from "./src/base/clock.ts";
