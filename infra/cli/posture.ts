import type { Command } from "commander";
import { drainBudget } from "../topology/drain.ts";
import { formatPosture } from "../topology/posture.ts";
import { type Acceptance, PLATFORMS, type Platform, type Topology } from "../topology/types.ts";
import { assess, errorsOf, findingsText } from "./assess.ts";
import type { KitIo } from "./io.ts";
import { acceptOption, platformOption, readService, serviceArgument, tellingInput } from "./service-input.ts";

interface Flags {
  readonly platform?: readonly Platform[];
  readonly json?: true;
  readonly accept?: readonly Acceptance[];
}

/** `chio-kit posture`: what holds each invariant on each platform, what is left, and how long a replica takes to stop. */
export function register(program: Command, io: KitIo): void {
  program
    .command("posture")
    .description("Say for each invariant what holds it, by whom, and what can still go wrong; and how long a replica takes to stop.")
    .addArgument(serviceArgument())
    .addOption(platformOption(PLATFORMS, "where it runs"))
    .addOption(acceptOption())
    .option("--json", "print one JSON document")
    .action((path: string, flags: Flags) =>
      tellingInput(flags.json === true, io, async () => report(await readService(io, path), flags, io)),
    );
}

function report(topology: Topology, flags: Flags, io: KitIo): void {
  const assessed = assess(topology, flags.platform ?? PLATFORMS, flags.accept ?? []);
  const ok = assessed.every((one) => errorsOf(one).length === 0);
  if (flags.json === true) {
    const platforms = assessed.map(({ platform, findings, accepted, posture }) => {
      return { platform, findings, accepted, posture: posture.entries, drain: drainBudget(topology, platform) };
    });
    io.stdout(`${JSON.stringify({ ok, name: topology.name, platforms }, null, 2)}\n`);
  } else {
    const blocks = assessed.map(({ platform, posture }) => `${formatPosture(posture)}\ndrain  ${drainBudget(topology, platform).text}\n`);
    io.stdout(blocks.join("\n"));
    for (const one of assessed) io.stderr(findingsText(one));
  }
  if (!ok) io.setExit(1);
}
