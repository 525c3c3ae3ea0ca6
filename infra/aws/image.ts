import type { ContainerImage } from "aws-cdk-lib/aws-ecs";
import type { Construct } from "constructs";
import { bundledContext } from "../image/context.ts";
import { type Architecture, type ImageRef, parseImage, type SidecarFlavor } from "../topology/index.ts";
import { ecrAssets, ecs } from "./cdk.ts";
import { AwsPropsError } from "./errors.ts";
import type { ChioAppImage } from "./props.ts";

export interface BundledImageProps {
  /** @default distroless */
  readonly flavor?: SidecarFlavor;
  /** Directory that becomes the image's /etc/chio: spec, policy, kernel.yaml. @default nothing is put there */
  readonly configDirectory?: string;
  /** Build arguments of the kit's Dockerfile, such as DEBIAN_IMAGE of your mirror. @default none: the public base images */
  readonly buildArgs?: Readonly<Record<string, string>>;
}

/** An image as the model sees it, and as ECS gets it. */
export interface ResolvedImage {
  readonly ref: ImageRef;
  readonly image: (scope: Construct, architecture: Architecture) => ContainerImage;
}

/** The sidecar's image. */
export class ChioImage implements ResolvedImage {
  readonly ref: ImageRef;
  /** Which of the two images it is; it fixes the uid. */
  readonly flavor: SidecarFlavor;
  readonly image: ResolvedImage["image"];

  private constructor(ref: ImageRef, flavor: SidecarFlavor, image: ResolvedImage["image"]) {
    this.ref = ref;
    this.flavor = flavor;
    this.image = image;
  }

  /** The kit's own Dockerfile, built at deployment as an asset, with your configuration in it if you give a directory. */
  static bundled(props: BundledImageProps = {}): ChioImage {
    const flavor = props.flavor ?? "distroless";
    const configDirectory = props.configDirectory ?? null;
    return new ChioImage({ kind: "bundled", flavor, configDirectory }, flavor, (_scope, architecture) =>
      ecs.ContainerImage.fromAsset(bundledContext(flavor, configDirectory), {
        file: "Dockerfile",
        buildArgs: { ...props.buildArgs },
        platform: architecture === "arm64" ? ecrAssets.Platform.LINUX_ARM64 : ecrAssets.Platform.LINUX_AMD64,
      }),
    );
  }

  /** `REPOSITORY@sha256:DIGEST`. A tag is refused: whoever pushes it would decide what runs beside the signing key. */
  static fromRegistry(reference: string, props: { /** @default distroless */ readonly flavor?: SidecarFlavor } = {}): ChioImage {
    const ref = parseImage(reference);
    if (ref.kind !== "registry" || !/@sha256:[0-9a-f]{64}$/.test(reference)) {
      throw new AwsPropsError(
        "image_tag",
        `ChioImage.fromRegistry(${JSON.stringify(reference)})`,
        "name the image by digest, REPOSITORY@sha256:DIGEST",
      );
    }
    return new ChioImage(ref, props.flavor ?? "distroless", () => ecs.ContainerImage.fromRegistry(reference));
  }
}

/** An image of the user's. Throws `AwsPropsError` where nobody can say how it is pinned. */
export function appImage(image: ChioAppImage): ResolvedImage {
  if (typeof image === "string") {
    const ref = parseImage(image);
    if (ref.kind !== "registry")
      throw new AwsPropsError(
        "image_unknown",
        `app image ${JSON.stringify(image)}`,
        "the bundled image is the sidecar's; name the app's own",
      );
    return { ref, image: () => ecs.ContainerImage.fromRegistry(image) };
  }
  if (image instanceof ecrAssets.DockerImageAsset) {
    const ref: ImageRef = { kind: "provided", reference: image.imageUri, pinnedBy: "content-hash" };
    return { ref, image: () => ecs.ContainerImage.fromDockerImageAsset(image) };
  }
  return { ref: containerImageRef(image), image: () => image };
}

function containerImageRef(image: ContainerImage): ImageRef {
  if (image instanceof ecs.AssetImage) {
    return { kind: "provided", reference: "an asset of this app", pinnedBy: "content-hash" };
  }
  const name: unknown = image instanceof ecs.EcrImage || image instanceof ecs.RepositoryImage ? Reflect.get(image, "imageName") : undefined;
  if (typeof name === "string") return namedImage(name);
  throw new AwsPropsError(
    "image_unknown",
    "an image of an unknown class: nobody can say how it is pinned",
    "pass a reference with a digest, the DockerImageAsset itself, or ContainerImage.fromAsset",
  );
}

/** Account and region may be tokens, and still the end says how the image is pinned. */
export function namedImage(name: string): ImageRef {
  if (/@sha256:[0-9a-f]{64}$/.test(name)) return { kind: "provided", reference: name, pinnedBy: "digest" };
  const readable = name.replace(/\$\{Token\[[^\]]*\]\}/g, "unresolved");
  return { kind: "registry", reference: readable };
}
