import { GenericContainer } from "testcontainers";
import { HARDENED, labels } from "./engine.ts";

/** testcontainers has no switch for a read-only root file system; its host configuration takes one. */
export class HardenedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = HARDENED.ReadonlyRootfs;
    this.withDroppedCapabilities(...HARDENED.CapDrop);
    this.withSecurityOpt(...HARDENED.SecurityOpt);
    this.withLabels(labels());
  }
}
