import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { attenuateCapability, narrowGrant } from "../../wire/attenuation.ts";
import { subjectKeypair } from "../../wire/subject.ts";
import type { ToolGrant } from "../../wire/types.ts";
import { group } from "../group.ts";
import type { CommandIo } from "../io.ts";
import { durationArgument, publicKeyArgument, readKeypair, unixNow, unixTimeArgument } from "../wire-input.ts";
import { grantArgument, readScope, subjectOf } from "./grants.ts";
import { formatOption, printToken, type TokenFormat } from "./output.ts";
import { readToken } from "./read.ts";

interface Flags {
  seedFile: string;
  subject?: string;
  subjectName?: string;
  grant?: ToolGrant[];
  scopeFile?: string;
  ttl?: number;
  issuedAt?: number;
  id?: string;
  format: TokenFormat;
}

/** `chio capability attenuate`: a child that allows no more and lives no longer than its parent. */
export function register(program: Command, io: CommandIo): void {
  group(program, "capability", "Capability tokens")
    .command("attenuate")
    .description("Make a narrower child of a capability token for another holder. Exit 1 when anything would widen.")
    .argument("<file>", "the parent, as JSON or bearer text; - is standard input")
    .requiredOption("--seed-file <file>", "seed of the parent's subject, or of its issuer, who accepts the child as its own")
    .option("--subject <hex>", "public key of the child's holder", publicKeyArgument)
    .option("--subject-name <name>", "name of a holder that has no key of its own")
    .option(
      "--grant <server:tool[:op,op]>",
      "what the child may use, under the parent's constraints and budgets; may be repeated; default: all that the parent may",
      grantArgument,
    )
    .option("--scope-file <file>", "scope of the child as JSON; it must keep the parent's constraints")
    .option("--ttl <time>", "how long it lives; default: as long as the parent", durationArgument)
    .option("--issued-at <unix>", "start of its life; default: now", unixTimeArgument)
    .option("--id <id>", "its id; default: a random one")
    .addOption(formatOption())
    .action(async (file: string, flags: Flags, command: Command) => {
      const subject = subjectOf(command, flags);
      const parent = await readToken(io, file);
      const scope = await readScope(
        io,
        flags.scopeFile,
        flags.grant?.map((grant) => narrowGrant(parent.scope, grant)),
      );
      const issuedAt = flags.issuedAt ?? Math.max(unixNow(), parent.issued_at);
      const signer = await readKeypair(io, flags.seedFile);
      try {
        const child = attenuateCapability(
          parent,
          {
            id: flags.id ?? `cap-${randomUUID()}`,
            subject: "key" in subject ? subject.key : subjectKeypair(subject.name).publicKeyHex,
            ...(scope === undefined ? {} : { scope }),
            issued_at: issuedAt,
            expires_at: flags.ttl === undefined ? parent.expires_at : issuedAt + flags.ttl,
          },
          signer,
        );
        printToken(io, child, flags.format);
      } finally {
        signer.wipe();
      }
    });
}
