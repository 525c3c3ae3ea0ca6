import { type LoadedConfig, loadConfig } from "../../../sidecar/service/config.ts";
import { ConfigError, type ConfigProblem, describeProblem } from "../../../sidecar/service/errors.ts";
import type { FlagValues } from "../../../sidecar/service/resolve.ts";
import { SETTINGS, type SettingName } from "../../../sidecar/service/settings.ts";

export const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
/** RFC 8032, test 1. */
export const PUBLIC_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
export const OTHER_KEY = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

const TOKEN = "control-token-of-tests";

export interface Given {
  flags?: Partial<Record<SettingName, string | string[]>>;
  env?: Record<string, string>;
  /** Content by path; every other path does not exist. */
  files?: Record<string, string | Uint8Array>;
  yaml?: string;
  modes?: Record<string, number>;
  uid?: number;
  /** Without the flags and variables that every start needs. */
  bare?: boolean;
}

export const YAML_PATH = "/etc/chio/kernel.yaml";

/** Loads a configuration that is complete unless `bare`, with a file system of its own. */
export function load(given: Given = {}): LoadedConfig {
  const files: Record<string, string | Uint8Array> = { ...given.files, ...(given.yaml === undefined ? {} : { [YAML_PATH]: given.yaml }) };
  const flags: FlagValues = {};
  for (const [name, texts] of Object.entries(given.flags ?? {})) {
    const flag = SETTINGS[name as SettingName].flag;
    if (flag === undefined) throw new Error(`${name} has no flag`);
    flags[name as SettingName] = { flag, texts: Array.isArray(texts) ? texts : [texts] };
  }
  const needed =
    given.bare === true ? {} : { CHIO_UPSTREAM: "http://127.0.0.1:8080", CHIO_SIGNING_KEY: SEED, CHIO_SIDECAR_CONTROL_TOKEN: TOKEN };
  return loadConfig({
    flags,
    env: { ...needed, ...given.env },
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: "ENOENT" });
      return typeof content === "string" ? Buffer.from(content) : content;
    },
    fileMode: (path) => given.modes?.[path] ?? 0o400,
    uid: given.uid ?? 10_001,
  });
}

/** The problems of a configuration that is refused. */
export function problems(given: Given): readonly ConfigProblem[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

/** The problem of a configuration that has exactly one. */
export function onlyProblem(given: Given): ConfigProblem {
  const all = problems(given);
  if (all.length !== 1) throw new Error(`expected one problem:\n${all.map(describeProblem).join("\n")}`);
  return all[0]!;
}

/** What is refused, and what the one problem says. */
export type Refusal = [what: string, given: Given, code: string, source: string, message: RegExp, fix: RegExp];
