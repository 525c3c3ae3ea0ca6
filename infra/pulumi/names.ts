import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** Names of resources: as told, with a number behind the second of a kind. */
export class Names {
  readonly #stem: string;
  readonly #used = new Map<string, number>();

  constructor(stem: string) {
    this.#stem = stem;
  }

  next(part: string): string {
    const count = (this.#used.get(part) ?? 0) + 1;
    this.#used.set(part, count);
    return `${this.#stem}-${part}${count === 1 ? "" : `-${count}`}`;
  }
}

/** For names of resources: what is not known yet is named by its place in the arguments. */
export function label(text: string): string {
  return text
    .replace(/\$\{deferred:([^}]*)\}/g, "$1")
    .replace(/[^A-Za-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

/** The text as lower-case letters, digits and single dashes. */
export function dashed(text: string): string {
  return label(text).toLowerCase();
}

/** At most `limit` characters: a longer name is cut and gets 8 digits of a hash, so that two long names stay two. */
export function shortName(name: string, limit: number, distinct: string = name): string {
  if (name.length <= limit) return name;
  return `${name.slice(0, limit - 9).replace(/-+$/, "")}-${createHash("sha256").update(distinct).digest("hex").slice(0, 8)}`;
}

/** A GUID that stays the same for this name in this stack. */
export function guid(name: string): string {
  const hex = createHash("sha256").update(`${pulumi.getProject()}/${pulumi.getStack()}/${name}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}
