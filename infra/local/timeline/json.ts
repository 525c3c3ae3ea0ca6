import type { Timeline } from "./types.ts";

/** The timeline as JSON, one event a line, so that two runs can be compared. Ends in a line break. */
export function timelineJson(timeline: Timeline): string {
  const { events, ...head } = timeline;
  const lines = events.map((event) => `    ${JSON.stringify(event)}`);
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "events": [${lines.length === 0 ? "" : `\n${lines.join(",\n")}\n  `}]\n}\n`;
}
