import * as pulumi from "@pulumi/pulumi";
import type { StandIn } from "./stand-in.ts";

export interface LateCase<Args> {
  readonly preview?: boolean;
  readonly args: Args;
}

/**
 * Runs each case as Pulumi runs a program and prints what became of it: an error during an update ends the process, so that a test
 * cannot do it in its own. `make` gives the component's posture, `show` what the case is about.
 */
export async function runCases<Args>(
  cases: Readonly<Record<string, LateCase<Args>>>,
  standIn: (options: { preview: boolean }) => Promise<StandIn>,
  make: (args: Args) => pulumi.Output<unknown>,
  show: (cloud: StandIn) => object,
): Promise<void> {
  let errors: string[] = [];
  process.on("unhandledRejection", (error) => errors.push(error instanceof Error ? error.message : String(error)));
  const results: Record<string, unknown> = {};
  for (const [name, { preview, args }] of Object.entries(cases)) {
    errors = [];
    const cloud = await standIn({ preview: preview ?? false });
    let posture: unknown = null;
    make(args).apply((report) => {
      posture = report;
    });
    // A registration that was refused never ends: it is the error that ends the program.
    let ended = false;
    void pulumi.runtime
      .disconnect()
      .catch(() => {})
      .then(() => {
        ended = true;
      });
    for (const deadline = Date.now() + 30_000; !ended && errors.length === 0 && Date.now() < deadline; ) await pause(20);
    // What else it has to say comes at once.
    await pause(300);
    results[name] = { errors: [...new Set(errors)], posture, ...show(cloud) };
  }
  process.stdout.write(`${BEGIN}${JSON.stringify(results)}`, () => process.exit(0));
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Behind it are the results; before it what Pulumi logged. */
export const BEGIN = "results of the cases: ";
