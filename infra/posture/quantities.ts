import type { Resources } from "../topology/types.ts";
import type { At } from "./at.ts";
import type { Reading } from "./reading.ts";

const MEBI = 1024 * 1024;
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  Ki: 1024,
  M: 1e6,
  Mi: MEBI,
  G: 1e9,
  Gi: 1024 * MEBI,
};

/** Kubernetes' amounts of CPU: cores, or thousandths with `m`. */
export function readCpu(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text.trim());
  if (match === null) return null;
  return Math.round(match[2] === "m" ? Number(match[1]) : Number(match[1]) * 1000);
}

/** Kubernetes' amounts of memory as MiB; a part of one counts as none. */
export function readMemory(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(k|Ki|M|Mi|G|Gi|)$/.exec(text.trim());
  return match === null ? null : Math.floor((Number(match[1]) * (UNITS[match[2] ?? ""] ?? 1)) / MEBI + 1e-9);
}

/** CPU and memory of a container; `absent` where nothing is said. Says what it cannot read. */
export function readResources(reading: Reading, cpu: At, memory: At, absent: Resources): { resources: Resources; known: boolean } {
  const one = (at: At, read: (text: string) => number | null, otherwise: number): { value: number; known: boolean } => {
    if (!at.given) return { value: otherwise, known: true };
    const value = at.unresolved ? null : read(at.text() ?? "?");
    if (value === null && !at.unresolved) reading.wrong(at, `${JSON.stringify(at.value)} is not an amount`);
    return { value: value ?? otherwise, known: value !== null };
  };
  const [cores, bytes] = [one(cpu, readCpu, absent.cpuMilli), one(memory, readMemory, absent.memoryMiB)];
  return { resources: { cpuMilli: cores.value, memoryMiB: bytes.value }, known: cores.known && bytes.known };
}
