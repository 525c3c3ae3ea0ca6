import { isDeferred } from "../topology/index.ts";

/** The model's props before they are read: every value may be missing, and the model says what is wrong with it. */
export type Loose<T> = { [K in keyof T]?: unknown };

/** A number that is not known yet gets the model's default here, and is checked when it is known. */
export function known(value: number | string | undefined): unknown {
  return typeof value === "string" && isDeferred(value) ? undefined : value;
}

export function optional<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}

export function mapValues<T, R>(values: Readonly<Record<string, T>>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]));
}

/** Drops what was not given, so that the model's defaults hold. */
export function prune(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, prune(item)]),
  );
}

/** Leaves out what was not given. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
