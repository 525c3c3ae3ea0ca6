import type { Command } from "commander";

/**
 * The parent command `name` of a family like `chio receipt …`. Made on the first call, found on the next ones, so that the files
 * of one family can be registered in any order. Without a verb it prints its help and is misuse.
 */
export function group(program: Command, name: string, description: string): Command {
  return program.commands.find((command) => command.name() === name) ?? program.command(name).description(description);
}
