import { type Fixture, residentMiB, startChio } from "../lib/chio.ts";
import { type Figure, median } from "../lib/figures.ts";

/** Start to the first 200 of the health path, and the resident set at rest. */
export async function footprint(chio: string, fixture: Fixture, upstream: string): Promise<Figure[]> {
  const starts: number[] = [];
  let idle = Number.NaN;
  for (let round = 0; round < 9; round++) {
    const begin = performance.now();
    const sidecar = await startChio(chio, fixture, upstream);
    starts.push(performance.now() - begin);
    await using _sidecar = sidecar.server;
    if (round === 8) {
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      idle = residentMiB(sidecar.server.pid);
    }
  }
  const first = median(starts);
  return [
    { name: "process start to first 200", value: first, unit: "ms", target: "< 60 ms", met: first < 60 },
    { name: "idle resident set", value: idle, unit: "MiB", target: "< 64 MiB", met: idle < 64 },
  ];
}
