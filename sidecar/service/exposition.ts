interface FamilyHead {
  name: string;
  help: string;
}

/** One metric with all its samples, as Prometheus' text format groups them. */
export type Family = FamilyHead &
  (
    | { type: "counter" | "gauge"; samples: readonly [labels: Record<string, string>, value: number][] }
    /** `counts` has one more entry than `buckets` (+Inf) and is not cumulative. */
    | { type: "histogram"; buckets: readonly number[]; counts: ArrayLike<number>; sum: number }
  );

/** Prometheus text format, version 0.0.4. */
export function exposition(families: readonly Family[]): string {
  const lines: string[] = [];
  for (const family of families) {
    lines.push(`# HELP ${family.name} ${escapeHelp(family.help)}`, `# TYPE ${family.name} ${family.type}`);
    if (family.type === "histogram") {
      let total = 0;
      for (let at = 0; at <= family.buckets.length; at++) {
        total += family.counts[at] ?? 0;
        lines.push(sample(`${family.name}_bucket`, { le: at === family.buckets.length ? "+Inf" : String(family.buckets[at]) }, total));
      }
      lines.push(sample(`${family.name}_sum`, {}, family.sum), sample(`${family.name}_count`, {}, total));
    } else {
      for (const [labels, value] of family.samples) lines.push(sample(family.name, labels, value));
    }
  }
  return `${lines.join("\n")}\n`;
}

function sample(name: string, labels: Record<string, string>, value: number): string {
  const parts = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${parts.length === 0 ? "" : `{${parts.join(",")}}`} ${value}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
