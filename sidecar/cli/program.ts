import { type Command, Option } from "commander";
import { VERSION } from "../service/version.ts";
import { COMMANDS } from "./commands.ts";
import type { CommandIo } from "./io.ts";
import { runProgram } from "./run-program.ts";

/** Upstream's global flags that mean something to more than one of our commands. */
const GLOBAL_WITH_VALUE = ["--receipt-db", "--authority-seed-file"];

/** Runs `chio <argv>`, with the exit codes of `runProgram`. */
export function run(argv: readonly string[], io: CommandIo): Promise<void> {
  const spec = {
    name: "chio",
    description: "Capability checks, guards and signed receipts in front of a service.",
    version: VERSION,
    commands: COMMANDS,
    arrange: globalFlagsLast,
    finish: takeJsonFlag,
  };
  return runProgram(spec, argv, io);
}

/** Our commands print JSON anyway; upstream's switch for it is taken so that scripts need no change. */
function takeJsonFlag(command: Command): void {
  if (command.commands.length > 0 || command.options.some((option) => option.long === "--json")) return;
  command.addOption(new Option("--json").hideHelp());
}

/** `chio --receipt-db X receipt list` means `chio receipt list --receipt-db X`: only the command itself knows its flags. */
function globalFlagsLast(argv: readonly string[]): string[] {
  const moved: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const flag = argv[at]!;
    if (flag === "--json" || GLOBAL_WITH_VALUE.some((name) => flag.startsWith(`${name}=`))) moved.push(flag);
    else if (GLOBAL_WITH_VALUE.includes(flag) && at + 1 < argv.length) moved.push(flag, argv[++at]!);
    else break;
  }
  const rest = argv.slice(at);
  const end = rest.indexOf("--");
  return end < 0 ? [...rest, ...moved] : [...rest.slice(0, end), ...moved, ...rest.slice(end)];
}
