import { acceptanceReason, acceptanceUnmatched } from "./acceptance.ts";
import { appBind } from "./app-bind.ts";
import { appMissing } from "./app-missing.ts";
import { architecture } from "./architecture.ts";
import { capabilities } from "./capabilities.ts";
import { configDelivery } from "./config-delivery.ts";
import { containerNames } from "./container-names.ts";
import { cpuIdle } from "./cpu-idle.ts";
import { cpuIdleMixed } from "./cpu-idle-mixed.ts";
import { deregistration } from "./deregistration.ts";
import { drain } from "./drain.ts";
import { efs } from "./efs.ts";
import { exec } from "./exec.ts";
import { extraPort } from "./extra-port.ts";
import { failOpen } from "./fail-open.ts";
import { grace } from "./grace.ts";
import { graceClamped } from "./grace-clamped.ts";
import { healthCommand } from "./health-command.ts";
import { healthGrace } from "./health-grace.ts";
import { identityExposed } from "./identity-exposed.ts";
import { imageUnpinned } from "./image-unpinned.ts";
import { imageUnreachable } from "./image-unreachable.ts";
import { imageUser } from "./image-user.ts";
import { ingressSource } from "./ingress-source.ts";
import { ingressTarget } from "./ingress-target.ts";
import { mcpCommand } from "./mcp-command.ts";
import { name } from "./name.ts";
import { plainHttp } from "./plain-http.ts";
import { platformField } from "./platform-field.ts";
import { policyTwice } from "./policy-twice.ts";
import { portClash } from "./port-clash.ts";
import { probeMissing } from "./probe-missing.ts";
import { probePath } from "./probe-path.ts";
import { probePort } from "./probe-port.ts";
import { probeRange } from "./probe-range.ts";
import { probeSinks } from "./probe-sinks.ts";
import { probeTimeout } from "./probe-timeout.ts";
import { probeWindow } from "./probe-window.ts";
import { receiptsLost } from "./receipts-lost.ts";
import { requestTimeout } from "./request-timeout.ts";
import { resources } from "./resources.ts";
import { resourcesRounded } from "./resources-rounded.ts";
import { rootUser } from "./root-user.ts";
import type { Rule } from "./rule.ts";
import { scaling } from "./scaling.ts";
import { secretNames } from "./secret-names.ts";
import { secretScope } from "./secret-scope.ts";
import { secretStore } from "./secret-store.ts";
import { secretVolume } from "./secret-volume.ts";
import { sharedProcesses } from "./shared-processes.ts";
import { sidecarCommand } from "./sidecar-command.ts";
import { sidecarCount } from "./sidecar-count.ts";
import { signingKeyFloating } from "./signing-key-floating.ts";
import { signingKeyMissing } from "./signing-key-missing.ts";
import { signingKeyScope } from "./signing-key-scope.ts";
import { signingKeyVersion } from "./signing-key-version.ts";
import { startCondition } from "./start-condition.ts";
import { startCycle } from "./start-cycle.ts";
import { startDeadlock } from "./start-deadlock.ts";
import { startGate } from "./start-gate.ts";
import { startOrder } from "./start-order.ts";
import { startUnknown } from "./start-unknown.ts";
import { storePlace } from "./store-place.ts";
import { taskRole } from "./task-role.ts";
import { upstream } from "./upstream.ts";
import { variableTwice } from "./variable-twice.ts";
import { volumes } from "./volumes.ts";
import { writableRoot } from "./writable-root.ts";

/** Every rule, in the order in which findings are shown: what lets traffic past the kernel first. */
export const RULES: readonly Rule[] = [
  startOrder,
  startCondition,
  startCycle,
  startUnknown,
  startDeadlock,
  startGate,
  ingressTarget,
  ingressSource,
  extraPort,
  upstream,
  plainHttp,
  portClash,
  appBind,
  signingKeyMissing,
  signingKeyScope,
  secretScope,
  signingKeyVersion,
  signingKeyFloating,
  secretStore,
  secretNames,
  secretVolume,
  taskRole,
  identityExposed,
  sharedProcesses,
  writableRoot,
  rootUser,
  imageUser,
  capabilities,
  exec,
  storePlace,
  probeMissing,
  probePath,
  probeSinks,
  probeWindow,
  probeTimeout,
  probePort,
  probeRange,
  healthCommand,
  healthGrace,
  drain,
  grace,
  graceClamped,
  deregistration,
  requestTimeout,
  receiptsLost,
  failOpen,
  sidecarCommand,
  mcpCommand,
  sidecarCount,
  appMissing,
  imageUnpinned,
  imageUnreachable,
  architecture,
  resources,
  resourcesRounded,
  cpuIdleMixed,
  cpuIdle,
  scaling,
  containerNames,
  name,
  efs,
  configDelivery,
  volumes,
  variableTwice,
  policyTwice,
  platformField,
  acceptanceUnmatched,
  acceptanceReason,
];

export { type Breach, type Rule, SIDECAR_SECRET_NAMES, SIGNING_KEY_NAMES } from "./rule.ts";
