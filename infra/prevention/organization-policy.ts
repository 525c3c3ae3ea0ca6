import { stringify } from "yaml";
import { fixFor } from "../posture/fixes.ts";
import { KEY_VARIABLES, type Known, knownOptions, type PreventionOptions, ruleText, SECRET_VARIABLES } from "./options.ts";

/** A custom constraint of Google's Organization Policy Service, as `gcloud org-policies set-custom-constraint` takes it. */
export interface CustomConstraint {
  readonly name: string;
  readonly resourceTypes: readonly string[];
  readonly methodTypes: readonly string[];
  /** CEL over the first version of the service. What it is true of is denied. */
  readonly condition: string;
  readonly actionType: "DENY";
  readonly displayName: string;
  readonly description: string;
}

/** Google's limits. */
export const CONSTRAINT_LIMITS = { condition: 1000, displayName: 200, description: 2000 } as const;

const ANNOTATION = "run.googleapis.com/container-dependencies";
const CONTAINERS = "resource.spec.template.spec.containers";
const list = (names: readonly string[]) => `[${names.map((name) => `'${name}'`).join(", ")}]`;

/** What is denied, by the code of the topology's rule. `c` is a container; a field that is not set may be missing or empty. */
const DENIED: Readonly<Record<string, (known: Known) => string>> = {
  "CHIO-START-ORDER": ({ sidecar }) =>
    `${CONTAINERS}.exists(c, c.name != '${sidecar}' && !(has(resource.spec.template.metadata.annotations) && '${ANNOTATION}' in resource.spec.template.metadata.annotations && resource.spec.template.metadata.annotations['${ANNOTATION}'].matches('"' + c.name + '"[ ]*:[ ]*[[][^]]*"${sidecar}"')))`,
  "CHIO-START-DEADLOCK": (known) =>
    onSidecar(known, "has(c.args) && c.args.exists(a, a == 'protect') && !c.args.exists(a, a == '--spec' || a.startsWith('--spec='))"),
  "CHIO-INGRESS-TARGET": (known) => onSidecar(known, `!has(c.ports) || !c.ports.exists(p, p.containerPort == ${known.port})`),
  "CHIO-EXTRA-PORT": ({ sidecar }) => `${CONTAINERS}.exists(c, c.name != '${sidecar}' && has(c.ports) && size(c.ports) > 0)`,
  "CHIO-SIGNING-KEY-SCOPE": ({ sidecar }) =>
    `${CONTAINERS}.exists(c, has(c.env) && c.env.exists(e, (c.name != '${sidecar}' && e.name in ${list(KEY_VARIABLES)}) || (e.name == 'CHIO_SIGNING_KEY' && has(e.value) && e.value != '')))`,
  "CHIO-SECRET-SCOPE": ({ sidecar }) =>
    `${CONTAINERS}.exists(c, has(c.env) && c.env.exists(e, e.name in ${list(SECRET_VARIABLES)} && (c.name != '${sidecar}' || (has(e.value) && e.value != ''))))`,
  "CHIO-SIGNING-KEY-VERSION": (known) =>
    onSidecar(
      known,
      "has(c.env) && c.env.exists(e, e.name == 'CHIO_SIGNING_KEY' && has(e.valueFrom) && has(e.valueFrom.secretKeyRef) && e.valueFrom.secretKeyRef.key == 'latest')",
    ),
  "CHIO-ROOT-USER": (known) =>
    onSidecar(
      known,
      "(has(c.env) && c.env.exists(e, e.name == 'CHIO_ALLOW_ROOT')) || (has(c.args) && c.args.exists(a, a.startsWith('--allow-root')))",
    ),
  "CHIO-PROBE-MISSING": (known) => onSidecar(known, "!has(c.startupProbe) || !has(c.livenessProbe)"),
  "CHIO-DRAIN": (known) =>
    onSidecar(
      known,
      "!has(c.env) || !c.env.exists(e, e.name == 'CHIO_SHUTDOWN_DRAIN_MS' && has(e.value) && e.value.matches('^[0-9]{1,4}$'))",
    ),
  "CHIO-SIDECAR-COMMAND": (known) =>
    onSidecar(
      known,
      "(has(c.command) && size(c.command) > 0) || !has(c.args) || size(c.args) < 2 || !((c.args[0] == 'api' && c.args[1] == 'protect') || (c.args[0] == 'mcp' && c.args[1] == 'serve-http'))",
    ),
  "CHIO-IMAGE-UNPINNED": () => `${CONTAINERS}.exists(c, !c.image.matches('@sha256:[0-9a-f]{64}$'))`,
};

export const CONSTRAINT_CODES: readonly string[] = Object.keys(DENIED);

function onSidecar({ sidecar }: Known, wrong: string): string {
  return `${CONTAINERS}.exists(c, c.name == '${sidecar}' && (${wrong}))`;
}

/** One constraint for each rule that can be said in CEL over a Cloud Run service. Services without a sidecar pass, unless it is required. */
export function organizationConstraints(options: PreventionOptions = {}): CustomConstraint[] {
  const known = knownOptions(options);
  const governed = `${CONTAINERS}.exists(c, c.name == '${known.sidecar}')`;
  const constraints = CONSTRAINT_CODES.map((code) => constraint(code, `${governed} && ${DENIED[code]?.(known)}`, known));
  return known.requireSidecar ? [constraint("CHIO-SIDECAR-COUNT", `!${governed}`, known), ...constraints] : constraints;
}

function constraint(code: string, condition: string, { organization, sidecar }: Known): CustomConstraint {
  const { title, why, fix } = ruleText(code);
  const advice = code === "CHIO-SIDECAR-COUNT" ? `add the container ${sidecar}` : fixFor(code, "cloud-run-v1", "cloud-run", fix);
  return {
    name: `organizations/${organization}/customConstraints/${constraintName(code)}`,
    resourceTypes: ["run.googleapis.com/Service"],
    methodTypes: ["CREATE", "UPDATE"],
    condition,
    actionType: "DENY",
    displayName: `${code}: ${title}`,
    description: `${why} Fix: ${advice}.`,
  };
}

/** `CHIO-START-ORDER` is `custom.chioStartOrder`: letters and digits only. */
function constraintName(code: string): string {
  const [first = "", ...rest] = code.toLowerCase().split("-");
  return `custom.${first}${rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}`;
}

/** The constraint's file, and the policy that enforces it on one project, folder or organization. */
export function constraintFiles(one: CustomConstraint): { path: string; text: string }[] {
  const name = one.name.split("/").at(-1) ?? "";
  const policy = { name: `projects/PROJECT_ID/policies/${name}`, spec: { rules: [{ enforce: true }] } };
  return [
    { path: `constraints/${name}.yaml`, text: stringify(one, { lineWidth: 0 }) },
    { path: `policies/${name}.yaml`, text: stringify(policy, { lineWidth: 0 }) },
  ];
}
