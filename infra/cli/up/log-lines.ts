import { styleText } from "node:util";
import { printable } from "../../local/timeline/table.ts";
import type { LogLine } from "../../local/types.ts";
import type { PlatformTopology } from "../../topology/index.ts";

const COLOURS = ["green", "magenta", "blue", "yellow"] as const;

export interface LogFormat {
  readonly colour: boolean;
  /** Lines as the containers wrote them. */
  readonly raw: boolean;
}

/** What containers write, as one stream: each line behind its container's name, in its colour. The sidecar's JSON lines are put in words. */
export function logFormatter(
  { containers }: PlatformTopology,
  replicas: () => number,
  { colour, raw }: LogFormat,
): (line: LogLine) => string {
  const width = Math.max(...containers.map((one) => one.name.length));
  const others = containers.filter((one) => one.role !== "sidecar").map((one) => one.name);
  const sidecars = new Set(containers.filter((one) => one.role === "sidecar").map((one) => one.name));
  return ({ replica, container, text }) => {
    const name = replicas() > 1 ? `${replica} ${container.padEnd(width)}` : container.padEnd(width);
    const style = sidecars.has(container) ? "cyan" : (COLOURS[others.indexOf(container) % COLOURS.length] ?? "green");
    const said = sidecars.has(container) && !raw ? inWords(text) : text;
    // The terminal stays ours: what a program prints moves no cursor and sets no title.
    return `${colour ? styleText(style, `${name} │`, { validateStream: false }) : `${name} │`} ${printable(said).trimEnd()}`;
  };
}

/** `{"severity":"INFO","message":…}` as `info …`, a receipt as its verdict and what it is about. Anything else as it is. */
function inWords(text: string): string {
  if (!text.startsWith("{")) return text;
  let line: Record<string, unknown>;
  try {
    line = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return text;
  }
  if (line.event === "receipt") return receipt(line) ?? text;
  if (line.event === "checkpoint") return "checkpoint signed";
  const { severity, message, time: _time, ...fields } = line;
  if (typeof severity !== "string" || typeof message !== "string") return text;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [severity.toLowerCase(), message, ...rest].join(" ");
}

function receipt(line: Record<string, unknown>): string | null {
  const body = line.receipt as Record<string, unknown> | undefined;
  if (typeof body !== "object" || body === null || typeof body.id !== "string") return null;
  const verdict = typeof line.verdict === "string" ? line.verdict : "";
  const what =
    typeof body.route_pattern === "string"
      ? `${String(body.method)} ${body.route_pattern} ${String(body.response_status)}`
      : `${String(body.tool_server)}:${String(body.tool_name)}`;
  return `receipt ${body.id.slice(0, 12)}… ${verdict} ${what}`;
}
