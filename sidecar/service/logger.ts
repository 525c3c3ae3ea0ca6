import { createScrubber, type Scrubber } from "./scrub.ts";
import type { Logger, ServiceConfig } from "./types.ts";

type Level = ServiceConfig["logLevel"];

const ORDER: Record<Level, number> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };
/** Names that Cloud Logging knows; other collectors read them as they are. */
const SEVERITY: Record<Level, string> = { trace: "DEBUG", debug: "DEBUG", info: "INFO", warn: "WARNING", error: "ERROR" };

export interface LineStream {
  write(text: string): unknown;
}

/**
 * One JSON object a line: `{"severity","time","message",…fields}`; times are RFC 3339 in UTC. Every line passes the scrubber, so
 * a secret cannot leave even inside an error's message. Errors in fields become `{name, code, message, fix}` and, at debug level, a stack.
 */
export function createLogger(level: Level, stream: LineStream, scrubber: Scrubber = createScrubber()): Logger {
  const withStack = ORDER[level] <= ORDER.debug;
  const encode = (_key: string, value: unknown): unknown => {
    if (typeof value === "bigint") return value.toString();
    if (value instanceof Error) return describeError(value, withStack);
    if (value instanceof Map) return Object.fromEntries(value);
    if (value instanceof Set) return [...value];
    return value;
  };
  const at = (own: Level) => (message: string, fields?: Record<string, unknown>) => {
    if (ORDER[own] < ORDER[level]) return;
    const head = { severity: SEVERITY[own], time: new Date().toISOString(), message };
    let line: string;
    try {
      line = JSON.stringify({ ...head, ...fields, ...head }, encode);
    } catch (error) {
      // A field that JSON cannot hold must not cost the line, nor the caller an exception.
      line = JSON.stringify({ ...head, fields_lost: error instanceof Error ? error.message.split("\n")[0] : "unknown" });
    }
    stream.write(`${scrubber.scrub(line)}\n`);
  };
  return { trace: at("trace"), debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

const MAX_CAUSES = 4;

function describeError(error: Error, withStack: boolean, depth = 0): Record<string, unknown> {
  const { code, fix } = error as { code?: unknown; fix?: unknown };
  const { cause } = error;
  return {
    name: error.name,
    ...(code === undefined ? {} : { code }),
    message: error.message,
    ...(fix === undefined ? {} : { fix }),
    ...(withStack && error.stack !== undefined ? { stack: error.stack } : {}),
    ...(cause instanceof Error && depth < MAX_CAUSES ? { cause: describeError(cause, withStack, depth + 1) } : {}),
  };
}
