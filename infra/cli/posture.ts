import type { Command } from "commander";
import { drainBudget } from "../topology/drain.ts";
import { formatPosture } from "../topology/posture.ts";
import { type Acceptance, PLATFORMS, type Platform } from "../topology/types.ts";
import { assess, errorsOf, findingsText } from "./assess.ts";
import type { KitIo } from "./io.ts";
import { acceptOption, platformOption, readService, serviceArgument } from "./service-input.ts";

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
    .action(async (path: string, flags: Flags) => {
      const topology = await readService(io, path);
      const assessed = assess(topology, flags.platform ?? PLATFORMS, flags.accept ?? []);
      if (flags.json === true) {
        const platforms = assessed.map(({ platform, findings, accepted, posture }) => ({
          platform,
          findings,
          accepted,
          posture: posture.entries,
          drain: drainBudget(topology, platform),
        }));
        io.stdout(
          `${JSON.stringify({ ok: assessed.every((one) => errorsOf(one).length === 0), name: topology.name, platforms }, null, 2)}\n`,
        );
      } else {
        io.stdout(
          assessed.map(({ platform, posture }) => `${formatPosture(posture)}\ndrain  ${drainBudget(topology, platform).text}\n`).join("\n"),
        );
        for (const one of assessed) io.stderr(findingsText(one));
      }
      if (assessed.some((one) => errorsOf(one).length > 0)) io.setExit(1);
    });
}
