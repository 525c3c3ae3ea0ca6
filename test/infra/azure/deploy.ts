import { ChioContainerApp, type ChioContainerAppArgs } from "../../../infra/azure/index.ts";
import { settled, standIn, TYPES } from "./cloud.ts";
import { ARGS } from "./fixtures.ts";

// biome-ignore lint/suspicious/noExplicitAny: what is sent has the provider's form, which the assertions spell out
export type Loose = any;

/** The component under the stand-in, and what it sent. */
export async function deploy(changes: Partial<ChioContainerAppArgs> = {}, name = "agent-tool-server") {
  const cloud = await standIn();
  const component = new ChioContainerApp(name, { ...ARGS, ...changes });
  await settled();
  const app = cloud.one(TYPES.app).inputs as Loose;
  const container = (role: string) => app.template.containers.find((one: Loose) => one.name === role);
  const env = (role: string): Record<string, string> =>
    Object.fromEntries(container(role).env.map((one: Loose) => [one.name, one.value ?? `secret ${one.secretRef}`]));
  return { cloud, component, app, container, env, template: app.template, configuration: app.configuration };
}
