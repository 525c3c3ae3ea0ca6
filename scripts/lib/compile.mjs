import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { execOk } from "./exec.mjs";
import { SetupError } from "./failure.mjs";
import { inRoot, ROOT } from "./paths.mjs";
import { hostTarget, targetName } from "./platform.mjs";
import { bunFor } from "./setup.mjs";

/** The program, then the ledger's thread: their common folder is `sidecar`, so the thread is `./ledger/worker.js` beside the program. */
const ENTRIES = ["sidecar/cli/main.ts", "sidecar/ledger/worker.ts"];

/**
 * Compiles `chio` into one executable.
 *
 * Bytecode: the first line comes after 25 ms in place of 90. ESM with it: under the CommonJS default Bun writes the build machine's paths into
 * `import.meta.url`. Splitting: what a command does not use is not loaded. Files in the working directory (.env, bunfig.toml) must not reach
 * into a security kernel, so their automatic loading is off.
 * @param {import("./platform.mjs").Target} target
 * @param {string} outfile
 */
export async function compile(target, outfile) {
  for (const entry of ENTRIES) {
    if (!existsSync(inRoot(entry))) throw new SetupError(`${entry} is missing`, "check the clone: git status");
  }
  const host = hostTarget();
  const bun = await bunFor(host);
  const foreign = targetName(host) !== targetName(target);
  const base = foreign ? [`--compile-executable-path=${await bunFor(target)}`, `--target=bun-${targetName(target)}`] : [];
  mkdirSync(dirname(outfile), { recursive: true });
  rmSync(outfile, { force: true });
  const flags = [
    "--compile",
    "--minify",
    "--bytecode",
    "--format=esm",
    "--splitting",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
  ];
  await execOk(bun, ["build", ...flags, ...base, ...ENTRIES, "--outfile", outfile], { cwd: ROOT });
  return { outfile, bytes: statSync(outfile).size };
}
