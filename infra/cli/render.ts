import { type Command, Option } from "commander";
import { MANIFEST_KINDS, type ManifestFile, type ManifestKind, platformOf, renderManifest } from "../manifests/render.ts";
import { TopologyInputError } from "../topology/errors.ts";
import type { Acceptance, Topology } from "../topology/types.ts";
import { type Assessment, assess, errorsOf, findingsText, postureLine } from "./assess.ts";
import { type WrittenFile, writeFiles } from "./files.ts";
import type { KitIo } from "./io.ts";
import { acceptOption, originOf, platformOption, readService, requireFlags, serviceArgument, tellingInput } from "./service-input.ts";

interface Flags {
  readonly platform: readonly ManifestKind[];
  readonly out: string;
  readonly force?: true;
  readonly json?: true;
  readonly accept?: readonly Acceptance[];
  readonly bundledImage?: string;
}

/** `chio-kit render`: the platforms' own documents, from the same topology that the constructs deploy. */
export function register(program: Command, io: KitIo): void {
  program
    .command("render")
    .description("Write the manifests of one or more platforms from a service.yaml. Nothing is written while a rule is broken.")
    .addArgument(serviceArgument())
    .addOption(platformOption(MANIFEST_KINDS, "what to render"))
    .option("--out <dir>", "directory for the files; - prints them")
    .option("--force", "overwrite files that hold something else")
    .addOption(acceptOption())
    .addOption(
      new Option("--bundled-image <reference>", "what the bundled sidecar image is called on the machine that runs a compose file"),
    )
    .option("--json", "print one JSON document: files, findings, posture")
    .action(async (path: string, flags: Flags, command: Command) => {
      requireFlags(command, ["platform", "out"]);
      await tellingInput(flags.json === true, io, async () => render(await readService(io, path), originOf(path), flags, io));
    });
}

async function render(topology: Topology, origin: string, flags: Flags, io: KitIo): Promise<void> {
  const assessed = assess(topology, [...new Set(flags.platform.map(platformOf))], flags.accept ?? []);
  const broken = assessed.some((one) => errorsOf(one).length > 0);
  const files = broken ? [] : renderAll(topology, origin, flags, assessed);
  const written = broken || flags.out === "-" ? [] : await writeFiles(flags.out, files, flags.force === true);
  if (flags.json === true) io.stdout(`${JSON.stringify(report(assessed, files, written), null, 2)}\n`);
  else {
    for (const one of assessed) io.stderr(findingsText(one));
    if (broken) io.stderr("error: nothing was rendered: each error has to be mended, or accepted with --accept CODE=reason\n");
    else {
      for (const one of assessed) io.stderr(`${postureLine(one.posture)}\n`);
      if (flags.out === "-") io.stdout(printed(files));
      for (const { path, state } of written) io.stdout(`${state} ${path}\n`);
    }
  }
  if (broken) io.setExit(1);
}

/** The files of every platform; all values that are missing, in one error. */
function renderAll(topology: Topology, origin: string, flags: Flags, assessed: readonly Assessment[]): ManifestFile[] {
  const missing: TopologyInputError[] = [];
  const files = flags.platform.flatMap((kind) => {
    const acceptances = assessed.find(({ platform }) => platform === platformOf(kind))?.acceptances ?? [];
    const options = { acceptances, ...(flags.bundledImage === undefined ? {} : { bundledImage: flags.bundledImage }) };
    try {
      return renderManifest(kind, topology, options);
    } catch (error) {
      if (!(error instanceof TopologyInputError)) throw error;
      const issues = error.issues.map((issue) => ({ ...issue, message: `${issue.message} (${kind})` }));
      missing.push(new TopologyInputError(issues, { code: error.code }));
      return [];
    }
  });
  const [first] = missing;
  if (first === undefined) return files;
  throw new TopologyInputError(
    missing.flatMap(({ issues }) => issues),
    { code: first.code, origin },
  );
}

/** A single file as it is, so that it can be piped; several under a line with their names, as `head` prints them. */
function printed(files: readonly ManifestFile[]): string {
  const [only, second] = files;
  if (only !== undefined && second === undefined) return only.text;
  return files.map(({ path, text }) => `==> ${path} <==\n${text}`).join("\n");
}

function report(assessed: readonly Assessment[], files: readonly ManifestFile[], written: readonly WrittenFile[]) {
  return {
    ok: assessed.every((one) => errorsOf(one).length === 0),
    files: files.map(({ path, text }, index) => written[index] ?? { path, text }),
    platforms: assessed.map(({ platform, findings, accepted, posture }) => ({ platform, findings, accepted, posture: posture.entries })),
  };
}
