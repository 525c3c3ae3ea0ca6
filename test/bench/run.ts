// Benchmark of the sidecar: every figure beside a floor that ran in the same minutes on the same machine. `npm run bench`.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeFixture } from "./lib/chio.ts";
import type { Figure } from "./lib/figures.ts";
import { picture, table } from "./lib/report.ts";
import { constrained } from "./scenarios/constrained.ts";
import { evaluate } from "./scenarios/evaluate.ts";
import { footprint } from "./scenarios/footprint.ts";
import { ledger } from "./scenarios/ledger.ts";
import { proxy } from "./scenarios/proxy.ts";

const { values } = parseArgs({
  options: {
    chio: { type: "string", default: "dist/chio" },
    bun: { type: "string" },
    image: { type: "string", default: "chio-sidecar:distroless" },
    seconds: { type: "string", default: "5" },
    only: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const { chio, bun, image } = values;
const seconds = Number(values.seconds);
if (!bun || !existsSync(bun)) throw new Error("--bun names no file: pass the Bun executable that dist/chio was built with");
if (!existsSync(chio)) throw new Error(`no ${chio}: build it with npm run build`);

const folder = mkdtempSync(join(tmpdir(), "chio-bench-"));
const figures: Figure[] = [];
try {
  const fixture = await makeFixture(chio, folder);
  const closed = "http://127.0.0.1:1";
  const scenarios: Record<string, () => Promise<Figure[]>> = {
    footprint: () => footprint(chio, fixture, closed),
    evaluate: () => evaluate(chio, bun, fixture, closed, seconds),
    proxy: () => proxy(chio, bun, fixture, seconds),
    ledger: () => ledger(bun),
    constrained: () => constrained(image, bun, fixture, seconds),
  };
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (values.only && !values.only.split(",").includes(name)) continue;
    console.error(`bench: ${name} …`);
    figures.push(...(await scenario()));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

console.log(table(figures));
if (values.write) {
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model ?? "unknown", memoryGiB: Math.round(totalmem() / 2 ** 30) };
  const here = import.meta.dirname;
  writeFileSync(join(here, "results.json"), `${JSON.stringify({ date: new Date().toISOString(), machine, figures }, null, 2)}\n`);
  writeFileSync(join(here, "results.md"), `${table(figures)}\n`);
  writeFileSync(join(here, "results.svg"), picture(figures));
}
if (figures.some((figure) => figure.met === false)) console.error("bench: a target was missed, see above");
