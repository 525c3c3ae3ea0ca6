import { parseImage } from "../topology/image.ts";
import type { ImageRef } from "../topology/types.ts";

/** What the CDK builds and pushes: the tag is the hash of the content, and is never moved. */
const CDK_ASSET = /\/cdk-[a-z0-9]+-container-assets-.*:[0-9a-f]{64}$/;

/** A reference as it stands. One that no registry takes is none with a digest, and a rule says so. */
export function readImage(text: string): ImageRef {
  if (CDK_ASSET.test(text)) return { kind: "provided", reference: text, pinnedBy: "content-hash" };
  try {
    const image = parseImage(text);
    return image.kind === "registry" ? image : { kind: "registry", reference: text };
  } catch {
    return { kind: "registry", reference: text };
  }
}
