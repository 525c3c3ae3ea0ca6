export { timelineJson } from "./json.ts";
export { type LivePrinter, type LiveTerminal, liveTimeline } from "./live.ts";
export { type TimelinePictureOptions, timelinePng, timelineScene, timelineSvg } from "./svg.ts";
export { type TableOptions, timelineTable } from "./table.ts";
export { TIMELINE_EVENTS, type Timeline, type TimelineEvent, type TimelineEventKind } from "./types.ts";
export { timelineSummary } from "./words.ts";
