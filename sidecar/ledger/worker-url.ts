/**
 * Module of the store's thread. Beside this one as source (`.ts`) and as compiled package (`.js`); in a program that `bun build --compile` made
 * of `cli/main.ts` and `ledger/worker.ts`, this module is part of the program, and the thread is found under the common folder.
 */
export function defaultWorkerUrl(here: string = import.meta.url): URL {
  if (here.includes("/$bunfs/") || here.includes("/~BUN/")) return new URL("./ledger/worker.js", here);
  return new URL(here.endsWith(".ts") ? "./worker.ts" : "./worker.js", here);
}
