import { existsSync, readdirSync } from "node:fs";
import { installProgram } from "../../../sidecar/cli/start/copy.ts";

// Run by install.test.ts where the folder is a file system of its own: folder, source. Prints what came of it.
const [, , folder, source] = process.argv as [string, string, string, string];
let said: unknown;
try {
  said = installProgram(source, folder);
} catch (error) {
  const { code, message, fix } = error as { code: string; message: string; fix: string };
  said = { code, message, fix };
}
console.log(JSON.stringify({ said, left: existsSync(folder) ? readdirSync(folder) : null }));
