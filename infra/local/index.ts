export { type CleanUpOptions, cleanUp } from "./clean-up.ts";
export { LOCAL_ERRORS, type LocalErrorCode, LocalRunError } from "./errors.ts";
export { startTopology } from "./start-topology.ts";
export { TIMELINE_EVENTS } from "./timeline/types.ts";
export type * from "./types.ts";
