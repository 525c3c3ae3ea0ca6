import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { CAPABILITY_SCHEMA, issueCapability } from "../../wire/capability.ts";
import { subjectKeypair } from "../../wire/subject.ts";
import type { ToolGrant } from "../../wire/types.ts";
import { group } from "../group.ts";
import type { CommandIo } from "../io.ts";
import { durationArgument, publicKeyArgument, readKeypair, unixNow, unixTimeArgument } from "../wire-input.ts";
import { grantArgument, readScope, subjectOf } from "./grants.ts";
import { formatOption, printToken, type TokenFormat } from "./output.ts";

interface Flags {
  seedFile?: string;
  authoritySeedFile?: string;
  subject?: string;
  subjectName?: string;
  grant?: ToolGrant[];
  scopeFile?: string;
  ttl: number;
  issuedAt?: number;
  id?: string;
  format: TokenFormat;
}

/** `chio capability issue`: a token signed by the authority whose seed is given. */
export function register(program: Command, io: CommandIo): void {
  group(program, "capability", "Capability tokens")
    .command("issue")
    .description("Issue a capability token. Prints it on one line.")
    .option("--seed-file <file>", "seed of the issuer: 64 hex or base64 of 32 bytes; - is standard input")
    .addOption(new Option("--authority-seed-file <file>", "same as --seed-file").hideHelp())
    .option("--subject <hex>", "public key of the holder", publicKeyArgument)
    .option("--subject-name <name>", "name of a holder that has no key of its own: its key is derived from the name")
    .option("--grant <server:tool[:op,op]>", "a tool that may be used, * for any; may be repeated", grantArgument)
    .option("--scope-file <file>", "scope as JSON, for constraints, budgets, resources and prompts; - is standard input")
    .option("--ttl <time>", "how long it lives: 90, 30s, 15m, 1h, 7d", durationArgument, 3600)
    .option("--issued-at <unix>", "start of its life; default: now", unixTimeArgument)
    .option("--id <id>", "its id; default: a random one")
    .addOption(formatOption())
    .addHelpText(
      "after",
      "\nA route of the proxied app is granted as server http: --grant 'http:GET /pets/{id}:invoke'.\nExample: chio capability issue --seed-file issuer.seed --subject-name ci --grant 'http:*:invoke' --ttl 15m --format bearer",
    )
    .action(async (flags: Flags, command: Command) => {
      const subject = subjectOf(command, flags);
      const seedFile = flags.seedFile ?? flags.authoritySeedFile;
      if (seedFile === undefined) command.error("error: required option '--seed-file <file>' not specified", { exitCode: 2 });
      const scope = await readScope(io, flags.scopeFile, flags.grant);
      if (scope === undefined)
        command.error("error: give --grant or --scope-file: a capability without a scope allows nothing", { exitCode: 2 });
      const issuedAt = flags.issuedAt ?? unixNow();
      const issuer = await readKeypair(io, seedFile);
      try {
        const token = issueCapability(
          {
            schema: CAPABILITY_SCHEMA,
            id: flags.id ?? `cap-${randomUUID()}`,
            issuer: issuer.publicKeyHex,
            subject: "key" in subject ? subject.key : subjectKeypair(subject.name).publicKeyHex,
            scope,
            issued_at: issuedAt,
            expires_at: issuedAt + flags.ttl,
          },
          issuer,
        );
        printToken(io, token, flags.format);
      } finally {
        issuer.wipe();
      }
    });
}
