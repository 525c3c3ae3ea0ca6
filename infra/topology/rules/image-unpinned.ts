import { imagePin, imageText } from "../image.ts";
import { at, CLOUDS, type Rule } from "./rule.ts";

export const imageUnpinned: Rule = {
  code: "CHIO-IMAGE-UNPINNED",
  title: "An image is not pinned by digest",
  severity: "error",
  why: "Whoever can push the tag decides what runs beside the signing key, and two replicas of one revision may run different code.",
  fix: "write REPOSITORY@sha256:DIGEST, or let the construct build the image",
  platforms: CLOUDS,
  invariants: ["INV-10"],
  traps: [6],
  check(topology) {
    return topology.containers.flatMap((one) => {
      const pin = imagePin(one.image);
      if (pin !== "tag" && pin !== "none") return [];
      return [
        {
          path: at(one, "image"),
          message: `${imageText(one.image)} ${pin === "tag" ? "is a tag, which can be moved" : "has neither tag nor digest, which means latest"}`,
        },
      ];
    });
  },
};
