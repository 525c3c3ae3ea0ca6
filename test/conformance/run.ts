// Runs every vector without a test framework, so that another runtime can be held against the same cases: `bun test/conformance/run.ts`.
import { bindingsChecks } from "./bindings.ts";
import { derivedChecks } from "./derived.ts";
import { runtimeChecks } from "./runtime.ts";

let failed = 0;
const checks = [...bindingsChecks, ...derivedChecks, ...runtimeChecks];
for (const check of checks) {
  try {
    check.run();
  } catch (error) {
    failed++;
    process.stderr.write(`${check.file} ${check.id}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && checks.length > 0 ? 0 : 1;
