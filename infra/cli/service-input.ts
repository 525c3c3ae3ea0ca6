import { type Argument, type Command, createArgument, InvalidArgumentError, Option } from "commander";
import { type CommandIo, readInput } from "../../sidecar/cli/io.ts";
import { loadTopologyFile } from "../manifests/load.ts";
import { TopologyInputError } from "../topology/errors.ts";
import { nearest } from "../topology/nearest.ts";
import type { Acceptance, Topology } from "../topology/types.ts";
import { KitError } from "./errors.ts";

/** What people call the platforms elsewhere. */
const ALSO_CALLED: Readonly<Record<string, readonly string[]>> = {
  "cloud-run": ["gcp", "google", "cloudrun", "knative"],
  ecs: ["aws", "fargate", "ecs-fargate"],
  aca: ["azure", "container-apps", "containerapps"],
  compose: ["docker", "docker-compose", "local"],
  local: ["docker", "compose", "systemd"],
};

/** The input of every command that reads a topology. */
export function serviceArgument(): Argument {
  return createArgument("<service.yaml>", "the topology as YAML (docs/topology.md); - is standard input");
}

/** Throws `TopologyInputError` with every problem, each with line and column; the file system's own error when there is no such file. */
export async function readService(io: CommandIo, path: string): Promise<Topology> {
  return loadTopologyFile(await readText(io, path), originOf(path));
}

/** Runs `work`; with `json`, problems of the input go to standard output too, as `{ ok: false, error: { code, issues } }`. */
export async function tellingInput(json: boolean, io: CommandIo, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!json || !(error instanceof TopologyInputError)) throw error;
    io.stdout(`${JSON.stringify({ ok: false, error: { code: error.code, issues: error.issues } }, null, 2)}\n`);
    io.setExit(1);
  }
}

/** What an input is called in messages. */
export function originOf(path: string): string {
  return path === "-" ? "standard input" : path;
}

/** A text file, or standard input for `-`. */
export async function readText(io: CommandIo, path: string): Promise<string> {
  const bytes = await readInput(io, path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new KitError("input_not_text", `${originOf(path)} is not UTF-8 text`, { fix: "save it as UTF-8" });
  }
}

/** `--platform NAME`, repeatable, with `all`. The value is the list without repeats, in the order of `names`. */
export function platformOption<Name extends string>(names: readonly Name[], description: string): Option {
  return new Option("--platform <name>", `${description}: ${names.join(", ")} or all; may be repeated`).argParser(
    (text: string, before: readonly Name[] | undefined): readonly Name[] => {
      if (text === "all") return names;
      const name = names.find((one) => one === text);
      if (name === undefined) throw new InvalidArgumentError(unknownPlatform(text, names));
      return names.filter((one) => one === name || before?.includes(one));
    },
  );
}

function unknownPlatform(text: string, names: readonly string[]): string {
  const near = nearest(text, names) ?? names.find((name) => ALSO_CALLED[name]?.includes(text.toLowerCase()));
  return `Platforms are ${names.join(", ")} and all.${near === undefined ? "" : ` Did you mean ${near}?`}`;
}

/** `--accept CODE=reason`, repeatable. The value is `Acceptance[]`. */
export function acceptOption(): Option {
  return new Option("--accept <CODE=reason>", "take a finding on, with a reason that shows in the posture; may be repeated").argParser(
    (text: string, before: readonly Acceptance[] | undefined): readonly Acceptance[] => {
      const [, code, reason] = /^([^=\s]+)=(.*)$/s.exec(text) ?? [];
      if (code === undefined || reason === undefined || reason.trim() === "")
        throw new InvalidArgumentError("Write CODE=reason, for example --accept 'CHIO-IMAGE-UNPINNED=registry without digests, J. Doe'.");
      return [...(before ?? []), { code, reason: reason.trim() }];
    },
  );
}

/**
 * Misuse, unless each of the flags was given. In place of commander's own required options, which it misses before it looks at what was
 * mistyped: `--platfrom` is to be told as that.
 */
export function requireFlags(command: Command, names: readonly string[]): void {
  const missing = names.filter((name) => command.getOptionValue(name) === undefined);
  if (missing.length === 0) return;
  const flags = missing.map((name) => command.options.find((option) => option.attributeName() === name)?.flags);
  command.error(`error: ${flags.map((text) => `'${text}'`).join(" and ")} must be given`, { exitCode: 2 });
}
