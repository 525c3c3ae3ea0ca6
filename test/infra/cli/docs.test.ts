import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../../infra/cli/commands.ts";
import { kitIo } from "../../../infra/cli/io.ts";

const PATH = "docs/cli.md";
const text = readFileSync(PATH, "utf8");

async function commands(): Promise<Command[]> {
  const program = new Command("chio-kit");
  for (const { load } of COMMANDS) for (const { register } of await load()) register(program, kitIo());
  return program.commands as Command[];
}

/** `|` would end the cell. */
const cell = (words: string) => words.replaceAll("|", "\\|");

function block(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const one = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${one}>` : `[${one}]`;
  });
  const rows = [
    ...command.registeredArguments.map((argument, index) => `| \`${words[index]}\` | ${cell(argument.description)}. |`),
    ...command.options.map((option) => {
      const fallback = option.defaultValue === undefined ? "" : ` Default: \`${String(option.defaultValue)}\`.`;
      const choices = option.argChoices === undefined ? "" : `: ${option.argChoices.join(", ")}`;
      return `| \`${option.flags}\` | ${cell(`${option.description}${choices}`)}.${fallback} |`;
    }),
  ];
  const usage = ["chio-kit", command.name(), "[options]", ...words].join(" ");
  return [`\`${usage}\``, "", cell(command.description()), "", "| | |", "| --- | --- |", ...rows, ""].join("\n");
}

function replaced(page: string, name: string, body: string): string {
  const region = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
  expect(page, `${PATH} has no place for ${name}`).toMatch(region);
  return page.replace(region, (_all, start: string, end: string) => `${start}${body}${end}`);
}

describe("docs/cli.md", () => {
  it("has every command with every argument and flag, as the program has them", async () => {
    const list = COMMANDS.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${cell(summary)} |`);
    let expected = replaced(text, "commands", ["| Command | |", "| --- | --- |", ...list, ""].join("\n"));
    for (const command of await commands()) expected = replaced(expected, `command: ${command.name()}`, block(command));
    // `-u` takes the program's words over.
    await expect(expected).toMatchFileSnapshot(`../../../${PATH}`);
  });

  it("has no other command, and every example is one that the program takes", async () => {
    const known = await commands();
    const sections = [...text.matchAll(/<!-- command: (\S+) -->/g)].map(([, name]) => name);
    expect(sections.sort()).toEqual(known.map((command) => command.name()).sort());
    const examples = [...text.matchAll(/^npx chio-kit (\S+)(.*)$/gm)];
    expect(examples.length).toBeGreaterThan(5);
    for (const [line, name, rest = ""] of examples) {
      const command = known.find((one) => one.name() === name);
      expect(command, line).toBeDefined();
      const flags = [...rest.split(" | ")[0]!.matchAll(/ (--[a-z-]+)/g)].map(([, flag]) => flag);
      for (const flag of flags)
        expect(
          command!.options.map((option) => option.long),
          line,
        ).toContain(flag);
    }
  });
});
