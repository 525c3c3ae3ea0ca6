export { type CleanUpOptions, cleanUp } from "./clean-up.ts";
export { LOCAL_ERRORS, type LocalErrorCode, LocalRunError } from "./errors.ts";
export { startTopology } from "./start-topology.ts";
export {
  type TableOptions,
  TIMELINE_EVENTS,
  type TimelinePictureOptions,
  timelineJson,
  timelinePng,
  timelineSummary,
  timelineSvg,
  timelineTable,
} from "./timeline/index.ts";
export type * from "./types.ts";
