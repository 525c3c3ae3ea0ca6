import { describe, expect, it } from "vitest";
import { eventsLike, told } from "./events.ts";
import type { LifecycleSubject } from "./subject.ts";
import { appOf, graphOf, mustFail, sidecarOf, Trial, type TrialOptions } from "./trial.ts";

/** A sidecar that cannot decide does not start, and nothing is served without it. */
export function describeFailClosed(subject: LifecycleSubject): void {
  const graph = graphOf(subject);
  const sidecar = sidecarOf(graph);
  const app = appOf(graph).name;
  const key = sidecar.secrets.find((one) => one.purpose === "signing-key");
  const { mode } = graph;
  const spec = mode.kind === "api-protect" ? mode.spec : null;
  const policy = mode.policy ?? (graph.policySource?.kind === "file" ? graph.policySource.path : null);

  const cases: { what: string; options: TrialOptions; reason: RegExp }[] = [
    ...(key === undefined
      ? []
      : [
          { what: "the signing key is empty", options: { secrets: { [key.name]: "" } }, reason: /signing key|CHIO_SIGNING_KEY/i },
          { what: "the signing key is none", options: { secrets: { [key.name]: "not-a-key" } }, reason: /signing key|CHIO_SIGNING_KEY/i },
        ]),
    ...(policy === null ? [] : [{ what: "the policy is bad", options: { files: { [policy]: "hushspec: [broken" } }, reason: /policy/i }]),
    ...(spec === null ? [] : [{ what: "the spec is unreadable", options: { files: { [spec]: "openapi: {" } }, reason: /openapi|spec/i }]),
  ];

  describe("fail closed", () => {
    it.for(cases)("where $what: the app never serves, and the timeline says why", async ({ options, reason }) => {
      const files = { ...subject.files, ...options.files };
      const { error, timeline } = await mustFail(await Trial.attempt(subject, { ...options, files }));
      expect(eventsLike(timeline, { kind: "traffic-on" }), told(timeline)).toEqual([]);
      if (graph.startGate.kind === "platform")
        expect(eventsLike(timeline, { kind: "started", container: app }), told(timeline)).toEqual([]);
      expect(eventsLike(timeline, { kind: "log", container: sidecar.name }).map(({ detail }) => detail)).toContainEqual(
        expect.stringMatching(reason),
      );
      const exits = eventsLike(timeline, { kind: "exited", container: sidecar.name });
      expect(exits.length, told(timeline)).toBeGreaterThan(0);
      for (const { exitCode } of exits) expect(exitCode).not.toBe(0);
      // Whoever reads only the error learns it too.
      expect(error.message).toMatch(reason);
    });
  });
}
