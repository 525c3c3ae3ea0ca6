import * as v from "valibot";
import { nearest } from "../nearest.ts";
import { PLATFORMS, type Platform } from "../types.ts";

/** Any schema of ours: synchronous, with plain issues. */
export type Schema<Output = unknown> = v.GenericSchema<unknown, Output>;

/** The forms behind a lazily chosen schema, for the JSON schema: valibot itself cannot look into a function. */
const FORMS = new WeakMap<object, readonly v.GenericSchema[]>();
export function formsOf(schema: object): readonly v.GenericSchema[] | undefined {
  return FORMS.get(schema);
}

/** Valibot's name of what it got, in words. */
function named(received: string): string {
  return { Object: "an object", Array: "a list", undefined: "nothing" }[received] ?? received;
}

/** Strict object. Unknown properties are refused with the nearest known one; missing ones are named. */
export function object<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.strictObject(entries, (issue) => {
    const key = issue.path?.at(-1)?.key;
    if (issue.expected === "never") {
      const close = nearest(String(key), Object.keys(entries));
      return `unknown property${close === null ? `; known are ${Object.keys(entries).join(", ")}` : `; did you mean "${close}"?`}`;
    }
    if (key !== undefined && issue.received === "undefined") return "is required";
    return `must be an object, not ${named(issue.received)}`;
  });
}

/** Takes one form or the other by looking at the input, so that an error speaks of the form that was meant. */
export function either<const Forms extends readonly v.GenericSchema[]>(forms: Forms, pick: (input: unknown) => number) {
  const schema = v.lazy((input) => forms[pick(input)] ?? (forms[0] as v.GenericSchema));
  FORMS.set(schema, forms);
  return schema as v.GenericSchema<v.InferInput<Forms[number]>, v.InferOutput<Forms[number]>>;
}

const isObject = (input: unknown): input is Record<string, unknown> => typeof input === "object" && input !== null && !Array.isArray(input);

/** A value, or `byPlatform`. Comes out as one entry per platform; null where nothing was given. */
export type PerPlatform<T> = { readonly [P in Platform]: T | null };

export function choice<Input, Output>(schema: v.GenericSchema<Input, Output>) {
  const byPlatform = object({
    byPlatform: object({
      ecs: v.exactOptional(schema),
      "cloud-run": v.exactOptional(schema),
      aca: v.exactOptional(schema),
      local: v.exactOptional(schema),
      default: v.exactOptional(schema),
    }),
  });
  const forms = either([schema, byPlatform], (input) => (isObject(input) && Object.hasOwn(input, "byPlatform") ? 1 : 0));
  return v.pipe(
    forms,
    v.transform((output): PerPlatform<Output> => {
      const given =
        isObject(output) && Object.hasOwn(output, "byPlatform")
          ? (output.byPlatform as Partial<Record<Platform | "default", Output>>)
          : { default: output as Output };
      return Object.fromEntries(PLATFORMS.map((platform) => [platform, given[platform] ?? given.default ?? null])) as PerPlatform<Output>;
    }),
  );
}

/** A string read by `parse`, whose `TypeError` becomes the issue. */
export function parsed<Output>(parse: (text: string) => Output) {
  return v.pipe(
    string(),
    v.rawTransform<string, Output>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}

/** A string in its short form, or the typed value it stands for. */
export function shorthand<Output>(parse: (text: string) => Output, typed: v.GenericSchema<unknown, Output>) {
  return either([parsed(parse), typed], (input) => (isObject(input) ? 1 : 0));
}

export function string() {
  return v.string(
    (issue) =>
      `must be a string, not ${named(issue.received)}${["number", "boolean"].includes(typeof issue.input) ? "; put it in quotes" : ""}`,
  );
}

export function text() {
  return v.pipe(
    string(),
    v.minLength(1, "must not be empty"),
    v.check((value) => !value.includes("\0"), "must not contain NUL"),
  );
}

export function boolean() {
  return v.boolean((issue) => `must be true or false, not ${named(issue.received)}`);
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER) {
  return v.pipe(
    v.number((issue) => `must be a number, not ${named(issue.received)}`),
    v.integer("must be a whole number"),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
}

export function port() {
  return integer(1, 65535);
}

export function absolutePath() {
  return v.pipe(
    text(),
    v.check(
      (value) => value.startsWith("/") && (value === "/" || !value.endsWith("/")) && !value.split("/").includes(".."),
      "must be an absolute path without ..",
    ),
  );
}

export function oneOf<const Values extends readonly string[]>(values: Values) {
  return v.picklist(values, (issue) => {
    const close = nearest(String(issue.input), values);
    return `must be one of ${values.join(", ")}${close === null ? "" : `; did you mean "${close}"?`}`;
  });
}

export function list<Input, Output>(item: v.GenericSchema<Input, Output>) {
  return v.array(item, (issue) => `must be a list, not ${named(issue.received)}`);
}

export function record<Input, Output>(key: v.GenericSchema<string, string>, value: v.GenericSchema<Input, Output>) {
  return v.record(key, value, (issue) => `must be an object, not ${named(issue.received)}`);
}

/** A union of objects told apart by `kind`. */
export function byKind<const Options extends v.VariantOptions<"kind">>(options: Options) {
  return v.variant("kind", options, (issue) =>
    issue.path?.at(-1)?.key === "kind"
      ? `must be one of ${issue.expected.replace(/[()"]/g, "").replaceAll(" |", ",")}`
      : `must be an object with a kind, not ${named(issue.received)}`,
  );
}

export function nullable<Input, Output>(schema: v.GenericSchema<Input, Output>) {
  return v.nullable(schema);
}

/** The key may be left out. An explicit `undefined` counts as left out: plain JavaScript callers write it. */
export const optional = v.optional;
