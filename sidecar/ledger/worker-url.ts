/** Whether this code is part of a program that `bun build --compile` made. */
export function isCompiled(here: string = import.meta.url): boolean {
  return here.includes("/$bunfs/") || here.includes("/~BUN/");
}

/**
 * Module of the store's thread. Found from the folder above all layers, which is the same for this source and for whichever file of the npm
 * package its code was built into; in a program that `bun build --compile` made of `cli/main.ts` and `ledger/worker.ts`, this module is part of
 * the program, and the thread is found under the common folder.
 */
export function defaultWorkerUrl(here: string = import.meta.url): URL {
  if (isCompiled(here)) return new URL("./ledger/worker.js", here);
  return new URL(`../../sidecar/ledger/worker.${here.endsWith(".ts") ? "ts" : "js"}`, here);
}
