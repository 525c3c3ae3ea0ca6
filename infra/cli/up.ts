import { type Command, InvalidArgumentError, Option } from "commander";
import { LocalRunError } from "../local/errors.ts";
import { type Acceptance, assertValid, PLATFORMS, type Platform, type PlatformTopology, type Topology } from "../topology/index.ts";
import { nearest } from "../topology/nearest.ts";
import { assess, errorsOf, findingsText } from "./assess.ts";
import type { KitIo } from "./io.ts";
import { acceptOption, readService, serviceArgument } from "./service-input.ts";
import {
  type Named,
  namedArgument,
  type SecretSource,
  secretArgument,
  timelineArgument,
  variableArgument,
  wholeNumber,
} from "./up/flags.ts";
import { inFlags } from "./up/in-flags.ts";
import { gatherInputs } from "./up/inputs.ts";

interface Flags {
  readonly platform: Platform;
  readonly port?: number;
  readonly replicas?: number;
  readonly image?: Named<string>;
  readonly config?: string;
  readonly file?: Named<string>;
  readonly secret?: Named<SecretSource>;
  readonly key?: string;
  readonly env?: Named<Readonly<Record<string, string>>>;
  readonly pace?: "eager" | "platform";
  readonly timeline?: string;
  readonly rawLogs?: true;
  readonly accept?: readonly Acceptance[];
}

/** `chio-kit up`: the topology on local Docker, by the rules of the platform it is meant for. */
export function register(program: Command, io: KitIo): void {
  program
    .command("up")
    .description("Run the service with its sidecar on local Docker, by the rules of its platform, until Ctrl-C; then show the drain.")
    .addArgument(serviceArgument())
    .addOption(new Option("--platform <name>", `whose rules: ${PLATFORMS.join(", ")}`).argParser(onePlatform).makeOptionMandatory())
    .option("--port <n>", "port on 127.0.0.1; default: a free one", wholeNumber(1, 65_535))
    .option("--replicas <n>", "how many; default: the topology's least", wholeNumber(1, 50))
    .option(
      "--image <container=reference>",
      "run this image of yours in place of the topology's; may be repeated",
      namedArgument("CONTAINER=REFERENCE"),
    )
    .option("--config <dir>", "directory of spec, policy and kernel.yaml; default: config beside the service.yaml, and beside it")
    .option("--file <path=file>", "content of one file or URL that the sidecar reads; may be repeated", namedArgument("PATH=FILE"))
    .option(
      "--secret <name=source>",
      "value of a secret, by its name or variable: NAME=@FILE or NAME=env:VARIABLE; may be repeated",
      secretArgument,
    )
    .option("--key <file>", "the sidecar's signing key; default: what the topology names here, else one made for the run")
    .option("--env <container:name=value>", "variable of a container, in place of the topology's; may be repeated", variableArgument)
    .addOption(
      new Option("--pace <pace>", "probes until the first success: as fast as the containers are, or as the platform does").choices([
        "eager",
        "platform",
      ]),
    )
    .option("--timeline <file>", "write what happened as .svg, .png or .json", timelineArgument)
    .option("--raw-logs", "print the sidecar's lines as it wrote them")
    .addOption(acceptOption())
    .addHelpText("after", "\nExample: chio-kit up --platform ecs --image app=tickets:dev --timeline run.svg service.yaml")
    .action(async (path: string, flags: Flags) => {
      const topology = await readService(io, path);
      const [assessed] = assess(topology, [flags.platform], flags.accept ?? []);
      if (assessed !== undefined && errorsOf(assessed).length === 0) io.stderr(findingsText(assessed));
      await up(topology, path, flags, io);
    });
}

async function up(topology: Topology, path: string, flags: Flags, io: KitIo): Promise<void> {
  const acceptances = flags.accept ?? [];
  const graph: PlatformTopology = assertValid(topology, flags.platform, acceptances).topology;
  const inputs = gatherInputs(graph, path, flags, io.env);
  // The engine's client takes half a second to load: only now is it needed.
  const [{ runSession }, { curlLine, readyMadeCapability, sampleRequest }] = await Promise.all([
    import("./up/session.ts"),
    import("./up/try-it.ts"),
  ]);
  const capability = inputs.signingSeed === null ? null : readyMadeCapability(graph, inputs.signingSeed, Date.now());
  const sample = sampleRequest(graph, inputs.spec);
  try {
    await runSession(
      {
        topology,
        graph,
        options: {
          ...inputs.options,
          platform: flags.platform,
          acceptances,
          ...(flags.port === undefined ? {} : { hostPort: flags.port }),
          ...(flags.replicas === undefined ? {} : { replicas: flags.replicas }),
          ...(flags.image === undefined ? {} : { images: Object.fromEntries(flags.image) }),
          ...(flags.pace === undefined ? {} : { pace: flags.pace }),
        },
        timeline: flags.timeline ?? null,
        raw: flags.rawLogs === true,
        ready: ({ ingressUrl }) =>
          [
            "",
            `${graph.name} takes requests at ${ingressUrl}, by the rules of ${flags.platform}`,
            ...inputs.notes.map((note) => `  ${note}`),
            ...(capability === null
              ? []
              : [
                  "",
                  `with a capability for everything that it has, until ${new Date(capability.expiresAt * 1000).toISOString()}:`,
                  curlLine(ingressUrl, sample, capability.bearer),
                ]),
            "",
            "without one (refused, with a receipt):",
            curlLine(ingressUrl, sample, null),
            "",
            "Ctrl-C stops it and shows the drain",
            "",
          ].join("\n"),
      },
      io,
    );
  } catch (error) {
    throw error instanceof LocalRunError ? inFlags(error) : error;
  }
}

function onePlatform(text: string): Platform {
  const found = PLATFORMS.find((one) => one === text);
  if (found !== undefined) return found;
  const near = nearest(text, PLATFORMS);
  throw new InvalidArgumentError(`Platforms are ${PLATFORMS.join(", ")}.${near === null ? "" : ` Did you mean ${near}?`}`);
}
