import type { ParsedProps } from "../schema/props.ts";
import type { Adjustment, Platform, SidecarMode } from "../types.ts";
import type { ConfigPlan } from "./config.ts";

/** What the parts of one platform's graph are made from. */
export interface Draft {
  readonly props: ParsedProps;
  readonly platform: Platform;
  readonly mode: SidecarMode;
  readonly config: ConfigPlan;
  readonly graceSeconds: number;
  readonly drainMs: number;
  readonly adjustments: Adjustment[];
}

/** Drops keys whose value is undefined, so that they do not overwrite a default. */
export function defined<T extends object>(value: T | null | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
