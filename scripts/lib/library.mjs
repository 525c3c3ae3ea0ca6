import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { execOk } from "./exec.mjs";
import { SetupError } from "./failure.mjs";
import { CACHE, DIST, inRoot, ROOT } from "./paths.mjs";

/** @typedef {{ exports: Record<string, string | { default: string }>, bin: Record<string, string> }} Entries */

/** Where package.json's entry points are built to. */
const LIB = "dist/lib/";
/** The ledger's thread: started by its address, imported by nothing. */
const THREAD = "sidecar/ledger/worker.ts";
/** As deep as every entry point, so that `../../` is the same folder from wherever a module's code ends up. */
const CHUNKS = "shared/chunks/[name]-[hash]";

/**
 * Sources of the package's entry points: `dist/lib/infra/aws/index.js` is built from `infra/aws/index.ts`.
 * @param {Entries} manifest
 */
export function librarySources({ exports, bin }) {
  const code = Object.values(exports).flatMap((target) => (typeof target === "string" ? [] : [target.default]));
  return [...code, ...Object.values(bin)].map((path) => {
    const match = /^(?:\.\/)?dist\/lib\/([^/]+\/[^/]+\/[^/]+)\.js$/.exec(path);
    if (match === null) throw new SetupError(`package.json: no entry point can be built to ${path}`, `use ./${LIB}FOLDER/FOLDER/FILE.js`);
    return `${match[1]}.ts`;
  });
}

/** What `programUrl` of infra/package-root.ts is asked for. */
function programSources() {
  const modules = readdirSync(inRoot("infra"), { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  return modules.flatMap((path) =>
    [...readFileSync(inRoot("infra", path), "utf8").matchAll(/programUrl\("([^"]+)"\)/g)].map(([, program]) => `${program}.ts`),
  );
}

/**
 * Compiles the npm package: one module for each entry point, the modules that they share once, declarations for all. A module a file would cost
 * an importer three times the time.
 * @param {string} [outdir]
 */
export async function buildLibrary(outdir = join(DIST, "lib")) {
  const manifest = /** @type {Entries} */ (JSON.parse(readFileSync(inRoot("package.json"), "utf8")));
  const sources = librarySources(manifest);
  rmSync(outdir, { recursive: true, force: true });
  await Promise.all([
    bundle(sources, outdir, { splitting: true }),
    // Each whole in one file, which may be handed to another runtime.
    bundle([THREAD, ...programSources()], outdir, { splitting: false }),
    declare(sources, outdir),
  ]);
  for (const path of Object.values(manifest.bin)) chmodSync(join(outdir, relative(LIB, path)), 0o755);
}

/** @param {string[]} sources @param {string} outdir @param {{ splitting: boolean }} options */
async function bundle(sources, outdir, { splitting }) {
  const { build } = await import("esbuild");
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: sources,
    outbase: ".",
    outdir,
    chunkNames: CHUNKS,
    bundle: true,
    splitting,
    format: "esm",
    platform: "node",
    target: "node22",
    packages: "external",
    metafile: true,
    logLevel: "warning",
  });
  if (!splitting) return;
  const shallow = Object.keys(metafile.outputs).filter((path) => relative(outdir, inRoot(path)).split(sep).length !== 3);
  if (shallow.length > 0) throw new Error(`built to another depth than the rest: ${shallow.join(", ")}`);
}

/** @param {string[]} sources @param {string} outdir */
async function declare(sources, outdir) {
  const config = join(CACHE, `declarations-${process.pid}.json`);
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({
      extends: inRoot("tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        noUnusedLocals: false,
        noUnusedParameters: false,
        rootDir: ROOT,
        outDir: outdir,
      },
      files: sources.map((path) => inRoot(path)),
      include: [],
    }),
  );
  try {
    await execOk(process.execPath, [inRoot("node_modules/typescript/bin/tsc"), "-p", config], { cwd: ROOT });
  } finally {
    rmSync(config, { force: true });
  }
  removeUnreachable(
    sources.map((path) => join(outdir, path.replace(/\.ts$/, ".d.ts"))),
    outdir,
  );
}

/** The compiler writes declarations of what only implementations import, too. @param {string[]} entries @param {string} outdir */
function removeUnreachable(entries, outdir) {
  const reachable = new Set(entries);
  for (const path of reachable) {
    for (const [, to = ""] of readFileSync(path, "utf8").matchAll(/(?:from|import\(|import) ?"(\.[^"]+)\.[jt]s"/g)) {
      reachable.add(`${join(path, "..", to)}.d.ts`);
    }
  }
  for (const path of readdirSync(outdir, { recursive: true, encoding: "utf8" })) {
    if (path.endsWith(".d.ts") && !reachable.has(join(outdir, path))) rmSync(join(outdir, path));
  }
}
