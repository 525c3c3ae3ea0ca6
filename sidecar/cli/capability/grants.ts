import { type Command, InvalidArgumentError } from "commander";
import { isObject } from "../../wire/fields.ts";
import { parseJson } from "../../wire/parse.ts";
import { OPERATIONS, parseScope } from "../../wire/scope.ts";
import type { CapabilityScope, Operation, ToolGrant } from "../../wire/types.ts";
import { type CommandIo, readInput } from "../io.ts";

/**
 * `server:tool` or `server:tool:op[,op]` as a grant; without operations it is `invoke`. A tool name may hold spaces, slashes and, when operations are
 * given, colons: `http:GET /pets/{id}:invoke`.
 */
export function grantArgument(text: string, previous: readonly ToolGrant[] | undefined): ToolGrant[] {
  const first = text.indexOf(":");
  const last = text.lastIndexOf(":");
  const server = text.slice(0, first).trim();
  const tool = (last > first ? text.slice(first + 1, last) : text.slice(first + 1)).trim();
  if (first < 0 || server === "" || tool === "")
    throw new InvalidArgumentError("Give server:tool or server:tool:operation, like srv-files:file_read:invoke.");
  const operations = last > first ? text.slice(last + 1).split(",") : ["invoke"];
  for (const operation of operations) {
    if (!OPERATIONS.includes(operation as Operation)) {
      throw new InvalidArgumentError(`'${operation}' is no operation. Known: ${OPERATIONS.join(", ")}.`);
    }
  }
  return [...(previous ?? []), { server_id: server, tool_name: tool, operations: operations as Operation[] }];
}

/** The scope of `--scope-file` with the grants of `--grant` behind it; undefined when neither was given. */
export async function readScope(
  io: CommandIo,
  scopeFile: string | undefined,
  grants: readonly ToolGrant[] | undefined,
): Promise<CapabilityScope | undefined> {
  if (scopeFile === undefined) return grants && { grants: [...grants] };
  const value = parseJson(await readInput(io, scopeFile));
  // A whole token or request is taken too: what counts is its scope.
  const scope = parseScope(isObject(value) && isObject(value.scope) ? value.scope : value, "$");
  return grants ? { ...scope, grants: [...(scope.grants ?? []), ...grants] } : scope;
}

/** Exactly one of the two must be given. */
export function subjectOf(command: Command, flags: { subject?: string; subjectName?: string }): { key: string } | { name: string } {
  if (flags.subject !== undefined && flags.subjectName === undefined) return { key: flags.subject };
  if (flags.subjectName !== undefined && flags.subject === undefined && flags.subjectName !== "") return { name: flags.subjectName };
  command.error("error: give one of --subject <hex> and --subject-name <name>: the holder of the capability", { exitCode: 2 });
}
