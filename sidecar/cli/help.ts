import { type Command, Option } from "commander";
import type { FlagValues } from "../service/resolve.ts";
import type { AnySetting } from "../service/setting.ts";
import { SETTING_LIST, type SettingName } from "../service/settings.ts";

/** Adds a flag for each setting that has one, in groups, with its variable and default in the help text. */
export function addSettingOptions(command: Command): void {
  for (const [, setting] of SETTING_LIST) {
    for (const flag of [setting.flag, ...(setting.flagAliases ?? [])]) {
      if (flag === undefined) continue;
      const option = new Option(setting.argument === undefined ? flag : `${flag} ${setting.argument}`, helpText(setting));
      if (flag !== setting.flag) option.hideHelp();
      if (setting.argument !== undefined) option.argParser(collect);
      command.addOption(option.helpGroup(`${setting.group}:`));
    }
  }
  const variablesOnly = SETTING_LIST.filter(([, setting]) => setting.flag === undefined);
  const lines = variablesOnly.map(
    ([, setting]) => `  ${[...setting.env, ...(setting.yaml === undefined ? [] : [setting.yaml])].join(", ")}`,
  );
  command.addHelpText(
    "after",
    `\nA flag wins over its variable, a variable over kernel.yaml, kernel.yaml over the default.\nWithout a flag, by variable or key of kernel.yaml (docs/configuration.md):\n${lines.join("\n")}`,
  );
}

/** What the user typed, by setting. Two spellings of one flag are taken together, so that they are checked against each other. */
export function settingFlags(command: Command): FlagValues {
  const flags: FlagValues = {};
  for (const [name, setting] of SETTING_LIST) {
    const typed = [setting.flag, ...(setting.flagAliases ?? [])].flatMap((flag) => {
      const option = command.options.find((one) => one.long === flag);
      if (flag === undefined || option === undefined) return [];
      const value: unknown = command.getOptionValue(option.attributeName());
      return value === undefined ? [] : [{ flag, texts: Array.isArray(value) ? (value as string[]) : [String(value)] }];
    });
    const [first] = typed;
    if (first !== undefined) {
      flags[name as SettingName] = { flag: typed.map(({ flag }) => flag).join(" and "), texts: typed.flatMap(({ texts }) => texts) };
    }
  }
  return flags;
}

function collect(text: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? (before as string[]) : []), text];
}

/** `What it does. [env: CHIO_X] [default: y]`; Markdown's back ticks have no place here. */
function helpText({ doc, env, defaultText, default: value }: AnySetting): string {
  const fallback = defaultText ?? String(value);
  const notes = [`[env: ${env.join(", ")}]`, fallback === "false" ? "" : fallback === "required" ? "[required]" : `[default: ${fallback}]`];
  return `${doc}. ${notes.join(" ")}`.trimEnd().replaceAll("`", "");
}
