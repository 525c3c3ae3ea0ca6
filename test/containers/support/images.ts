/** An image under test, and what section 7 of its promises says about it. */
export interface ImageUnderTest {
  name: "sidecar" | "distroless";
  tag: string;
  dockerfile: string;
  uid: number;
  hasShell: boolean;
  /** Compressed, bytes. */
  maxBytes: number;
}

const PROMISES: Record<ImageUnderTest["name"], Omit<ImageUnderTest, "name" | "tag">> = {
  sidecar: { dockerfile: "Dockerfile.sidecar", uid: 10001, hasShell: true, maxBytes: 150e6 },
  distroless: { dockerfile: "Dockerfile.distroless", uid: 65532, hasShell: false, maxBytes: 60e6 },
};

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} is not set: run the container tests with \`npm test -- containers\`, which builds the images`);
  return value;
}

/** Every image that was built. One that was not is counted as a failure by `npm test` itself. */
export const IMAGES: readonly ImageUnderTest[] = Object.entries(
  JSON.parse(required("CHIO_TEST_IMAGES")) as Record<ImageUnderTest["name"], string>,
).map(([name, tag]) => ({ name: name as ImageUnderTest["name"], tag, ...PROMISES[name as ImageUnderTest["name"]] }));

/** An image with Node, for the app that stands beside the sidecar. */
export const APP_IMAGE = required("CHIO_TEST_APP_IMAGE");
