import { isDeferred } from "./deferred.ts";
import type { ImageRef } from "./types.ts";

const DIGEST = /@sha256:[0-9a-f]{64}$/;
/** Registry host with port, path components, then tag and digest; all but one component optional. */
const COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const REFERENCE = new RegExp(
  `^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?:\\d{1,5}/)?${COMPONENT}(?:/${COMPONENT})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);

/** A reference, `bundled`, `bundled:alpine` or `bundled:distroless`. Throws `TypeError` on a form that no registry takes. */
export function parseImage(text: string): ImageRef {
  if (text === "bundled" || text === "bundled:distroless") return { kind: "bundled", flavor: "distroless", configDirectory: null };
  if (text === "bundled:alpine") return { kind: "bundled", flavor: "alpine", configDirectory: null };
  if (text.startsWith("bundled"))
    throw new TypeError(`image ${JSON.stringify(text)}: the bundled images are "bundled:distroless" and "bundled:alpine"`);
  if (isDeferred(text)) return { kind: "registry", reference: text };
  if (/^https?:\/\//.test(text))
    throw new TypeError(`image ${JSON.stringify(text)} is a URL; leave out ${JSON.stringify(text.slice(0, text.indexOf("//") + 2))}`);
  if (/@sha256:/.test(text) && !DIGEST.test(text))
    throw new TypeError(`image ${JSON.stringify(text)} has a digest that is not 64 lower-case hex digits`);
  if (/[A-Z]/.test(text.split(/[:@]/)[0] ?? "")) {
    throw new TypeError(`image ${JSON.stringify(text)} has capital letters in its repository; registries take lower case only`);
  }
  if (!REFERENCE.test(text)) {
    throw new TypeError(`image ${JSON.stringify(text)} is not an image reference; write REGISTRY/REPOSITORY@sha256:DIGEST`);
  }
  return { kind: "registry", reference: text };
}

/** How the reference is pinned. `unknown`: it is not known yet. */
export function imagePin(image: ImageRef): "digest" | "build" | "tag" | "none" | "unknown" {
  switch (image.kind) {
    case "bundled":
    case "build":
      return "build";
    case "provided":
      return image.pinnedBy === "digest" ? "digest" : "build";
    case "registry": {
      if (isDeferred(image.reference)) return "unknown";
      if (DIGEST.test(image.reference)) return "digest";
      return /:[\w][\w.-]*$/.test(image.reference.slice(image.reference.lastIndexOf("/") + 1)) ? "tag" : "none";
    }
  }
}

/** One line for messages. */
export function imageText(image: ImageRef): string {
  switch (image.kind) {
    case "registry":
    case "provided":
      return image.reference;
    case "bundled":
      return `bundled:${image.flavor}`;
    case "build":
      return `build of ${image.dockerfile} in ${image.context}`;
  }
}
