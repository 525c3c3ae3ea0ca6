import type { Command } from "commander";
import { startLedgerThread } from "../ledger/thread.ts";
import { group } from "./group.ts";
import { addSettingOptions, settingFlags } from "./help.ts";
import type { CommandIo } from "./io.ts";

/** `chio api protect`: the sidecar in front of an HTTP API. Runs until a signal ends it. */
export function register(program: Command, io: CommandIo): void {
  const command = group(program, "api", "HTTP APIs")
    .command("protect")
    .description(
      "Run the sidecar in front of an HTTP API: every call passes a capability check, the guards and a signed, durable receipt.\nExit 0 after a complete drain, 1 when the start is refused or the drain leaves something.",
    );
  addSettingOptions(command);
  command.action(async (_options: unknown, self: Command) => {
    const thread = startLedgerThread();
    const { runProtect } = await import("./protect-run.ts");
    await runProtect(settingFlags(self), thread, io);
  });
}
