/** The sidecar's log: one JSON object a line. Throws on a line that is not one, since nothing else may be written there. */
export function logLines(log: string): (Record<string, unknown> & { message: string; severity: string; start_ms?: number })[] {
  return log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
