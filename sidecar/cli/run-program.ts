import { Command, CommanderError } from "commander";
import { ChioError } from "../wire/errors.ts";
import { CliError } from "./errors.ts";
import type { CommandIo } from "./io.ts";

export interface CommandModule<Io extends CommandIo = CommandIo> {
  register(program: Command, io: Io): void;
}

export interface CommandEntry<Io extends CommandIo = CommandIo> {
  /** First word after the program's name. */
  name: string;
  /** For `--help`, which loads none of the modules. */
  summary: string;
  load: () => Promise<CommandModule<Io>[]>;
}

export interface ProgramSpec<Io extends CommandIo = CommandIo> {
  name: string;
  description: string;
  version: string;
  commands: readonly CommandEntry<Io>[];
  /** Arguments as the commands take them. @default as they came */
  arrange?: (argv: readonly string[]) => readonly string[];
  /** A last touch on every command that was made. */
  finish?: (command: Command) => void;
  /** Errors of the program's own that are no `ChioError`: what to print. Undefined leaves them to the common report. */
  explain?: (error: unknown) => string | undefined;
}

/**
 * Runs `<program> <argv>`. Sets exit code 0 (ok, help, version), 1 (a check failed, something broke) or 2 (misuse); never throws, never
 * exits. Only the modules of the command that `argv` names are loaded.
 */
export async function runProgram<Io extends CommandIo>(spec: ProgramSpec<Io>, argv: readonly string[], io: Io): Promise<void> {
  try {
    const program = await buildProgram(spec, argv, io);
    if (argv.length === 0) io.stdout(program.helpInformation());
    else await program.parseAsync(unknownTopic(spec, argv) ?? [...(spec.arrange?.(argv) ?? argv)], { from: "user" });
  } catch (error) {
    reportFailure(error, spec, io);
  }
}

/** `help helth` as `helth`: the error of a command that is not there, in place of the whole help without a word. */
function unknownTopic<Io extends CommandIo>({ commands }: ProgramSpec<Io>, [word, topic]: readonly string[]): string[] | null {
  if (word !== "help" || topic === undefined || topic === "help" || topic.startsWith("-")) return null;
  return commands.some(({ name }) => name === topic) ? null : [topic];
}

/** The program with the modules of every command that `argv` names; the others are there by name only, for help and for suggestions. */
export async function buildProgram<Io extends CommandIo>(spec: ProgramSpec<Io>, argv: readonly string[], io: Io): Promise<Command> {
  const program = new Command(spec.name)
    .description(spec.description)
    .version(spec.version, "-V, --version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show the help of a command")
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(text) });
  // What follows `--` is somebody else's command line.
  const end = argv.indexOf("--");
  const words = new Set(end < 0 ? argv : argv.slice(0, end));
  for (const entry of spec.commands) {
    if (!words.has(entry.name)) {
      program.command(entry.name).description(entry.summary);
      continue;
    }
    for (const { register } of await entry.load()) register(program, io);
  }
  program.showHelpAfterError(helpHint(spec.name));
  for (const command of program.commands) settle(command, program, spec.finish, spec.name);
  return program;
}

/** Settings that commander copies only into commands made after them. */
function settle(command: Command, program: Command, finish: ((command: Command) => void) | undefined, parent: string): void {
  const called = `${parent} ${command.name()}`;
  command.copyInheritedSettings(program).showHelpAfterError(helpHint(called));
  finish?.(command);
  for (const child of command.commands) settle(child, program, finish, called);
}

/** The last line of every misuse: the cause is the commander's, and the way out stands in the help. */
function helpHint(called: string): string {
  return `fix: \`${called} --help\` shows how it is meant`;
}

/** A path that names no readable file is misuse. */
const PATH_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist: it runs through a file",
  EISDIR: "is a directory",
  EACCES: "may not be read by this user",
  ENAMETOOLONG: "is too long a name",
};

function reportFailure(error: unknown, spec: Pick<ProgramSpec, "explain">, io: CommandIo): void {
  if (error instanceof CommanderError) {
    // Commander has printed its own line. Its code for every kind of misuse is 1.
    if (error.exitCode !== 0) io.setExit(2);
    return;
  }
  const explained = spec.explain?.(error);
  if (explained !== undefined) {
    io.stderr(explained);
    io.setExit(1);
    return;
  }
  if (error instanceof ChioError) {
    io.stderr(`error: ${error.message} (${error.code})\n${error.fix === undefined ? "" : `fix: ${error.fix}\n`}`);
    io.setExit(error instanceof CliError ? error.exitCode : 1);
    return;
  }
  const { code, path, message, stack } = error as NodeJS.ErrnoException;
  if (path !== undefined && code !== undefined && Object.hasOwn(PATH_PROBLEMS, code)) {
    io.stderr(`error: ${path} ${PATH_PROBLEMS[code]}\n`);
    io.setExit(2);
    return;
  }
  io.stderr(`error: ${io.env.CHIO_LOG_LEVEL === "debug" ? (stack ?? message) : message}\n`);
  io.setExit(1);
}
