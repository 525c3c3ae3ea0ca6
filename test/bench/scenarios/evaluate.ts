import { evaluateBody, type Fixture, startChio } from "../lib/chio.ts";
import { type Figure, interleave } from "../lib/figures.ts";
import { startSigningFloor } from "../lib/servers.ts";
import { type Load, load } from "../lib/wrk.ts";
import { rate } from "./rate.ts";

/** `POST /chio/evaluate` at 64 connections beside the bare signing endpoint. Target: 0.6 of it. */
export async function evaluate(chio: string, bun: string, fixture: Fixture, upstream: string, seconds: number): Promise<Figure[]> {
  const floor = await startSigningFloor(bun);
  const sidecar = await startChio(chio, fixture, upstream);
  await using _floor = floor.server;
  await using _sidecar = sidecar.server;
  const common = { connections: 64, seconds, method: "POST", body: evaluateBody() } satisfies Omit<Load, "url">;
  const headers = { "content-type": "application/json", "x-chio-capability": fixture.capability };
  await load({ ...common, url: `${sidecar.url}/chio/evaluate`, headers, seconds: 2 });
  const { bare, ours } = await interleave(3, {
    bare: rate({ ...common, url: floor.url, headers: { "content-type": "application/json" } }),
    ours: rate({ ...common, url: `${sidecar.url}/chio/evaluate`, headers }),
  });
  const ratio = ours / bare;
  return [
    {
      name: "evaluate, 64 connections, durable",
      value: ours,
      unit: "requests/s",
      floor: { name: "bare signing endpoint", value: bare },
      ratio,
      target: ">= 0.6 of the floor",
      met: ratio >= 0.6,
    },
  ];
}
