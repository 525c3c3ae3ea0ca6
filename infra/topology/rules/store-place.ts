import { DEFAULTS } from "../defaults.ts";
import { ALL, at, type Rule, theSidecar } from "./rule.ts";

export const storePlace: Rule = {
  code: "CHIO-STORE-PLACE",
  title: "The receipt store is not in a directory that the sidecar can write",
  severity: "error",
  why: "The root file system is read-only, and an empty volume belongs to root unless the image owns a directory there: the sidecar cannot write its receipts and fails closed.",
  fix: `keep the store under ${DEFAULTS.sidecar.stateDirectory}, which both images own`,
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    const store = topology.receipts.store;
    if (sidecar === null || store === null) return [];
    const mount = sidecar.mounts.filter((one) => store.startsWith(`${one.path}/`)).toSorted((a, b) => b.path.length - a.path.length)[0];
    if (mount === undefined) return [{ path: "receipts.store", message: `no volume of ${sidecar.name} holds ${store}` }];
    if (mount.readOnly)
      return [{ path: "receipts.store", message: `${store} is in ${mount.volume}, which ${sidecar.name} mounts read-only` }];
    const volume = topology.volumes.find((one) => one.name === mount.volume);
    if (topology.platform === "ecs" && volume?.kind === "empty" && mount.path !== DEFAULTS.sidecar.stateDirectory) {
      return [{ path: at(sidecar, "mounts"), message: `the empty volume ${mount.volume} at ${mount.path} belongs to root on Fargate` }];
    }
    return [];
  },
};
