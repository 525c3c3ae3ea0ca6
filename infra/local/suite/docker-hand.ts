import { connect, type DockerContainer } from "../engine/docker.ts";
import { CONTAINER_LABEL } from "../engine/labels.ts";
import { cpuQuota } from "../plan/create-options.ts";

/** On every container of one run of the suite. */
export const SUITE_LABEL = "dev.chio-kit.lifecycle";

/** What nobody asks of a platform and a test needs: to take a container's time away, with any image and nothing inside it. */
export class DockerHand {
  readonly #suite: string;

  constructor(suite: string) {
    this.#suite = suite;
  }

  /** The newest container of this name, running or not. Throws when there is none. */
  async container(name: string): Promise<DockerContainer> {
    const { docker } = await connect();
    const filters = { label: [`${SUITE_LABEL}=${this.#suite}`, `${CONTAINER_LABEL}=${name}`] };
    const [newest] = (await docker.listContainers({ all: true, filters })).sort((a, b) => b.Created - a.Created);
    if (newest === undefined) throw new Error(`there is no container ${name} in this run`);
    return docker.getContainer(newest.Id);
  }

  /**
   * Stands still at once, and neither answers nor ends. Not for a container in which a health command may be about to start: some engines never
   * come back from a pause that meets an exec.
   */
  async freeze(name: string): Promise<void> {
    await (await this.container(name)).pause();
  }

  async thaw(name: string): Promise<void> {
    await (await this.container(name)).unpause();
  }

  /** Lets it run with so much CPU from now on, in thousandths of a core. */
  async setCpu(name: string, cpuMilli: number): Promise<void> {
    await (await this.container(name)).update(cpuQuota(cpuMilli));
  }

  /** Leaves it a thousandth of a core: it lives, and gets nowhere. */
  async starve(name: string): Promise<void> {
    await (await this.container(name)).update({ CpuPeriod: 1_000_000, CpuQuota: 1_000 });
  }

  async kill(name: string): Promise<void> {
    await (await this.container(name)).kill({ signal: "SIGKILL" });
  }

  /** Columns of `ps` for the processes of a container, as the engine's host sees them. */
  async processes(name: string): Promise<{ uid: string; command: string }[]> {
    const top = (await (await this.container(name)).top({ ps_args: "-eo uid,pid,args" })) as { Titles: string[]; Processes: string[][] };
    const uid = top.Titles.indexOf("UID");
    const command = top.Titles.findIndex((title) => title === "COMMAND" || title === "CMD");
    return top.Processes.map((row) => ({ uid: row[uid] ?? "", command: row[command] ?? "" }));
  }
}
