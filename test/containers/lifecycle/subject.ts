import type { LifecyclePlatform, LifecycleSubject } from "../../../infra/local/suite/index.ts";
import { apiProtect, defineTopology, type Topology, type TopologyProps } from "../../../infra/topology/index.ts";
import { labels } from "../support/engine.ts";
import { IMAGES, type ImageUnderTest } from "../support/images.ts";
import { NOTES_COMMAND, PINNED, SIGNING_KEY } from "../support/notes.ts";
import { APP_FIXTURE } from "../support/sidecar.ts";

/** The app without its command: it is in the image, and the topology does not know it. */
export const NOTES_APP = { image: `registry.example.com/notes${PINNED}`, health: "/openapi.yaml" } as const;

/** For what one image is enough: the distroless one where it was built. */
export const ONE_IMAGE: ImageUnderTest = IMAGES.find(({ name }) => name === "distroless") ?? IMAGES[0]!;

/** The notes service as a team would deploy it: images by digest, the key in each cloud's store, configuration by policy and spec alone. */
export function notesTopology(image: ImageUnderTest, app: TopologyProps["app"] = { ...NOTES_APP, command: NOTES_COMMAND }): Topology {
  return defineTopology({
    name: "notes",
    mode: apiProtect({ spec: "/etc/chio/openapi.yaml", policy: "/etc/chio/policy.yaml" }),
    app,
    sidecar: {
      image: `registry.example.com/chio-sidecar${PINNED}`,
      flavor: image.name === "distroless" ? "distroless" : "alpine",
      kernelConfig: null,
    },
    // The gate is a program of the sidecar's image, which has to run in the app's: that one has glibc.
    ...(image.name === "distroless" ? {} : { aca: { startGate: false } }),
    secrets: { signingKey: SIGNING_KEY },
  });
}

/** The same as a subject of the suite, with the images of this machine. */
export function notesSubject(
  platform: LifecyclePlatform,
  image: ImageUnderTest,
  notesImage: string,
  topology = notesTopology(image),
): LifecycleSubject {
  return {
    title: `notes on ${platform}, image ${image.name}`,
    topology,
    platform,
    images: { app: notesImage, "chio-sidecar": image.tag },
    configDirectory: APP_FIXTURE,
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
