import { hostTarget } from "../../../scripts/lib/platform.mjs";
import { bunFor } from "../../../scripts/lib/setup.mjs";

/** The runtimes that the ledger runs on: this one, for the library, and Bun, for the program. */
export const runtimes: [name: string, executable: string][] = [
  ["node", process.execPath],
  ["bun", await bunFor(hostTarget())],
];
