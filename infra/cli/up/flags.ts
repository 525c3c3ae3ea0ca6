import { extname } from "node:path";
import { InvalidArgumentError } from "commander";

/** Where the value of a secret comes from. The value itself is never a flag: everybody on the machine could read it. */
export type SecretSource = { readonly kind: "file"; readonly path: string } | { readonly kind: "environment"; readonly variable: string };

export type Named<T> = ReadonlyMap<string, T>;

/** `NAME=@FILE` or `NAME=env:VARIABLE`, repeatable. */
export function secretArgument(text: string, before: Named<SecretSource> | undefined): Named<SecretSource> {
  const [name, value] = pair(text);
  const variable = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(value)?.[1];
  if (name === "" || (variable === undefined && !/^@./.test(value)))
    throw new InvalidArgumentError("Write NAME=@FILE or NAME=env:VARIABLE; a value itself would be seen by everybody on this machine.");
  return new Map([
    ...(before ?? []),
    [name, variable === undefined ? { kind: "file", path: value.slice(1) } : { kind: "environment", variable }],
  ]);
}

/** `NAME=VALUE`, repeatable. */
export function namedArgument(form: string): (text: string, before: Named<string> | undefined) => Named<string> {
  return (text, before) => {
    const [name, value] = pair(text);
    if (name === "" || value === "") throw new InvalidArgumentError(`Write ${form}.`);
    return new Map([...(before ?? []), [name, value]]);
  };
}

/** `CONTAINER:NAME=VALUE`, repeatable. The value may be empty. */
export function variableArgument(text: string, before: Named<Record<string, string>> | undefined): Named<Record<string, string>> {
  const [, container, name, value = ""] = /^([a-z0-9-]+):([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (container === undefined || name === undefined)
    throw new InvalidArgumentError("Write CONTAINER:NAME=VALUE, for example app:LOG_LEVEL=debug.");
  return new Map([...(before ?? []), [container, { ...before?.get(container), [name]: value }]]);
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < min || value > max) throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    return value;
  };
}

export function timelineArgument(text: string): string {
  if (![".svg", ".png", ".json"].includes(extname(text))) throw new InvalidArgumentError("The name ends in .svg, .png or .json.");
  return text;
}

function pair(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  return at < 0 ? ["", ""] : [text.slice(0, at), text.slice(at + 1)];
}
