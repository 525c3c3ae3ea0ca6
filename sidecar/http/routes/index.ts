import { capabilitiesAttenuateRoute } from "./capabilities-attenuate.ts";
import { capabilitiesCreateRoute, capabilitiesMintRoute } from "./capabilities-mint.ts";
import { capabilitiesReleaseRoute } from "./capabilities-release.ts";
import { capabilitiesValidateRoute } from "./capabilities-validate.ts";
import { evaluateRoute } from "./evaluate.ts";
import { healthRoute } from "./health.ts";
import { liveRoute } from "./live.ts";
import { metricsRoute } from "./metrics.ts";
import { receiptsVerifyRoute } from "./receipts-verify.ts";
import type { SidecarRoute } from "./route.ts";
import { verifyRoute } from "./verify.ts";

/** Every route of the sidecar itself. Everything else is the app's. */
export function sidecarRoutes(healthPath: string): SidecarRoute[] {
  return [
    healthRoute(healthPath),
    liveRoute,
    metricsRoute,
    evaluateRoute,
    verifyRoute,
    capabilitiesMintRoute,
    capabilitiesCreateRoute,
    capabilitiesValidateRoute,
    capabilitiesReleaseRoute,
    capabilitiesAttenuateRoute,
    receiptsVerifyRoute,
  ];
}
