import { readFileSync } from "node:fs";
import type { JsonObject } from "../../sidecar/wire/json.ts";
import { parseJson } from "../../sidecar/wire/parse.ts";

const directory = new URL("../fixtures/vectors/", import.meta.url);

/** One conformance case; `run` throws when the implementation disagrees with the vector. */
export interface Check {
  file: string;
  id: string;
  run: () => void;
}

/** Reads a vector file with our own parser, because its integers must survive. */
export function readVectors<T = JsonObject>(file: string): T {
  return parseJson(readFileSync(new URL(file, directory))) as T;
}

/** One check a case. A list that is missing or shrank is an error, so that no case is lost unseen. */
export function checksOf<C extends { id: string }>(
  file: string,
  list: readonly C[] | undefined,
  expected: number,
  run: (entry: C) => void,
): Check[] {
  if (list === undefined || list.length === 0 || list.length !== expected) {
    throw new Error(`${file}: ${list?.length ?? 0} cases, expected ${expected}`);
  }
  return list.map((entry) => ({ file, id: entry.id, run: () => run(entry) }));
}
