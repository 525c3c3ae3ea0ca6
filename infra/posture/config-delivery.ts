import { isDeferred } from "../topology/deferred.ts";
import type { ConfigDelivery, Container, Platform, Volume } from "../topology/types.ts";
import type { Reading } from "./reading.ts";
import type { SidecarWords } from "./sidecar-config.ts";

/**
 * How the sidecar's files come to it, as far as mounts show it. A file under no mount may be in a layer of the image: that is asked, not judged. A
 * file that is missing from the secret volume on its directory is missing for sure, and the rule says so.
 */
export function readConfig(
  words: SidecarWords,
  sidecar: Container,
  volumes: readonly Volume[],
  platform: Platform,
  reading: Reading,
): ConfigDelivery {
  const files = [
    { file: words.get("--spec", "CHIO_SPEC"), at: words.at("--spec", "CHIO_SPEC") },
    { file: words.get("--policy", "CHIO_POLICY_SOURCE"), at: words.at("--policy", "CHIO_POLICY_SOURCE") },
    { file: words.get("--config", "CHIO_KERNEL_CONFIG_PATH"), at: words.at("--config", "CHIO_KERNEL_CONFIG_PATH") },
  ].filter((one): one is typeof one & { file: string } => one.file?.startsWith("/") === true && !isDeferred(one.file));
  const hidden = files.some(({ file }) => missingFromSecret(file, sidecar, volumes));
  reading.place("config", words.at("--config", "CHIO_KERNEL_CONFIG_PATH"));
  if (hidden && platform !== "ecs") return { kind: "secret-files", files: [] };
  for (const { file, at } of files) {
    if (sidecar.mounts.some((mount) => file.startsWith(`${mount.path}/`))) continue;
    reading.ask(["CHIO-CONFIG-DELIVERY"], at, `${file} is under no mount: it has to be in the sidecar's image`);
  }
  return { kind: "image" };
}

function missingFromSecret(file: string, sidecar: Container, volumes: readonly Volume[]): boolean {
  const mount = sidecar.mounts.filter((one) => file.startsWith(`${one.path}/`)).toSorted((a, b) => b.path.length - a.path.length)[0];
  const volume = volumes.find((one) => one.name === mount?.volume);
  return (
    mount !== undefined &&
    volume?.kind === "secret" &&
    volume.files !== null &&
    !volume.files.some((one) => `${mount.path}/${one.path}` === file)
  );
}
