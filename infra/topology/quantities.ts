/** Cores as a number (0.5) or a quantity ("500m", "0.5") to thousandths of a core. Throws `TypeError`. */
export function parseCpu(value: string | number): number {
  const match = typeof value === "number" ? null : /^(?:(\d+)m|(\d+(?:\.\d{1,3})?))$/.exec(value);
  const milli =
    typeof value === "number"
      ? value * 1000
      : match === null
        ? Number.NaN
        : match[1] !== undefined
          ? Number(match[1])
          : Number(match[2]) * 1000;
  const rounded = Math.round(milli);
  if (!Number.isFinite(milli) || rounded <= 0 || Math.abs(milli - rounded) > 1e-6) {
    throw new TypeError(`CPU ${JSON.stringify(value)} is not an amount; write cores (0.5) or thousandths of a core ("500m")`);
  }
  return rounded;
}

/** MiB as a number or a quantity ("128Mi", "1.5Gi") to MiB. Throws `TypeError`. */
export function parseMemory(value: string | number): number {
  const match = typeof value === "number" ? null : /^(\d+(?:\.\d+)?)(Mi|Gi)$/.exec(value);
  const mebi = typeof value === "number" ? value : match === null ? Number.NaN : Number(match[1]) * (match[2] === "Gi" ? 1024 : 1);
  if (!Number.isInteger(mebi) || mebi <= 0) {
    throw new TypeError(`memory ${JSON.stringify(value)} is not an amount of whole MiB; write "128Mi", "1.5Gi" or a number of MiB`);
  }
  return mebi;
}

/** As Kubernetes writes it: whole cores as "1", others as "500m". */
export function cpuQuantity(cpuMilli: number): string {
  return cpuMilli % 1000 === 0 ? String(cpuMilli / 1000) : `${cpuMilli}m`;
}

/** "512Mi"; whole GiB as "1Gi". */
export function memoryQuantity(memoryMiB: number): string {
  return memoryMiB % 1024 === 0 ? `${memoryMiB / 1024}Gi` : `${memoryMiB}Mi`;
}

/** ECS counts 1024 units to the core. Rounded down, so that the shares of the containers never exceed the task's. */
export function cpuUnits(cpuMilli: number): number {
  return Math.floor((cpuMilli * 1024) / 1000 + 1e-9);
}
