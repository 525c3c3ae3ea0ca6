import type { SecretRef } from "../topology/secret-ref.ts";
import type { SecretFile, Volume } from "../topology/types.ts";
import type { At } from "./at.ts";
import type { CloudRunWords } from "./cloud-run-words.ts";
import { readMemory } from "./quantities.ts";
import type { Reading, ReadVolume } from "./reading.ts";

/** `projects/P/secrets/S`, an alias of one, or a name in the service's own project. */
export function gcpSecret(name: string, version: string, aliases: ReadonlyMap<string, string>): SecretRef {
  const full = /^projects\/([^/]+)\/secrets\/([^/]+)/.exec(aliases.get(name) ?? name);
  return {
    kind: "gcp-secret-manager",
    project: full?.[1] ?? null,
    secret: full?.[2] ?? name,
    version: /\/versions\/([^/]+)$/.exec(name)?.[1] ?? version,
  };
}

export function readCloudRunVolume(reading: Reading, at: At, words: CloudRunWords, aliases: ReadonlyMap<string, string>): ReadVolume {
  const name = at.get("name").text() ?? "";
  return { at, volume: volumeOf(reading, at, name, words, aliases) };
}

function volumeOf(reading: Reading, at: At, name: string, { form }: CloudRunWords, aliases: ReadonlyMap<string, string>): Volume {
  const [secret, empty, bucket] = [at.get("secret"), at.get("emptyDir"), form === "knative" ? at.get("csi") : at.get("gcs")];
  if (secret.given) return { kind: "secret", name, files: secretFiles(secret, name, form, aliases) };
  if (empty.given) {
    const medium = /memory/i.test(empty.get("medium").text() ?? "") ? "memory" : "disk";
    return { kind: "empty", name, medium, sizeMiB: readMemory(empty.get("sizeLimit").text() ?? "") };
  }
  if (bucket.given) {
    const named = form === "knative" ? bucket.get("volumeAttributes", "bucketName") : bucket.get("bucket");
    return { kind: "gcs", name, bucket: named.text() ?? "", readOnly: bucket.get("readOnly").flag() === true };
  }
  const kind =
    at
      .entries()
      .map(([key]) => key)
      .find((key) => key !== "name") ?? "unknown";
  reading.ask(["CHIO-VOLUMES", "CHIO-STORE-PLACE"], at, `volume ${name} is of the kind ${kind}, which this kit does not know`);
  return { kind: "empty", name, medium: "disk", sizeMiB: null };
}

/** In v1 an item's `key` is the version. Without items the file has the secret's name, at version latest. */
function secretFiles(secret: At, volume: string, form: CloudRunWords["form"], aliases: ReadonlyMap<string, string>): SecretFile[] {
  const name = secret.either("secretName", "secret").text() ?? "";
  const items = secret.get("items").items();
  const file = (path: string, version: string): SecretFile => ({
    secretName: `${path} of ${volume}`,
    ref: gcpSecret(name, version, aliases),
    path,
  });
  if (items.length === 0) return [file(name, "latest")];
  return items.map((item) => file(item.get("path").text() ?? "", item.get(form === "knative" ? "key" : "version").text() ?? "latest"));
}
