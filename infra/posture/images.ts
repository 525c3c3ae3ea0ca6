import { parseImage } from "../topology/image.ts";
import type { ImageRef } from "../topology/types.ts";

/** A reference as it stands. One that no registry takes is none with a digest, and a rule says so. */
export function readImage(text: string): ImageRef {
  try {
    const image = parseImage(text);
    return image.kind === "registry" ? image : { kind: "registry", reference: text };
  } catch {
    return { kind: "registry", reference: text };
  }
}
