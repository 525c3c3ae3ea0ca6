import { escapeXml } from "../../../infra/svg/index.ts";
import type { Figure } from "./figures.ts";

const number = (value: number | null) =>
  value === null ? "-" : value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(value >= 10 ? 1 : 2);
const verdict = (figure: Figure) => (figure.met === null ? (figure.note ?? "no target") : figure.met ? "met" : "MISSED");

/** The figures as a Markdown table, also read well in a terminal. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${number(figure.value)} ${figure.unit}`,
    figure.floor ? `${figure.floor.name}: ${number(figure.floor.value)}` : "",
    figure.ratio === undefined ? "" : figure.ratio.toFixed(2),
    figure.target ?? "",
    verdict(figure),
  ]);
  const header = ["figure", "value", "beside it, same run", "ratio", "target", "result"];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(header), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join("\n");
}

/** The ratios as bars against their floor (1.0), one row a figure; colours hold in light and dark. */
export function picture(figures: readonly Figure[]): string {
  const rows = figures.filter((figure) => figure.ratio !== undefined);
  const [left, width, rowHeight] = [330, 420, 44];
  const height = 70 + rows.length * rowHeight;
  const most = Math.max(1, ...rows.map((figure) => figure.ratio ?? 0));
  const x = (ratio: number) => left + (ratio / most) * width;
  const bars = rows.map((figure, index) => {
    const y = 50 + index * rowHeight;
    const colour = figure.met === null ? "#6e7781" : figure.met ? "#1f883d" : "#cf222e";
    return `<text x="${left - 12}" y="${y + 13}" text-anchor="end">${escapeXml(figure.name)}</text>
<text x="${left - 12}" y="${y + 27}" text-anchor="end" class="note">beside ${escapeXml(figure.floor?.name ?? "")}: ${number(figure.floor?.value ?? null)}</text>
<rect x="${left}" y="${y}" width="${x(figure.ratio ?? 0) - left}" height="24" rx="3" fill="${colour}"/>
<text x="${x(figure.ratio ?? 0) + 8}" y="${y + 16}">${(figure.ratio ?? 0).toFixed(2)} (${number(figure.value)} ${escapeXml(figure.unit)})</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 230} ${height}" font-family="sans-serif" font-size="13">
<title>Benchmark: ratio of each figure to what ran beside it</title>
<style>text{fill:#24292f}.note{font-size:11px;fill:#57606a}.page{fill:#fff}.floor{stroke:#57606a}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#9198a1}.page{fill:#0d1117}.floor{stroke:#9198a1}}</style>
<rect class="page" width="100%" height="100%"/>
<text x="16" y="26" font-size="15" font-weight="bold">Ratio to what ran beside it (dashed: the floor itself)</text>
${bars.join("\n")}
<line class="floor" x1="${x(1)}" x2="${x(1)}" y1="40" y2="${height - 14}" stroke-dasharray="4 4"/>
</svg>
`;
}
