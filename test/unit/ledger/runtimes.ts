import { existsSync } from "node:fs";
import { join } from "node:path";

const platform = `${process.platform}-${process.arch}`;
const bun = join(import.meta.dirname, "../../../toolchain/node_modules/@oven", `bun-${platform}`, "bin/bun");
if (!existsSync(bun))
  console.warn(`NOT RUN: the ledger under Bun, which the program is made with: there is no ${bun}; npm run build fetches it`);

/** The runtimes that the ledger runs on: this one, for the library, and Bun, for the program. */
export const runtimes: [name: string, executable: string][] = [
  ["node", process.execPath],
  ...(existsSync(bun) ? [["bun", bun] as [string, string]] : []),
];
