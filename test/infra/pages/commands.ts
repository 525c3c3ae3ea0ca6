/** A command of a page, as its shell would see it: the program first. */
export interface PageCommand {
  readonly program: string;
  readonly text: string;
}

const PROGRAMS = /^(?:az|aws|gcloud|pulumi|npx|docker|curl|openssl|printf|cd)$/;

/** Every command in the page's `sh` blocks and code spans, those of pipes and `$(…)` too. Throws on one that begins with no known program. */
export function pageCommands(page: string): PageCommand[] {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = ""]) => text.replace(/\\\n\s*/g, ""));
  const lines = blocks
    .flatMap((text) => text.split("\n").map((line) => line.trim()))
    .filter((line) => line !== "" && !line.startsWith("#"));
  const spans = [...page.replace(/```[\s\S]*?```/g, "").matchAll(/`([^`\n]+(?:\n[^`\n]+)?)`/g)]
    .map(([, text = ""]) => text.replace(/\s+/g, " "))
    .filter((text) => /^(?:az|aws|gcloud|pulumi|npx) /.test(text));
  return [...lines, ...spans].flatMap(simpleCommands).map((text) => {
    const program = text.split(" ")[0] ?? "";
    if (!PROGRAMS.test(program)) throw new Error(`${program} is no program that the pages use: ${text}`);
    return { program, text };
  });
}

/** A line cut at its pipes and semicolons, with what stands in `$(…)`, loops and assignments as commands of their own. */
function simpleCommands(line: string): string[] {
  const inner = [...line.matchAll(/\$\(([^()]*)\)/g)].flatMap(([, text = ""]) => simpleCommands(text));
  const parts: string[] = [];
  let part = "";
  let quote = "";
  for (const character of line.replace(/\$\([^()]*\)/g, "$()")) {
    if (quote === "" && (character === "|" || character === ";")) {
      parts.push(part);
      part = "";
      continue;
    }
    if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    part += character;
  }
  const own = [...parts, part]
    .map((text) => text.trim().replace(/^do /, ""))
    .filter((text) => text !== "" && text !== "done" && !text.startsWith("for ") && !/^[A-Z]+="?\$\(\)"?$/.test(text));
  return [...own, ...inner];
}

/** Values of an option in the commands that `where` matches: `--name x`, `--name=x`, `-n x`. */
export function optionValues(commands: readonly PageCommand[], where: RegExp, option: string): string[] {
  const pattern = new RegExp(`(?:^| )${option}[ =](?:"([^"]*)"|'([^']*)'|(\\S+))`, "g");
  return commands
    .filter(({ text }) => where.test(text))
    .flatMap(({ text }) => [...text.matchAll(pattern)].map(([, double, single, bare]) => double ?? single ?? bare ?? ""));
}
