import { deferred } from "../topology/deferred.ts";
import type { SecretRef } from "../topology/secret-ref.ts";
import type { Volume } from "../topology/types.ts";
import type { At } from "./at.ts";
import type { Reading, ReadVolume } from "./reading.ts";

export interface AppSecret {
  readonly name: string;
  readonly at: At;
  readonly ref: SecretRef;
  /** Resource id of the identity that reads the vault, or `System`. */
  readonly identity: string | null;
  /** The value stands in the document, or comes with the deployment. Null: a vault has it. */
  readonly inline: "literal" | "deployed" | null;
}
export type AppSecrets = ReadonlyMap<string, AppSecret>;

/** The app's list of secrets, by name. */
export function readAppSecrets(list: At): AppSecrets {
  return new Map(
    list.items().map((at) => {
      const name = at.get("name").text() ?? "";
      const [url, value] = [at.get("keyVaultUrl"), at.get("value")];
      const inline = url.given ? null : value.given && !value.unresolved ? "literal" : "deployed";
      const uri = url.text() ?? deferred(`secret.${name.replace(/[^A-Za-z0-9_.-]/g, "_") || "unnamed"}`);
      return [name, { name, at, ref: { kind: "azure-key-vault", uri }, identity: at.get("identity").text() ?? null, inline }] as const;
    }),
  );
}

export function readAppVolume(reading: Reading, at: At, secrets: AppSecrets): ReadVolume {
  const name = at.get("name").text() ?? "";
  return { at, volume: volumeOf(reading, at, name, secrets) };
}

function volumeOf(reading: Reading, at: At, name: string, secrets: AppSecrets): Volume {
  const kind = at.get("storageType").text()?.toLowerCase() ?? "emptydir";
  switch (kind) {
    case "emptydir":
      return { kind: "empty", name, medium: "disk", sizeMiB: null };
    case "azurefile":
    case "nfsazurefile":
    case "smb":
      return { kind: "azure-file", name, storageName: at.get("storageName").text() ?? "", readOnly: false };
    case "secret": {
      const list = at.get("secrets");
      const files = list.items().map((one) => {
        const secretName = one.get("secretRef").text() ?? "";
        const ref = secrets.get(secretName)?.ref ?? {
          kind: "azure-key-vault" as const,
          uri: deferred(`secret.${secretName.replace(/[^A-Za-z0-9_.-]/g, "_")}`),
        };
        return { secretName, ref, path: one.get("path").text() ?? secretName };
      });
      return { kind: "secret", name, files: list.given ? files : null };
    }
    default:
      reading.ask(["CHIO-VOLUMES", "CHIO-STORE-PLACE"], at, `volume ${name} is of the kind ${kind}, which this kit does not know`);
      return { kind: "empty", name, medium: "disk", sizeMiB: null };
  }
}
