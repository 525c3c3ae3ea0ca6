import type { LifecyclePlatform, LifecycleSubject } from "../../../infra/local/suite/index.ts";
import { labels } from "../support/engine.ts";
import { IMAGES, type ImageUnderTest } from "../support/images.ts";
import { NOTES_CONFIG, notesTopology } from "../support/notes-topology.ts";

/** For what one image is enough: the distroless one where it was built. */
export const ONE_IMAGE: ImageUnderTest = IMAGES.find(({ name }) => name === "distroless") ?? IMAGES[0]!;

export const flavorOf = ({ name }: ImageUnderTest) => (name === "distroless" ? "distroless" : "alpine");

/** The notes service as a subject of the suite, with the images of this machine. */
export function notesSubject(
  platform: LifecyclePlatform,
  image: ImageUnderTest,
  notesImage: string,
  topology = notesTopology(flavorOf(image)),
): LifecycleSubject {
  return {
    title: `notes on ${platform}, image ${image.name}`,
    topology,
    platform,
    images: { app: notesImage, "chio-sidecar": image.tag },
    configDirectory: NOTES_CONFIG,
    labels: labels(),
    call: { path: "/notes" },
    slowCall: (ms) => ({
      method: "POST",
      path: `/notes?wait_ms=${ms}`,
      headers: { "content-type": "application/json" },
      body: '{"text":"x"}',
      status: 201,
    }),
  };
}
