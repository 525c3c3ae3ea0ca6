import { EXCLUDABLE_CHECKS } from "../../sidecar/service/readiness.ts";

/*
 * What is asked where the answer decides whether a replica is replaced: readiness, but for the receipt sinks. A sink that is away is away for the
 * next replica too.
 */

const [SINKS] = EXCLUDABLE_CHECKS;

/** `program`: the `chio` program inside the sidecar's image. Exec form. */
export function replicaHealthCommand(program: string): string[] {
  return [program, "health", "--exclude", SINKS];
}

/** `healthPath`: what the sidecar was told. A load balancer takes a query in the path of its check. */
export function replicaHealthPath(healthPath: string): string {
  return `${healthPath}?exclude=${SINKS}`;
}

/** What a path, with its query, asks of the sidecar. Null: not its readiness, or nothing that it answers with 200. */
export function readinessAsked(target: string, healthPath: string): { readonly sinks: boolean } | null {
  const [path, query = ""] = target.split("?", 2);
  if (path !== healthPath) return null;
  const excluded = new URLSearchParams(query).getAll("exclude");
  const known: readonly string[] = EXCLUDABLE_CHECKS;
  if (excluded.length > 1 || !excluded.every((names) => names.split(",").every((name) => known.includes(name)))) return null;
  return { sinks: !excluded.some((names) => names.split(",").includes(SINKS)) };
}

/** Whether a health command asks the sidecar's readiness with its sinks: `chio health`, or a program that is given the URL. */
export function commandAsksSinks(command: readonly string[], healthPath: string): boolean {
  // A shell's line is one of the words.
  const words = command.flatMap((one) => one.split(/[\s'"|;]+/));
  const asked = words.map((word) => word.replace(/^--url=/, "").replace(/^(?:https?:\/\/)?[\w.:[\]-]*(?=\/)/, ""));
  const urls = asked.flatMap((target) => readinessAsked(target, healthPath) ?? []);
  if (words.some((word, index) => word === "--exclude" && words[index + 1] === SINKS) || words.includes(`--exclude=${SINKS}`)) return false;
  if (urls.length > 0) return urls.some(({ sinks }) => sinks);
  const own = words.findIndex((word, index) => /(?:^|\/)chio$/.test(word) && words[index + 1] === "health");
  return own >= 0 && !words.some((word) => word === "--url" || word.startsWith("--url="));
}
