import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { bundledContext } from "../../image/context.ts";
import { type Container, imageText, isDeferred, type PlatformTopology } from "../../topology/index.ts";
import { dockerBuild } from "../engine/build.ts";
import { type Engine, reason, refusal } from "../engine/docker.ts";
import { LocalRunError } from "../errors.ts";
import type { ImageProgress, StartTopologyOptions } from "../types.ts";

/** What an image says of itself, as far as a replica's start depends on it. */
export interface ImageFacts {
  readonly reference: string;
  /** Paths that it declares as VOLUME. */
  readonly volumes: readonly string[];
  readonly user: string;
  readonly stopSignal: string;
}

/** Names of the kit's own images on a machine that has built them. */
export const BUNDLED_TAGS = { distroless: "chio-sidecar-distroless:local", alpine: "chio-sidecar:local" } as const;

type ImageOptions = Pick<StartTopologyOptions, "images" | "baseDirectory" | "onImage" | "signal">;

/** Every container's image, present on the engine: as it is there, else pulled or built. Throws `LocalRunError` `image_missing`. */
export async function provideImages(
  engine: Engine,
  graph: PlatformTopology,
  options: ImageOptions,
): Promise<ReadonlyMap<string, ImageFacts>> {
  const known = new Map<string, Promise<ImageFacts>>();
  const provide = (container: Container) => {
    const given = overrideOf(container, graph, options.images);
    const reference = given ?? modelReference(container, graph.name);
    const key = JSON.stringify([reference, given === undefined ? container.image : null]);
    const facts = known.get(key) ?? provideImage(engine, container, reference, given !== undefined, options);
    known.set(key, facts);
    return facts;
  };
  return new Map(await Promise.all(graph.containers.map(async (one) => [one.name, await provide(one)] as const)));
}

/** The image given in place of a container's; what stands for the sidecar's stands for every container that the model makes from the same image. */
export function overrideOf(
  container: Pick<Container, "name" | "image">,
  { containers }: { readonly containers: readonly Pick<Container, "name" | "role" | "image">[] },
  images: StartTopologyOptions["images"] = {},
): string | undefined {
  const sidecar = containers.find((one) => one.role === "sidecar");
  const same = sidecar !== undefined && isDeepStrictEqual(sidecar.image, container.image);
  return images[container.name] ?? (same ? images[sidecar.name] : undefined);
}

function modelReference({ name, image }: Container, topology: string): string {
  switch (image.kind) {
    case "registry":
    case "provided":
      if (!isDeferred(image.reference)) return image.reference;
      throw new LocalRunError("image_missing", `the image of container ${name} is known only when the topology is deployed`, {
        fix: `name an image of this machine: images: { ${JSON.stringify(name)}: "…" }`,
      });
    case "bundled":
      return BUNDLED_TAGS[image.flavor];
    case "build":
      return `chio-kit-local/${topology}-${name}:latest`.toLowerCase();
  }
}

async function provideImage(
  engine: Engine,
  container: Container,
  reference: string,
  given: boolean,
  options: ImageOptions,
): Promise<ImageFacts> {
  const tell = (step: ImageProgress["step"], text?: string) =>
    options.onImage?.({ container: container.name, image: reference, step, ...(text === undefined ? {} : { text }) });
  // What is built from a directory may have changed since; the builder's cache knows.
  const present = container.image.kind === "build" && !given ? null : await inspect(engine, reference);
  if (present !== null) {
    tell("present");
    return present;
  }
  const build = given ? null : buildOf(container, reference, options.baseDirectory);
  if (build === null) {
    tell("pulling");
    await pull(engine, container, reference, given, (text) => tell("pulling", text));
  } else {
    tell("building");
    await dockerBuild({ ...build, onLine: (text) => tell("building", text), signal: options.signal });
  }
  const facts = await inspect(engine, reference);
  if (facts === null)
    throw new LocalRunError("image_missing", `image ${reference} of container ${container.name} is not on the engine after its build`);
  tell("ready");
  return facts;
}

function buildOf({ image, name }: Container, tag: string, baseDirectory = process.cwd()) {
  if (image.kind === "bundled") return { name, tag, context: bundledContext(image.flavor, null), dockerfile: null, target: null };
  if (image.kind !== "build") return null;
  const context = resolve(baseDirectory, image.context);
  return { name, tag, context, dockerfile: resolve(baseDirectory, image.context, image.dockerfile), target: image.target };
}

async function inspect(engine: Engine, reference: string): Promise<ImageFacts | null> {
  try {
    const { Config } = await engine.docker.getImage(reference).inspect();
    return {
      reference,
      volumes: Object.keys(Config.Volumes ?? {}),
      user: Config.User ?? "",
      stopSignal: (Config as { StopSignal?: string }).StopSignal ?? "SIGTERM",
    };
  } catch (error) {
    if (refusal(error) === 404) return null;
    throw error;
  }
}

async function pull(
  engine: Engine,
  container: Container,
  reference: string,
  given: boolean,
  onLine: (text: string) => void,
): Promise<void> {
  try {
    const stream = await engine.docker.pull(reference);
    await new Promise<void>((resolve, reject) => {
      engine.docker.modem.followProgress(
        stream,
        (error: Error | null) => (error === null ? resolve() : reject(error)),
        ({ id, status }: { id?: string; status?: string }) => onLine([id, status].filter(Boolean).join(": ")),
      );
    });
  } catch (cause) {
    const what = given ? reference : imageText(container.image);
    throw new LocalRunError(
      "image_missing",
      `image ${what} of container ${container.name} is not on this machine and cannot be pulled: ${reason(cause)}`,
      {
        fix: `log in to its registry, or name an image of this machine: images: { ${JSON.stringify(container.name)}: "…" }`,
        cause,
      },
    );
  }
}
