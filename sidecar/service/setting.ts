export type SettingGroup = "Service" | "Policy" | "Keys" | "Receipts" | "Limits";

interface SettingHead {
  group: SettingGroup;
  /** `--listen`. */
  flag?: string;
  /** Other spellings of the flag, taken but not shown. */
  flagAliases?: readonly string[];
  /** `<host:port>`; absent: the flag is a switch. */
  argument?: string;
  /** The first that is not blank counts; of a list, the union of all. */
  env: readonly string[];
  /** Dotted path in kernel.yaml. */
  yaml?: string;
  /** Never quoted, logged or described. */
  secret?: boolean;
  /** Markdown, for the table; absent where the default's own text says it. */
  defaultText?: string;
  /** One line of Markdown without a full stop. */
  doc: string;
}

/** A setting whose resolved value is a `T`. */
export interface Setting<T> extends SettingHead {
  list: boolean;
  /** Reads one text, already trimmed and not empty. Throws `ValueError`. */
  parseOne(text: string): unknown;
  default: T;
}

export type AnySetting = Setting<unknown>;

export function setting<T, const D>(head: SettingHead & { parse: (text: string) => T; default: D }): Setting<T | D> {
  const { parse, ...rest } = head;
  return { ...rest, list: false, parseOne: parse };
}

/** Repeated flags, comma-separated variables, a sequence (or one scalar) in kernel.yaml. */
export function list<T>(head: SettingHead & { parse: (text: string) => T; default: T[] }): Setting<T[]> {
  const { parse, ...rest } = head;
  return { ...rest, list: true, parseOne: parse };
}
