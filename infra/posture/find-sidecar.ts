import { imageText } from "../topology/image.ts";
import { DocumentError } from "./errors.ts";
import type { ReadContainer, Reading } from "./reading.ts";

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

/** Started as one, whatever its name. */
function startedAsOne({ container }: ReadContainer): boolean {
  return COMMANDS.includes((container.args ?? []).slice(0, 2).join(" "));
}

/**
 * The sidecar among a service's containers; null when none looks like it. `name` settles it. Two that are started as sidecars are a finding. Throws
 * `DocumentError` when several look alike otherwise.
 */
export function findSidecar(
  reading: Reading,
  containers: readonly ReadContainer[],
  name: string | undefined,
  where: string,
): ReadContainer | null {
  const running = containers.filter((one) => !one.runsFirst);
  const found = name === undefined ? likeliest(running, where) : (running.find(({ container }) => container.name === name) ?? null);
  const [second] = running.filter((one) => one !== found && startedAsOne(one));
  if (found !== null && second !== undefined && startedAsOne(found)) {
    const names = running.filter(startedAsOne).map(({ container }) => container.name);
    reading.breach("CHIO-SIDECAR-COUNT", second.at, `there are ${names.length} sidecars: ${names.join(", ")}`);
  }
  return found;
}

function likeliest(running: readonly ReadContainer[], where: string): ReadContainer | null {
  const likely = running.map((one) => ({ one, points: evidence(one) })).filter(({ points }) => points >= ENOUGH);
  const most = Math.max(0, ...likely.map(({ points }) => points));
  const [first, second] = likely.filter(({ points }) => points === most);
  if (first === undefined) return null;
  if (second === undefined || startedAsOne(first.one)) return first.one;
  throw new DocumentError(
    "document_sidecar_unclear",
    `${where}: ${first.one.container.name} and ${second.one.container.name} both look like the sidecar`,
    "name the one with --sidecar NAME",
  );
}
