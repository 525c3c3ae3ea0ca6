import type { Command } from "commander";

/**
 * The parent command `name` of a family like `chio receipt …`. Made on the first call, found on the next ones, so that the files
 * of one family can be registered in any order. Bare `chio <name>` prints its help.
 */
export function group(program: Command, name: string, description: string): Command {
  const present = program.commands.find((command) => command.name() === name);
  if (present !== undefined) return present;
  const parent = program.command(name).description(description);
  parent.action(() => parent.outputHelp());
  return parent;
}
