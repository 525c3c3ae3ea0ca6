import { describe, expect, it } from "vitest";
import { containerLog } from "./support/container-log.ts";
import { cleanUpAfterEach, createVolume, runToEnd } from "./support/engine.ts";
import { APP_IMAGE, IMAGES } from "./support/images.ts";
import { logLines } from "./support/log.ts";
import { APP_FIXTURE, CONFIG_BINDS, newSeed, PROTECT, STATE, startProbe } from "./support/sidecar.ts";

cleanUpAfterEach();

interface Refusal {
  what: string;
  env: () => Record<string, string>;
  binds: (volume: string) => Promise<string[]>;
  /** Must be in the log. */
  reason: RegExp;
  /** Must not. */
  hidden?: string;
}

const config = (...others: string[]) => [...CONFIG_BINDS, ...others];
const onVolume = async (volume: string) => config(`${volume}:${STATE}`);
const key = () => ({ CHIO_SIGNING_KEY: newSeed().seed });

const REFUSALS: readonly Refusal[] = [
  { what: "no signing key", env: () => ({}), binds: onVolume, reason: /CHIO_SIGNING_KEY/ },
  {
    what: "a signing key that is none",
    env: () => ({ CHIO_SIGNING_KEY: "correct-horse-battery-staple" }),
    binds: onVolume,
    reason: /CHIO_SIGNING_KEY/,
    hidden: "correct-horse",
  },
  {
    what: "a policy that is not there",
    env: () => ({ ...key(), CHIO_POLICY_SOURCE: "/etc/chio/absent.yaml" }),
    binds: onVolume,
    reason: /\/etc\/chio\/absent\.yaml/,
  },
  {
    what: "an OpenAPI document that its uid may not read",
    env: () => ({ ...key(), CHIO_SPEC: "/spec/openapi.yaml" }),
    binds: async (volume) => config(`${volume}:${STATE}`, `${await rootOnlySpec()}:/spec:ro`),
    reason: /\/spec\/openapi\.yaml.*(EACCES|permission|may not|not be read)/i,
  },
  {
    what: "a receipt store that it may not write",
    env: key,
    binds: async (volume) => config(`${volume}:${STATE}:ro`),
    reason: /receipts\.sqlite|\/var\/lib\/chio/,
  },
  {
    what: "a kernel.yaml that is named and not there",
    env: () => ({ ...key(), CHIO_KERNEL_CONFIG_PATH: "/etc/chio/elsewhere.yaml" }),
    binds: onVolume,
    reason: /\/etc\/chio\/elsewhere\.yaml/,
  },
];

/** A volume with the document in it, for root's eyes only. */
async function rootOnlySpec(): Promise<string> {
  const volume = await createVolume();
  const script = "umask 077; cp /app/openapi.yaml /spec/openapi.yaml && chmod 0755 /spec && chmod 0600 /spec/openapi.yaml";
  const made = await runToEnd(APP_IMAGE, {
    entrypoint: ["/bin/sh", "-c", script],
    binds: [`${APP_FIXTURE}:/app:ro`, `${volume}:/spec`],
    user: "0:0",
  });
  expect(made.code, made.output).toBe(0);
  return volume;
}

describe.each(IMAGES)("image $name: a start that must be refused", (image) => {
  it.each(REFUSALS)("$what: exits non-zero with the reason, and never listens", async ({ env, binds, reason, hidden }) => {
    const probe = await startProbe();
    const outcome = await runToEnd(image.tag, {
      command: PROTECT,
      env: env(),
      binds: await binds(await createVolume()),
      network: `container:${probe.getId()}`,
    });
    expect(outcome.code, outcome.output).toBe(1);
    const errors = logLines(outcome.output).filter(({ severity }) => severity === "ERROR");
    expect(errors.map(({ message }) => message).join("\n")).toMatch(reason);
    expect(errors.every(({ message }) => message.startsWith("cannot start: "))).toBe(true);
    if (hidden !== undefined) expect(outcome.output).not.toContain(hidden);
    expect(logLines(outcome.output).some(({ message }) => message === "listening")).toBe(false);
    expect(await containerLog(probe.getId())).not.toContain("somebody listens");
  });

  it("is seen by the probe of these tests when nothing refuses the start", async () => {
    const probe = await startProbe();
    const volume = await createVolume();
    const running = runToEnd(image.tag, {
      command: PROTECT,
      env: key(),
      binds: await onVolume(volume),
      network: `container:${probe.getId()}`,
      stopAfterMs: 2_000,
    });
    expect(await running).toMatchObject({ code: 0 });
    expect(await containerLog(probe.getId())).toContain("somebody listens");
  });

  it("refuses uid 0, which no image asks for", async () => {
    const outcome = await runToEnd(image.tag, { command: PROTECT, env: key(), binds: await onVolume(await createVolume()), user: "0:0" });
    expect(outcome.code).toBe(1);
    expect(outcome.output).toMatch(/allow-root/);
  });
});
