import type { Container, SecretPurpose } from "../../topology/index.ts";
import type { Sight } from "./look.ts";
import type { Trial } from "./trial.ts";

/** A secret that the model gives to the sidecar. */
export interface SidecarSecret {
  readonly name: string;
  readonly purpose: SecretPurpose;
  /** Texts by which it can be told: as it is, and as somebody may have written it down again. */
  readonly forms: readonly string[];
  /** Other containers that the model gives it to. For the signing key there are none, whatever the model says. */
  readonly sharedWith: readonly string[];
}

/** Shorter texts are found everywhere, and tell nothing. */
const SHORTEST = 8;

/** The sidecar's secrets with the values that it runs with, and those of its secret files. Values are in the forms: never print them. */
export async function sidecarSecrets(trial: Trial, sight: Sight): Promise<SidecarSecret[]> {
  const { containers, volumes } = trial.graph;
  const sidecar = containers.find((one) => one.name === trial.sidecarName);
  if (sidecar === undefined) return [];
  const others = containers.filter((one) => one !== sidecar);
  const { Config } = await (await trial.hand.container(sidecar.name)).inspect();
  const env = new Map(Config.Env.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
  const bound = sidecar.secrets.map(({ name, purpose, target }) => ({
    name,
    purpose,
    value: target.kind === "env" ? env.get(target.env) : sight.files[target.path],
    sharedWith: purpose === "signing-key" ? [] : others.filter((one) => one.secrets.some((secret) => secret.name === name)),
  }));
  const mounted = volumes.flatMap((volume) => {
    if (volume.kind !== "secret") return [];
    const roots = sidecar.mounts.filter((mount) => mount.volume === volume.name).map(({ path }) => path);
    const sharedWith = others.filter((one) => one.mounts.some((mount) => mount.volume === volume.name));
    return Object.entries(sight.files)
      .filter(([path]) => roots.some((root) => path.startsWith(`${root}/`)))
      .map(([path, value]) => ({ name: path, purpose: "config-file" as const, value, sharedWith }));
  });
  return [...bound, ...mounted].flatMap(({ value, sharedWith, ...secret }) => {
    const forms = formsOf(value ?? "");
    return forms.length === 0 ? [] : [{ ...secret, forms, sharedWith: sharedWith.map((one: Container) => one.name) }];
  });
}

/** Where in a container one of these texts can be seen. Empty: nowhere. */
export function secretPlaces({ processes, files }: Sight, forms: readonly string[]): string[] {
  const shows = (text: string | null) => text !== null && forms.some((form) => text.includes(form));
  return [
    ...processes.filter(({ environ }) => shows(environ)).map(({ pid }) => `environment of process ${pid}`),
    ...processes.filter(({ command }) => shows(command)).map(({ pid }) => `arguments of process ${pid}`),
    ...Object.entries(files).flatMap(([path, text]) => (shows(text) ? [`file ${path}`] : [])),
  ];
}

function formsOf(value: string): string[] {
  const text = value.trim();
  if (text.length < SHORTEST) return [];
  const bytes = [Buffer.from(text, "latin1"), ...(/^[0-9a-f]{64}$/i.test(text) ? [Buffer.from(text, "hex")] : [])];
  const encoded = bytes.flatMap((one) => [one.toString("base64").replace(/=+$/, ""), one.toString("base64url")]);
  return [...new Set([text, text.toLowerCase(), text.toUpperCase(), ...encoded])];
}
