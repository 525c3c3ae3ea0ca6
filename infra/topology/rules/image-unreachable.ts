import { isDeferred } from "../deferred.ts";
import { imageText } from "../image.ts";
import { at, CLOUDS, type Rule } from "./rule.ts";

/** Registry host, where the reference has one. Without, it is Docker Hub's. */
const HOST = /^([a-z0-9.-]+)(?::\d+)?\//;
/** Hosts that mean the machine, or the network, on which the reference was written. */
const HERE = /^(?:localhost|.+\.localhost|.+\.local|127(?:\.\d+){3}|0\.0\.0\.0|host\.docker\.internal)$/;

export const imageUnreachable: Rule = {
  code: "CHIO-IMAGE-UNREACHABLE",
  title: "An image is in a registry of this machine",
  severity: "error",
  why: "The platform looks for that registry on its own machines, finds none, and no replica starts.",
  fix: "push the image to a registry that the platform can reach, and name it there",
  platforms: CLOUDS,
  invariants: [],
  traps: [],
  check(topology) {
    return topology.containers.flatMap((one) => {
      const reference = one.image.kind === "registry" ? one.image.reference : "";
      const host = isDeferred(reference) ? undefined : HOST.exec(reference)?.[1];
      if (host === undefined || !HERE.test(host)) return [];
      return [{ path: at(one, "image"), message: `${imageText(one.image)} is in a registry that only this machine or its network knows` }];
    });
  },
};
