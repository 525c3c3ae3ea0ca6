import { ALL, at, type Rule, SIDECAR_SECRET_NAMES, SIGNING_KEY_NAMES } from "./rule.ts";

export const variableTwice: Rule = {
  code: "CHIO-VARIABLE-TWICE",
  title: "A variable is set both plainly and from a secret",
  severity: "error",
  why: "The platform refuses the deployment, or one of the two wins and nobody said which.",
  fix: "keep the secret, and take the plain value out",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    return topology.containers.flatMap((one) => {
      // A plain value in place of one of the sidecar's secrets is told by the rules about those.
      const told = [...SIGNING_KEY_NAMES, ...SIDECAR_SECRET_NAMES];
      const seen = new Set(Object.keys(one.env).filter((name) => !told.includes(name)));
      return one.secrets.flatMap(({ target }, index) => {
        if (target.env === null) return [];
        const twice = seen.has(target.env);
        seen.add(target.env);
        return twice ? [{ path: at(one, `secrets[${index}]`), message: `${one.name} has ${target.env} twice` }] : [];
      });
    });
  },
};
