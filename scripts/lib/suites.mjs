import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { exec } from "./exec.mjs";
import { describeFailure } from "./failure.mjs";
import { CACHE, inRoot, ROOT } from "./paths.mjs";

/**
 * @typedef {object} Outcome
 * @property {string} name
 * @property {number} passed
 * @property {string[]} failed what failed, one line each
 * @property {string[]} skipped
 * @property {number} ms
 */

const LIMIT_MS = 45 * 60_000;

/** @param {string} text */
const print = (text) => void process.stdout.write(text);

/**
 * A check that passes or fails as one. Its output is shown only when it fails.
 * @param {string} name
 * @param {readonly string[]} command
 * @param {(text: string) => void} [show]
 * @returns {Promise<Outcome>}
 */
export async function runCheck(name, [file, ...args], show = print) {
  const started = performance.now();
  const result = await exec(/** @type {string} */ (file), args, { cwd: ROOT, timeoutMs: LIMIT_MS });
  if (result.code !== 0) show(`\n${name}:\n${result.output.trimEnd()}\n`);
  const ok = result.code === 0;
  return {
    name,
    passed: ok ? 1 : 0,
    failed: ok ? [] : [`${name} (exit code ${result.code})`],
    skipped: [],
    ms: performance.now() - started,
  };
}

/**
 * A step that the tests need: counted only when it fails.
 * @param {string} name
 * @param {() => Promise<void>} work
 * @param {(text: string) => void} [show]
 * @returns {Promise<Outcome>}
 */
export async function runSetup(name, work, show = print) {
  const started = performance.now();
  try {
    await work();
    return { name, passed: 0, failed: [], skipped: [], ms: performance.now() - started };
  } catch (error) {
    const text = describeFailure(error);
    show(`${text}\n`);
    return { name, passed: 0, failed: [`${name}: ${text.split("\n")[0]}`], skipped: [], ms: performance.now() - started };
  }
}

/**
 * Runs Vitest over some projects, its report going to the terminal as it comes.
 * @param {readonly string[]} projects
 * @param {{ env?: NodeJS.ProcessEnv, exclude?: readonly string[], files?: readonly string[], suffix?: string }} [options] env: added to this process's;
 *   exclude: test files to leave out; files: parts of the paths of those to run; suffix: of each outcome's name, where a project runs a second time
 * @returns {Promise<Outcome[]>} one a project
 */
export async function runVitest(projects, { env = {}, exclude = [], files = [], suffix = "" } = {}) {
  const report = join(CACHE, "test", `${projects.join("-")}${suffix.replaceAll(/[^a-z]+/g, "-")}.json`);
  mkdirSync(join(CACHE, "test"), { recursive: true });
  rmSync(report, { force: true });
  const started = performance.now();
  const selection = [...projects.flatMap((project) => ["--project", project]), ...exclude.flatMap((pattern) => ["--exclude", pattern])];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const result = await exec(process.execPath, [inRoot("node_modules/vitest/vitest.mjs"), "run", ...files, ...selection, ...reporters], {
    cwd: ROOT,
    env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }), ...env },
    inherit: true,
    timeoutMs: LIMIT_MS,
  });
  const ms = performance.now() - started;
  if (!existsSync(report)) {
    return projects.map((name) => ({
      name: `${name}${suffix}`,
      passed: 0,
      failed: [`${name}${suffix}: Vitest ended with ${result.code} and left no report`],
      skipped: [],
      ms,
    }));
  }
  return readReport(JSON.parse(readFileSync(report, "utf8")), projects, result.code).map((outcome) => ({
    ...outcome,
    name: `${outcome.name}${suffix}`,
    failed: outcome.failed.map((line) => (suffix === "" ? line : `${line} (${suffix.trim()})`)),
    ms,
  }));
}

/** Folder of a project's tests, below `test`. @param {string} project */
const folderOf = (project) => (project === "lifecycle" ? "containers/lifecycle" : project);

/** @typedef {{ status: string, fullName: string, failureMessages?: string[] }} Assertion */
/** @typedef {{ name: string, status: string, message?: string, assertionResults: Assertion[] }} FileResult */

/**
 * Vitest's JSON report as outcomes. A file that could not be loaded is a failure, a project without a single test that passed is one, and so is
 * an exit code that no test accounts for (an error outside every test).
 * @param {{ testResults: FileResult[] }} report
 * @param {readonly string[]} projects
 * @param {number} code
 * @returns {Omit<Outcome, "ms">[]}
 */
export function readReport(report, projects, code) {
  /** @type {Omit<Outcome, "ms">[]} */
  const outcomes = projects.map((name) => ({ name, passed: 0, failed: [], skipped: [] }));
  for (const file of report.testResults) {
    const path = relative(ROOT, file.name).split(sep).join("/");
    const deepestFirst = outcomes.toSorted((a, b) => folderOf(b.name).length - folderOf(a.name).length);
    const outcome = deepestFirst.find(({ name }) => path.startsWith(`test/${folderOf(name)}/`)) ?? outcomes[0];
    if (outcome === undefined) continue;
    const failed = file.assertionResults.filter(({ status }) => status === "failed");
    if (file.status === "failed" && failed.length === 0)
      outcome.failed.push(`${path}: ${firstLine(file.message) || "the file could not be run"}`);
    for (const { status, fullName } of file.assertionResults) {
      if (status === "passed") outcome.passed++;
      else if (status === "failed") outcome.failed.push(`${path}: ${fullName}`);
      else outcome.skipped.push(`${path}: ${fullName}`);
    }
  }
  for (const outcome of outcomes) {
    if (outcome.passed === 0 && outcome.failed.length === 0) outcome.failed.push(`${outcome.name}: no test was run`);
  }
  if (code !== 0 && outcomes.every(({ failed }) => failed.length === 0)) {
    outcomes[0]?.failed.push(`${projects.join(", ")}: Vitest ended with ${code} though no test failed; its output says why`);
  }
  return outcomes;
}

/** @param {string | undefined} text */
const firstLine = (text) => (text ?? "").trim().split("\n")[0] ?? "";
