import type { Command } from "commander";
import { type CapabilityReport, inspectCapability } from "../../wire/capability.ts";
import { delegatesToSubject } from "../../wire/delegation.ts";
import { group } from "../group.ts";
import type { CommandIo } from "../io.ts";
import { checkFile, countArgument, fileAndKeys, printJson, publicKeysArgument, unixNow, unixTimeArgument } from "../wire-input.ts";
import { readToken } from "./read.ts";

interface Flags {
  at?: number;
  issuer?: string[];
  maxDelegationDepth?: number;
}

/** `chio capability inspect` and `chio capability verify`: one report, two ways to answer. */
export function register(program: Command, io: CommandIo): void {
  const parent = group(program, "capability", "Capability tokens");
  withFlags(parent.command("inspect"))
    .description("Show what a capability token says and which of its checks hold. Exit 0 whenever it can be read.")
    .action((operands: string[], flags: Flags, command: Command) => run(io, command, operands, flags, false));
  withFlags(parent.command("verify"))
    .description("Verify a capability token. Exit 0 when signature, delegation chain, time and (when given) issuer hold, 1 when not.")
    .action((operands: string[], flags: Flags, command: Command) => run(io, command, operands, flags, true));
}

function withFlags(command: Command): Command {
  return command
    .argument("<file...>", "token as JSON or bearer text; - is standard input")
    .option("--at <unix>", "judge its time at this moment; default: now", unixTimeArgument)
    .option("--issuer <hex>", "an issuer to trust; may be repeated", publicKeysArgument)
    .option("--max-delegation-depth <n>", "refuse a longer delegation chain", countArgument);
}

async function run(io: CommandIo, command: Command, operands: string[], flags: Flags, judge: boolean): Promise<void> {
  const { file, keys } = fileAndKeys(command, operands, flags.issuer);
  await checkFile(io, { signature_valid: false, delegation_chain_shape_valid: false, time_valid: false }, async () => {
    const token = await readToken(io, file);
    const report = inspectCapability(token, {
      at: flags.at ?? unixNow(),
      maxDelegationDepth: flags.maxDelegationDepth,
      trustedIssuers: keys,
    });
    printJson(io, { ...report, delegates_to_subject: delegatesToSubject(token), ...(judge ? {} : { scope: token.scope }) });
    if (!judge || report.ok) return;
    io.stderr(`error: the capability is not valid: ${explain(report)}\n`);
    io.setExit(1);
  });
}

function explain(report: CapabilityReport): string {
  if (!report.signature_valid) return "its signature does not verify";
  if (!report.delegation_chain_bound) return `its delegation chain: ${report.delegation_chain_reason}`;
  if (report.time_status === "expired") return `it expired at ${report.expires_at}`;
  if (report.time_status === "not_yet_valid") return `it begins at ${report.issued_at}`;
  return "its issuer is not one of the trusted keys";
}
