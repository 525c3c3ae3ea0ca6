import type { JsonObject } from "../wire/json.ts";
import type { Target } from "./binding.ts";
import type { Call } from "./types.ts";

/** null: the caveat holds for this call. Otherwise why not. `now` is unix seconds. */
export type CaveatCheck = (call: Call, targets: readonly Target[], now: number) => string | null;

/**
 * A caveat `{kind, predicate, sig?}` as a check. Predicates:
 * - `restrict_tool`: `server/tool`, or a tool name alone; `*` stands for any server or tool. Only calls of that tool hold.
 * - `bind_session`: a session id. Only calls of that session hold.
 * - `restrict_time_window`: `start/end`, each unix seconds or an RFC 3339 time in UTC; holds from start up to, not including, end.
 * - `restrict_audience`, `restrict_geo`: nothing here knows the audience or the place, so they never hold.
 * A caveat with a signature of its own never holds either: whose it would be is not defined.
 */
export function compileCaveat(caveat: JsonObject): CaveatCheck {
  const kind = String(caveat.kind);
  const predicate = caveat.predicate;
  if (caveat.sig !== undefined || typeof predicate !== "string" || predicate === "") return () => `${kind} cannot be evaluated here`;
  switch (kind) {
    case "restrict_tool":
      return restrictTool(predicate);
    case "bind_session":
      return (call) => (call.sessionId === predicate ? null : "bind_session names another session");
    case "restrict_time_window":
      return restrictTimeWindow(predicate);
    default:
      return () => `${kind} cannot be evaluated here`;
  }
}

function restrictTool(predicate: string): CaveatCheck {
  // A tool name may hold a slash (`GET /pets`), a server name may not.
  const [, server, tool] = /^([^/ ]+)\/(.+)$/s.exec(predicate) ?? [undefined, "*", predicate];
  return (_call, targets) => {
    const named = targets.some((target) => (server === "*" || server === target.server) && (tool === "*" || tool === target.tool));
    return named ? null : "restrict_tool names another tool";
  };
}

function restrictTimeWindow(predicate: string): CaveatCheck {
  const parts = predicate.split("/");
  const start = unixSeconds(parts[0]);
  const end = unixSeconds(parts[1]);
  if (parts.length !== 2 || start === null || end === null) return () => "restrict_time_window has no readable window";
  return (_call, _targets, now) => (start <= now && now < end ? null : "restrict_time_window does not include this time");
}

function unixSeconds(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[0-9]{1,12}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/.test(text)) return null;
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? null : milliseconds / 1000;
}
