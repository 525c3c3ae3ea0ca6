import { envText } from "./environment.ts";
import type { ConfigProblem } from "./errors.ts";
import type { YamlValue } from "./kernel-yaml.ts";
import type { AnySetting } from "./setting.ts";
import { SETTINGS, type SettingName, type SettingValues } from "./settings.ts";
import { ValueError } from "./values.ts";

/** What the command line gave, by setting: the flag as it was typed and its values. A switch has the value `true`. */
export type FlagValues = Partial<Record<SettingName, { flag: string; texts: readonly string[] }>>;

export type Origin = "flag" | "env" | "file" | "default";

export interface Resolved<T> {
  value: T;
  origin: Origin;
  /** `--listen`, `CHIO_LISTEN_ADDR`, `kernel.yaml:3:1 (listen)`, `default`. */
  source: string;
}

export type Getter = <K extends SettingName>(name: K) => Resolved<SettingValues[K]>;

export interface Sources {
  flags: FlagValues;
  env: NodeJS.ProcessEnv;
  file: ReadonlyMap<SettingName, YamlValue>;
}

/**
 * One setting by precedence: flag, variable, kernel.yaml, default. A value that cannot be read becomes a problem and the default stands in,
 * so that the settings after it are still checked; it never falls through to a weaker source.
 */
export function resolve<K extends SettingName>(name: K, sources: Sources, problems: ConfigProblem[]): Resolved<SettingValues[K]> {
  const setting = SETTINGS[name] as AnySetting;
  const found = lookUp(name, setting, sources);
  if (found === null) return { value: setting.default as SettingValues[K], origin: "default", source: "default" };
  const values: unknown[] = [];
  for (const { text, source } of found.texts) {
    try {
      if (text.trim() === "") throw new ValueError("is empty", `give ${setting.argument ?? "a value"}, or leave it out`);
      values.push(setting.parseOne(text.trim()));
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      problems.push({ code: error.code, source, message: error.message, fix: error.fix });
    }
  }
  if (!setting.list && new Set(found.texts.map(({ text }) => text)).size > 1) {
    const { source } = found.texts[0]!;
    problems.push({ code: "config_conflict", source, message: "is given more than once, with different values", fix: "give it once" });
  }
  const source = [...new Set(found.texts.map((text) => text.source))].join(" and ");
  const bad = values.length < found.texts.length;
  if (setting.list) return { value: [...new Set(values)] as SettingValues[K], origin: found.origin, source };
  return { value: (bad ? setting.default : values[0]) as SettingValues[K], origin: found.origin, source };
}

function lookUp(
  name: SettingName,
  setting: AnySetting,
  sources: Sources,
): { origin: Origin; texts: { text: string; source: string }[] } | null {
  const flag = sources.flags[name];
  if (flag !== undefined) {
    const texts = setting.list ? flag.texts.flatMap(splitList) : flag.texts;
    return { origin: "flag", texts: texts.map((text) => ({ text, source: flag.flag })) };
  }
  const named = setting.env.flatMap((env) => {
    const text = envText(sources.env, env);
    return text === undefined ? [] : [{ text, source: env }];
  });
  if (named.length > 0) {
    const texts = setting.list
      ? named.flatMap(({ text, source }) => splitList(text).map((one) => ({ text: one, source })))
      : named.slice(0, 1);
    return { origin: "env", texts };
  }
  const file = sources.file.get(name);
  if (file !== undefined) return { origin: "file", texts: file.texts.map((text) => ({ text, source: file.source })) };
  return null;
}

/** `a, b,` is two values. A list of nothing but commas is one empty value, which is refused. */
function splitList(text: string): string[] {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return parts.length === 0 ? [""] : parts;
}
