import { stringify } from "yaml";
import {
  type Acceptance,
  type AnyTopology,
  assertValid,
  type CheckedTopology,
  type GraphOf,
  type ImageRef,
  type InputIssue,
  isDeferred,
  type Platform,
  TopologyInputError,
} from "../topology/index.ts";

/** Plain data, as JSON and YAML carry it. */
export type Data = null | boolean | number | string | readonly Data[] | { readonly [key: string]: Data };
export type DataObject = { readonly [key: string]: Data };

/** gcloud reads YAML 1.1, in which `yes`, `12:30` and `1_000` are no text: such words are quoted. */
export function yamlText(value: DataObject): string {
  return stringify(value, { lineWidth: 0, compat: "yaml-1.1" });
}

export interface RenderOptions {
  /** On top of those in the topology. */
  readonly acceptances?: readonly Acceptance[];
  /** What a bundled image is called on the machine that runs a compose file. Elsewhere a manifest needs a registry reference. */
  readonly bundledImage?: string;
}

/** Collects what a manifest lacks, so that all of it is said at once. */
export class Gaps {
  readonly #issues: InputIssue[] = [];

  /** The value; when it is null, notes that the manifest needs it. */
  need(value: string | null, path: string, why: string): string {
    const told = this.#issues.some((issue) => issue.path === path);
    if (value === null && !told) this.#issues.push({ path, message: `${why}; give it, or deploy with the construct, which makes it` });
    return value ?? "";
  }

  add(path: string, message: string): void {
    this.#issues.push({ path, message });
  }

  throwIfAny(): void {
    if (this.#issues.length > 0) throw new TopologyInputError(this.#issues, { code: "not_renderable" });
  }
}

/** The graph to render, once every rule holds or is accepted. Every renderer begins here: nothing invalid is ever written out. */
export function checked<P extends Platform>(
  topology: AnyTopology,
  platform: P,
  options: RenderOptions,
): { graph: GraphOf<P>; review: CheckedTopology<P> } {
  const review = assertValid(topology, platform, options.acceptances);
  return { graph: review.topology, review };
}

/** The reference of an image that is in a registry. */
export function registryImage(image: ImageRef, path: string, gaps: Gaps, bundledImage?: string): string {
  switch (image.kind) {
    case "registry":
    case "provided":
      return image.reference;
    case "bundled":
      if (bundledImage !== undefined) return bundledImage;
      gaps.add(path, "the bundled image is built by a construct, not by a manifest; push it and name it by digest");
      return "";
    case "build":
      gaps.add(path, "a manifest cannot build an image; push it and name it by digest");
      return "";
  }
}

/** Drops the keys whose value is undefined. */
export function compact(entries: { readonly [key: string]: Data | undefined }): DataObject {
  return Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, Data] => entry[1] !== undefined));
}

/** The list, or undefined when it is empty, for keys that are left out then. */
export function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}

/** Text for people and tools cannot hold a value that is not known yet. */
export function refuseDeferred(value: Data, gaps: Gaps, path = ""): void {
  if (typeof value === "string") {
    if (isDeferred(value)) gaps.add(path, "the value is not known before the deployment; a manifest needs the value itself");
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseDeferred(item, gaps, `${path}[${index}]`);
  } else if (value !== null && typeof value === "object") {
    for (const [key, item] of Object.entries(value as DataObject)) refuseDeferred(item, gaps, path === "" ? key : `${path}.${key}`);
  }
}
