import type { Breaks } from "./breaks/break.ts";
import { LIFECYCLE } from "./breaks/lifecycle.ts";
import { SECRETS } from "./breaks/secrets.ts";
import { SHAPE } from "./breaks/shape.ts";
import { TRAFFIC } from "./breaks/traffic.ts";

/** For each rule, ways to break it and nothing else. */
export const BREAKS: Breaks = { ...TRAFFIC, ...SECRETS, ...LIFECYCLE, ...SHAPE };
