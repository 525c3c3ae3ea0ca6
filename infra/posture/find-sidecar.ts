import { imageText } from "../topology/image.ts";
import { DocumentError } from "./errors.ts";
import type { ReadContainer } from "./reading.ts";

/** Variables that only a sidecar is given; an app may be told where the sidecar is. */
const APP_VARIABLES = ["CHIO_SIDECAR_URL", "CHIO_SIDECAR_HEALTH_URL"];
const COMMANDS = ["api protect", "mcp serve-http"];
/** A port alone, or one variable alone, may be anything's. */
const ENOUGH = 3;

/** How much speaks for the container being the sidecar. */
function evidence({ container }: ReadContainer): number {
  const words = [...(container.entrypoint ?? []), ...(container.args ?? [])];
  const command = (container.args ?? []).slice(0, 2).join(" ");
  const variables = [...Object.keys(container.env), ...container.secrets.flatMap(({ target }) => target.env ?? [])];
  const own = variables.filter((name) => name.startsWith("CHIO_") && !APP_VARIABLES.includes(name));
  const repository = imageText(container.image).replace(/@.*$/, "").split("/").at(-1) ?? "";
  return (
    (COMMANDS.includes(command) ? 4 : 0) +
    (/^chio[-_]?sidecar/.test(repository) ? 4 : /(^|[-_])chio([-_:]|$)/.test(repository) ? 2 : 0) +
    (words.some((word) => /(^|\/)chio$/.test(word)) ? 2 : 0) +
    (/^chio[-_]?sidecar$/i.test(container.name) ? 3 : /(^|[-_])chio([-_]|$)/i.test(container.name) ? 1 : 0) +
    Math.min(3, own.length) +
    (container.ports.includes(9090) ? 1 : 0)
  );
}

/**
 * The sidecar among a service's containers; null when none looks like it. `name` settles it. Throws `DocumentError` when several look the same, or
 * none has that name.
 */
export function findSidecar(containers: readonly ReadContainer[], name: string | undefined, where: string): ReadContainer | null {
  const running = containers.filter((one) => !one.runsFirst);
  if (name !== undefined) return running.find(({ container }) => container.name === name) ?? null;
  const likely = running.map((one) => ({ one, points: evidence(one) })).filter(({ points }) => points >= ENOUGH);
  const most = Math.max(0, ...likely.map(({ points }) => points));
  const [first, second] = likely.filter(({ points }) => points === most);
  if (first === undefined) return null;
  // Two that are both started as one are two sidecars, whatever their names: a rule counts them.
  if (second === undefined) return first.one;
  throw new DocumentError(
    "document_sidecar_unclear",
    `${where}: ${first.one.container.name} and ${second.one.container.name} both look like the sidecar`,
    "name the one with --sidecar NAME",
  );
}
