import { Command, CommanderError, Option } from "commander";
import { VERSION } from "../service/version.ts";
import { ChioError } from "../wire/errors.ts";
import { COMMANDS } from "./commands.ts";
import type { CommandIo } from "./io.ts";

/** Upstream's global flags that mean something to more than one of our commands. */
const GLOBAL_WITH_VALUE = ["--receipt-db", "--authority-seed-file"];

/**
 * Runs `chio <argv>`. Sets exit code 0 (ok, help, version), 1 (a check failed, something broke) or 2 (misuse); never throws, never exits.
 */
export async function run(argv: readonly string[], io: CommandIo): Promise<void> {
  try {
    const program = await buildProgram(argv, io);
    if (argv.length === 0) io.stdout(program.helpInformation());
    else await program.parseAsync(globalFlagsLast(argv), { from: "user" });
  } catch (error) {
    reportFailure(error, io);
  }
}

/** The program with the modules of every command that `argv` names; the others are there by name only, for help and for suggestions. */
async function buildProgram(argv: readonly string[], io: CommandIo): Promise<Command> {
  const program = new Command("chio")
    .description("Capability checks, guards and signed receipts in front of a service.")
    .version(VERSION, "-V, --version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show the help of a command")
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(text) });
  for (const entry of COMMANDS) {
    if (!argv.includes(entry.name)) {
      program.command(entry.name).description(entry.summary);
      continue;
    }
    for (const { register } of await entry.load()) register(program, io);
  }
  for (const command of program.commands) settle(command, program);
  return program;
}

/** Settings that commander copies only into commands made after them, and the flags that every command takes. */
function settle(command: Command, program: Command): void {
  command.copyInheritedSettings(program);
  if (command.commands.length === 0 && !command.options.some((option) => option.long === "--json")) {
    // Our commands print JSON anyway; upstream's switch for it is taken so that scripts need no change.
    command.addOption(new Option("--json").hideHelp());
  }
  for (const child of command.commands) settle(child, program);
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

function reportFailure(error: unknown, io: CommandIo): void {
  if (error instanceof CommanderError) {
    // Commander has printed its own line. Its code for every kind of misuse is 1.
    if (error.exitCode !== 0) io.setExit(2);
    return;
  }
  if (error instanceof ChioError) {
    io.stderr(`error: ${error.message} (${error.code})\n${error.fix === undefined ? "" : `fix: ${error.fix}\n`}`);
    io.setExit(1);
    return;
  }
  const { code, path, message, stack } = error as NodeJS.ErrnoException;
  if (path !== undefined && (code === "ENOENT" || code === "EACCES" || code === "EISDIR")) {
    const what = code === "ENOENT" ? "does not exist" : code === "EISDIR" ? "is a directory" : "may not be read by this user";
    io.stderr(`error: ${path} ${what}\n`);
    io.setExit(2);
    return;
  }
  io.stderr(`error: ${io.env.CHIO_LOG_LEVEL === "debug" ? (stack ?? message) : message}\n`);
  io.setExit(1);
}
