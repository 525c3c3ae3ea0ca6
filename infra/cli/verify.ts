import { type Command, Option } from "commander";
import { VERSION } from "../../sidecar/service/version.ts";
import { DocumentError } from "../posture/errors.ts";
import { acceptFindings, type DocumentReport, sarifLog, verifyDocument } from "../posture/index.ts";
import type { Acceptance, Platform } from "../topology/types.ts";
import type { KitIo } from "./io.ts";
import { acceptOption, platformOption, readText } from "./service-input.ts";
import { hasErrors, verifyJson, verifyText } from "./verify-text.ts";

interface Flags {
  readonly platform?: readonly Platform[];
  readonly sidecar?: string;
  readonly accept?: readonly Acceptance[];
  readonly json?: true;
  readonly sarif?: true;
}

/** Platforms that have documents of their own. */
const CLOUDS = ["cloud-run", "ecs", "aca"] as const satisfies readonly Platform[];

/** `chio-kit verify`: manifests, templates and states that nobody here wrote, checked by the rules of the topology. */
export function register(program: Command, io: KitIo): void {
  program
    .command("verify")
    .description(
      "Check manifests, templates and states that exist already: Cloud Run, ECS, CloudFormation, Azure (ARM), Pulumi. Exit code 1 on errors.",
    )
    .argument("<files...>", "documents, YAML or JSON; - is standard input")
    .addOption(platformOption(CLOUDS, "check only services of"))
    .option("--sidecar <name>", "name of the sidecar's container, where it cannot be told")
    .addOption(acceptOption())
    .addOption(new Option("--json", "print one JSON document").conflicts("sarif"))
    .option("--sarif", "print a SARIF 2.1.0 log, for code scanning")
    .action(async (files: readonly string[], flags: Flags) => verify(files, flags, io));
}

async function verify(files: readonly string[], flags: Flags, io: KitIo): Promise<void> {
  const documents: DocumentReport[] = [];
  const refused: DocumentError[] = [];
  const options = {
    ...(flags.sidecar === undefined ? {} : { sidecar: flags.sidecar }),
    ...(flags.platform === undefined ? {} : { platforms: flags.platform }),
  };
  for (const file of files) {
    const text = await readText(io, file);
    try {
      documents.push(verifyDocument(text, file === "-" ? "stdin" : file, options));
    } catch (error) {
      // One that cannot be read hides nothing in the others.
      if (!(error instanceof DocumentError)) throw error;
      refused.push(error);
    }
  }
  const reviewed = acceptFindings(documents, flags.accept ?? []);
  // All templates of an app are given at once, and not each of them runs containers.
  const skipped = documents.length === 0 ? [] : refused.filter(({ code }) => code === "document_no_sidecar");
  const unread = refused.filter((one) => !skipped.includes(one));
  for (const { message } of skipped) io.stderr(`note: ${message}\n`);
  for (const error of unread) io.stderr(`error: ${error.message} (${error.code})\nfix: ${error.fix}\n`);
  if (flags.sarif === true) {
    io.stdout(`${JSON.stringify(sarifLog(reviewed.documents, { version: VERSION, general: reviewed.findings, unread }), null, 2)}\n`);
  } else io.stdout(flags.json === true ? verifyJson(reviewed, unread, skipped) : verifyText(reviewed));
  if (unread.length > 0 || hasErrors(reviewed)) io.setExit(1);
}
