/** A line of the sidecar's log; null for any other output, receipts among it. */
function logLine(text: string): { message: string; severity: string; receipts?: unknown; code?: unknown } | null {
  if (!text.startsWith("{") || !text.includes('"severity"')) return null;
  try {
    const line = JSON.parse(text) as { message?: unknown; severity?: unknown };
    return typeof line.message === "string" && typeof line.severity === "string" ? (line as { message: string; severity: string }) : null;
  } catch {
    return null;
  }
}

/** The number of receipts in the store when the sidecar said that its drain is complete; null for any other line. */
export function drainedReceipts(text: string): number | null {
  const line = logLine(text);
  return line?.message === "drained" && typeof line.receipts === "number" ? line.receipts : null;
}

/** The message of a line that says why something failed. */
export function explains(text: string): string | null {
  const line = logLine(text);
  return line?.severity === "ERROR" ? line.message : null;
}
