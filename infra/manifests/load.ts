import { LineCounter, type Node, parseAllDocuments, visit } from "yaml";
import { defineTopology } from "../topology/define.ts";
import { type InputIssue, TopologyInputError } from "../topology/errors.ts";
import type { TopologyProps } from "../topology/props.ts";
import { checkProps, formatPath } from "../topology/schema/parse.ts";
import type { Topology } from "../topology/types.ts";
import { nodeAt, placeOf } from "./yaml-places.ts";

/** More than any service needs; stops a document that expands itself. */
const MAX_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;

/**
 * Reads a service.yaml. Throws `TopologyInputError` with every issue, each with line and column: broken YAML, repeated keys, unknown properties,
 * wrong types. `origin` names the file in errors.
 */
export function loadTopologyFile(text: string, origin: string): Topology {
  return defineTopology(loadProps(text, origin));
}

/** The props in a service.yaml, checked but not yet made into a topology. */
export function loadProps(text: string, origin: string): TopologyProps {
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw failure(origin, "input_syntax", [{ path: "", message: `the file is larger than ${MAX_BYTES} bytes` }]);
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    version: "1.2",
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
    prettyErrors: false,
  });
  if (!Array.isArray(documents)) throw failure(origin, "input_syntax", [{ path: "", message: "the file is empty" }]);
  const [document, second] = documents;
  if (document === undefined || document.contents === null)
    throw failure(origin, "input_syntax", [{ path: "", message: "the file is empty" }]);
  const broken = documents
    .flatMap((one) => [...one.errors, ...one.warnings])
    .map((error): InputIssue => ({ path: "", message: error.message, ...place(lines, error.pos[0]) }));
  if (broken.length > 0) throw failure(origin, "input_syntax", broken);
  if (second !== undefined)
    throw failure(origin, "input_syntax", [
      { path: "", message: "there is more than one document; a service.yaml holds one", ...place(lines, second.range[0]) },
    ]);

  const dangling: InputIssue[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined)
        dangling.push({ path: "", message: `there is no anchor &${alias.source} before this`, ...place(lines, alias.range?.[0]) });
    },
  });
  if (dangling.length > 0) throw failure(origin, "input_syntax", dangling);

  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw failure(origin, "input_syntax", [{ path: "", message: error instanceof Error ? error.message : String(error) }]);
  }
  const result = checkProps(value);
  if ("props" in result) return value as TopologyProps;
  throw failure(
    origin,
    "input_invalid",
    result.issues.map((issue) => ({
      path: formatPath(issue.path),
      message: issue.message,
      ...place(lines, nodeAt(document.contents as Node, issue.path, issue.atKey)),
    })),
  );
}

function failure(origin: string, code: "input_syntax" | "input_invalid", issues: readonly InputIssue[]): TopologyInputError {
  return new TopologyInputError(issues, { code, origin });
}

function place(lines: LineCounter, offset: number | undefined): { line: number; column: number } | Record<string, never> {
  return offset === undefined ? {} : placeOf(lines, offset);
}
