import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { recordBytecodeOrder } from "./bytecode-order.mjs";
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
 * It is built twice: the first build, for this machine, is started once to see which functions a start uses, and the second lays their bytecode
 * together. The idle sidecar then has 2 MiB less resident, of 64.
 * @param {import("./platform.mjs").Target} target
 * @param {string} outfile
 */
export async function compile(target, outfile) {
  for (const entry of ENTRIES) {
    if (!existsSync(inRoot(entry))) throw new SetupError(`${entry} is missing`, "check the clone: git status");
  }
  mkdirSync(dirname(outfile), { recursive: true });
  rmSync(outfile, { force: true });
  const folder = mkdtempSync(join(tmpdir(), "chio-compile-"));
  try {
    const [first, order] = [join(folder, "chio"), join(folder, "order")];
    await build(hostTarget(), first, []);
    await recordBytecodeOrder(first, folder, order);
    await build(target, outfile, [`--bytecode-order=${order}`]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { outfile, bytes: statSync(outfile).size };
}

/** @param {import("./platform.mjs").Target} target @param {string} outfile @param {string[]} more */
async function build(target, outfile, more) {
  const host = hostTarget();
  const bun = await bunFor(host);
  const foreign = targetName(host) !== targetName(target);
  const base = foreign ? [`--compile-executable-path=${await bunFor(target)}`, `--target=bun-${targetName(target)}`] : [];
  const flags = [
    "--compile",
    "--minify",
    "--bytecode",
    "--format=esm",
    "--splitting",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
  ];
  await execOk(bun, ["build", ...flags, ...more, ...base, ...ENTRIES, "--outfile", outfile], { cwd: ROOT });
}
