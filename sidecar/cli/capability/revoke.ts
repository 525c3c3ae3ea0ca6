import type { Command } from "commander";
import { WriterLock } from "../../ledger/lock.ts";
import { recordRevocation, revocations } from "../../ledger/revocations.ts";
import { group } from "../group.ts";
import type { CommandIo } from "../io.ts";
import { reading, type StoreFlags, storeOption, storePath } from "../receipt/store.ts";
import { printJson, unixNow } from "../wire-input.ts";
import { readToken } from "./read.ts";

interface Flags extends StoreFlags {
  file?: string;
  reason?: string;
}

/** `chio capability revoke` and `chio capability revocations`, on the store of a sidecar that may be running. */
export function register(program: Command, io: CommandIo): void {
  const parent = group(program, "capability", "Capability tokens");
  const revoke = parent
    .command("revoke")
    .description(
      "Revoke a capability and all that were delegated from it, for good. A sidecar that has the store open refuses them within 250 ms.",
    )
    .argument("[id]", "the capability's id")
    .option("--file <file>", "take the id from this token, JSON or bearer text; - is standard input")
    .option("--reason <text>", "kept with the revocation");
  storeOption(revoke).action((id: string | undefined, flags: Flags, command: Command) =>
    reading(io, async () => {
      if ((id === undefined || id.trim() === "") === (flags.file === undefined))
        command.error("error: give the capability's id, or its token with --file", { exitCode: 2 });
      const capabilityId = flags.file === undefined ? id! : (await readToken(io, flags.file)).id;
      const store = storePath(flags, io.env);
      const added = recordRevocation(store, capabilityId, unixNow(), flags.reason);
      const running = WriterLock.isHeld(store);
      printJson(io, { capability_id: capabilityId, revoked: true, already_revoked: !added, store, sidecar_running: running });
      if (!running) io.stderr(`note: no sidecar has ${store} open; the revocation is in force once one is started on it\n`);
    }),
  );
  storeOption(parent.command("revocations").description("List what was revoked, as JSON lines, oldest first.")).action(
    (flags: StoreFlags) =>
      reading(io, async () => {
        for (const { capabilityId, at, reason } of revocations(storePath(flags, io.env)))
          printJson(io, { capability_id: capabilityId, revoked_at: at, reason });
      }),
  );
}
