import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Fixture, startChio } from "../lib/chio.ts";
import { type Figure, interleave, median } from "../lib/figures.ts";
import { startForwardFloor, startNginx } from "../lib/servers.ts";
import { load } from "../lib/wrk.ts";
import { medianLatency, rate } from "./rate.ts";

/** Microseconds that an append of one receipt's size and an fdatasync take here: the median of 200. */
function fsyncMicros(folder: string): number {
  const file = openSync(join(folder, "fsync.probe"), "a");
  const row = Buffer.alloc(1024, 7);
  const samples = Array.from({ length: 200 }, () => {
    const begin = process.hrtime.bigint();
    writeSync(file, row);
    fdatasyncSync(file);
    return Number(process.hrtime.bigint() - begin) / 1000;
  });
  closeSync(file);
  return median(samples);
}

/** A proxied GET with a capability beside the bare forwarder, and beside nginx; then the same one call at a time. */
export async function proxy(chio: string, bun: string, fixture: Fixture, seconds: number): Promise<Figure[]> {
  const nginx = await startNginx(fixture.folder);
  await using _nginx = nginx.server;
  const floor = await startForwardFloor(bun, nginx.origin);
  await using _floor = floor.server;
  const sidecar = await startChio(chio, fixture, nginx.origin);
  await using _sidecar = sidecar.server;

  const headers = { "x-chio-capability": fixture.capability };
  const urls = { ours: `${sidecar.url}/hello`, bare: `${floor.url}hello`, nginx: `${nginx.forwarder}/hello` };
  await load({ url: urls.ours, headers, connections: 64, seconds: 2 });
  const many = await interleave(3, {
    bare: rate({ url: urls.bare, connections: 64, seconds }),
    ours: rate({ url: urls.ours, headers, connections: 64, seconds }),
    nginx: rate({ url: urls.nginx, connections: 64, seconds }),
  });
  const one = await interleave(3, {
    bare: medianLatency({ url: urls.bare, connections: 1, seconds }),
    ours: medianLatency({ url: urls.ours, headers, connections: 1, seconds }),
  });
  const fsync = fsyncMicros(fixture.folder);
  const ratio = many.ours / many.bare;
  const added = one.ours - one.bare;
  return [
    {
      name: "proxied GET, 64 connections, durable",
      value: many.ours,
      unit: "requests/s",
      floor: { name: "bare forwarder", value: many.bare },
      ratio,
      target: ">= 0.6 of the floor",
      met: ratio >= 0.6,
    },
    {
      name: "proxied GET beside nginx",
      value: many.ours,
      unit: "requests/s",
      floor: { name: "nginx as forwarder", value: many.nginx },
      ratio: many.ours / many.nginx,
      met: null,
    },
    {
      name: "one call at a time: added median",
      value: added,
      unit: "us",
      floor: { name: "one fsync", value: fsync },
      target: "<= 100 us + one fsync",
      met: added <= 100 + fsync,
    },
  ];
}
