// Runs the tests. `npm test`: everything. `npm run test:fast`: what needs no Docker. `npm test -- unit lint`: only these.
import { parseArgs } from "node:util";
import { compile } from "./lib/compile.mjs";
import { ensureDocker } from "./lib/docker.mjs";
import { runMain, UsageError } from "./lib/failure.mjs";
import { CACHE, inRoot } from "./lib/paths.mjs";
import { hostTarget } from "./lib/platform.mjs";
import { say, seconds, step } from "./lib/progress.mjs";
import { bunFor, ensureDependencies, ensureNode } from "./lib/setup.mjs";
import { runCheck, runSetup, runVitest } from "./lib/suites.mjs";
import { buildTestImages } from "./lib/test-images.mjs";

const CHECKS = /** @type {Record<string, string[]>} */ ({
  types: [
    process.execPath,
    inRoot("node_modules/typescript/bin/tsc"),
    "--noEmit",
    "--incremental",
    "--tsBuildInfoFile",
    inRoot(".cache/types.tsbuildinfo"),
  ],
  lint: [inRoot("node_modules/.bin/biome"), "check", "--error-on-warnings", "--colors=off", "."],
});
/** The demo asserts what it shows. */
const DEMO = [process.execPath, inRoot("scripts/demo.mjs")];
const FAST = ["types", "lint", "unit", "conformance", "security"];
const ALL = [...FAST, "infra", "demo", "program", "containers"];
/** Left out of the fast run: they wait for the disk, for processes and for time-outs. */
const SLOW = [
  "test/unit/ledger/**",
  "test/unit/cli/{api-protect-*,ledger-*,wait,install}.test.ts",
  "test/security/{fail-closed,drain,streaming,body,response,tls,write-ahead}.test.ts",
];

function selection() {
  try {
    const { values, positionals } = parseArgs({ options: { fast: { type: "boolean" } }, allowPositionals: true });
    const unknown = positionals.find((name) => !ALL.includes(name));
    if (unknown !== undefined) throw new Error(`there is no check "${unknown}"`);
    const names = positionals.length > 0 ? positionals : values.fast ? FAST : ALL;
    return { names, exclude: values.fast ? SLOW : [] };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), `npm test [-- [--fast] [${ALL.join("] [")}]]`);
  }
}

/** @param {readonly string[]} names @param {readonly string[]} exclude */
async function runWithoutDocker(names, exclude) {
  const checks = names.filter((name) => name in CHECKS).map((name) => runCheck(name, /** @type {string[]} */ (CHECKS[name])));
  const projects = names.filter((name) => !(name in CHECKS) && !["containers", "demo", "program"].includes(name));
  const suites = projects.length === 0 ? [] : await runVitest(projects, { exclude });
  const outcomes = [...(await Promise.all(checks)), ...suites];
  if (names.includes("demo")) outcomes.push(await step("running the demo", () => runCheck("demo", DEMO)));
  return outcomes;
}

/** The same cases against what is shipped: formats under the program's runtime, attacks and process tests against the compiled program. */
async function runProgram() {
  const binary = `${CACHE}/test/chio`;
  const built = await runSetup("compiled program", async () => {
    await step("compiling chio for the tests", () => compile(hostTarget(), binary));
  });
  if (built.failed.length > 0) return [built];
  const conformance = await runCheck("conformance on Bun", [await bunFor(hostTarget()), inRoot("test/conformance/run.ts")]);
  const options = { env: { CHIO_TEST_BINARY: binary }, suffix: " of the program" };
  return [
    conformance,
    ...(await runVitest(["security"], options)),
    ...(await runVitest(["unit"], { ...options, files: ["test/unit/cli/api-protect-", "test/unit/cli/wait"] })),
  ];
}

async function runContainers() {
  const docker = await runSetup("Docker engine", ensureDocker);
  if (docker.failed.length > 0) return [docker];
  const { outcomes, env } = await buildTestImages();
  if (Object.keys(env).length === 0) return outcomes;
  // Testcontainers' own reaper is an image that may not be there; these tests remove what they made themselves, and check that they did.
  outcomes.push(await step("running the demo in containers", () => runCheck("demo in containers", [...DEMO, "--container"])));
  return [...outcomes, ...(await runVitest(["containers", "lifecycle"], { env: { ...env, TESTCONTAINERS_RYUK_DISABLED: "true" } }))];
}

await runMain(async () => {
  const { names, exclude } = selection();
  await ensureNode();
  await ensureDependencies();
  const started = performance.now();
  const outcomes = await runWithoutDocker(names, exclude);
  if (names.includes("program")) outcomes.push(...(await runProgram()));
  if (names.includes("containers")) outcomes.push(...(await runContainers()));

  say("");
  for (const { name, passed, failed, skipped, ms } of outcomes) {
    const left = skipped.length === 0 ? "" : `, ${skipped.length} skipped`;
    say(`${failed.length === 0 ? "✓" : "✗"} ${name.padEnd(24)} ${passed} passed, ${failed.length} failed${left} (${seconds(ms)})`);
  }
  for (const pattern of exclude) say(`left out of the fast run: ${pattern}`);
  for (const line of outcomes.flatMap(({ skipped }) => skipped)) say(`skipped: ${line}`);
  for (const line of outcomes.flatMap(({ failed }) => failed)) say(`FAILED: ${line}`);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed.length, 0);
  say(`in ${seconds(performance.now() - started)}`);
  say(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
});
