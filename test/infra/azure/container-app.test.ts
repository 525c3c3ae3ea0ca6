import { expect, it } from "vitest";
import { ChioContainerApp, type ChioContainerAppArgs } from "../../../infra/azure/index.ts";
import { settled, standIn, TYPES } from "./cloud.ts";
import { ARGS } from "./fixtures.ts";

it("smoke", async () => {
  const cloud = await standIn();
  const component = new ChioContainerApp("agent-tool-server", { ...ARGS } as ChioContainerAppArgs);
  await settled();
  console.log(JSON.stringify(cloud.declared, null, 1));
  expect(component).toBeDefined();
  expect(cloud.of(TYPES.app)).toHaveLength(1);
});
