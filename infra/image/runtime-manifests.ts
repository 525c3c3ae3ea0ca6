/** The parts of package.json and package-lock.json that say what the sidecar is compiled from. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly type: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly name: string;
  readonly version: string;
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly peer?: boolean;
}

/**
 * package.json and package-lock.json without what only development and the constructs' users need: the image does not change with them. npm
 * leaves a package's own lock file out of what it packs, so the published package carries this one.
 */
export function runtimeManifests(manifest: Manifest, lock: Lock): { manifest: Manifest; lock: object } {
  const { name, version, license, type, dependencies } = manifest;
  const runtime = Object.entries(lock.packages).filter(
    ([path, { dev, optional, devOptional, peer }]) => path !== "" && !dev && !optional && !devOptional && !peer,
  );
  return {
    manifest: { name, version, license, type, dependencies },
    lock: {
      name,
      version,
      lockfileVersion: lock.lockfileVersion,
      requires: true,
      packages: { "": { name, version, license, dependencies }, ...Object.fromEntries(runtime) },
    },
  };
}
