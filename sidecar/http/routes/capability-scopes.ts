import type { CapabilityScope, Operation } from "../../wire/types.ts";
import { badPayload } from "./route.ts";

/** Operations as controllers spell them. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  invoke: "invoke",
  call: "invoke",
  exec: "invoke",
  execute: "invoke",
  read_result: "read_result",
  result: "read_result",
  read: "read",
  subscribe: "subscribe",
  watch: "subscribe",
  get: "get",
  delegate: "delegate",
};

/** A scope from the strings of a mint request: `tools:<name>`, `<tool>:<op>`, `tool:<server>:<tool>:<op>`, `resource:<uri>:<op>`, `prompt:<name>:<op>`. */
export function parseScopeStrings(scopes: readonly string[]): CapabilityScope {
  const scope = { grants: [], resource_grants: [], prompt_grants: [] } satisfies CapabilityScope as Required<CapabilityScope>;
  for (const text of scopes) addScope(scope, text);
  return Object.fromEntries(Object.entries(scope).filter(([, grants]) => grants.length > 0));
}

function addScope(scope: Required<CapabilityScope>, text: string): void {
  const parts = text
    .split(":")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const [kind, ...rest] = parts;
  const last = rest.at(-1);
  if (kind === "tools" && rest.length > 0) {
    scope.grants.push({ server_id: "*", tool_name: rest.join(":"), operations: ["invoke"] });
  } else if (kind === "tool" && rest.length === 3) {
    scope.grants.push({ server_id: rest[0]!, tool_name: rest[1]!, operations: [operation(last!, text)] });
  } else if (kind === "resource" && rest.length >= 2) {
    // A URI has colons of its own.
    scope.resource_grants.push({ uri_pattern: rest.slice(0, -1).join(":"), operations: [operation(last!, text)] });
  } else if (kind === "prompt" && rest.length === 2) {
    scope.prompt_grants.push({ prompt_name: rest[0]!, operations: [operation(last!, text)] });
  } else if (parts.length === 2 && kind !== "tool" && kind !== "resource" && kind !== "prompt") {
    scope.grants.push({ server_id: "*", tool_name: kind!, operations: [last === "write" ? "invoke" : operation(last!, text)] });
  } else {
    throw unsupported(text);
  }
}

function operation(name: string, text: string): Operation {
  if (!Object.hasOwn(OPERATIONS, name)) throw unsupported(text);
  return OPERATIONS[name]!;
}

function unsupported(text: string): Error {
  return badPayload(`unsupported controller scope syntax: ${text.slice(0, 200).toWellFormed()}`);
}
