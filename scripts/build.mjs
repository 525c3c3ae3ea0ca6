// Builds the `chio` program. `npm run build`; `npm run build -- --target linux-arm64-musl --outfile PATH`.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "./lib/compile.mjs";
import { runMain, UsageError } from "./lib/failure.mjs";
import { DIST } from "./lib/paths.mjs";
import { hostTarget, parseTarget, targetName } from "./lib/platform.mjs";
import { step } from "./lib/progress.mjs";
import { bunFor, ensureRuntimeDependencies } from "./lib/setup.mjs";

const USAGE = `usage: npm run build [-- OPTIONS]
  --target NAME    linux-x64, linux-arm64, linux-x64-musl, linux-arm64-musl, darwin-x64, darwin-arm64 (default: this machine's)
  --outfile PATH   default: dist/chio, and dist/chio-NAME for another machine's
  --fetch-only     fetch what the build needs and stop`;

function options() {
  try {
    const flags = /** @type {const} */ ({
      target: { type: "string" },
      outfile: { type: "string" },
      "fetch-only": { type: "boolean" },
      help: { type: "boolean" },
    });
    return parseArgs({ options: flags }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), USAGE);
  }
}

await runMain(async () => {
  const values = options();
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  const host = hostTarget();
  const target = values.target === undefined ? host : parseTarget(values.target);
  await ensureRuntimeDependencies();
  await bunFor(host);
  await bunFor(target);
  if (values["fetch-only"]) return;
  const own = targetName(target) === targetName(host);
  const outfile = values.outfile === undefined ? `${DIST}/chio${own ? "" : `-${targetName(target)}`}` : resolve(values.outfile);
  const { bytes } = await step(`compiling chio for ${targetName(target)}`, () => compile(target, outfile));
  process.stdout.write(`${outfile} (${(bytes / 1e6).toFixed(0)} MB)\n`);
});
