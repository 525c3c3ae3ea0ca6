import { connect, type DockerContainer } from "../engine/docker.ts";
import { CONTAINER_LABEL } from "../engine/labels.ts";

/** On every container of one run of the suite. */
export const SUITE_LABEL = "dev.chio-kit.lifecycle";

/**
 * What nobody asks of a platform and a test needs: to freeze a container, so that it neither answers nor ends, at a moment of the test's choice.
 * A frozen process is the purest form of "slow": it works with any image and needs nothing inside it.
 */
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

  async freeze(name: string): Promise<void> {
    await (await this.container(name)).pause();
  }

  async thaw(name: string): Promise<void> {
    await (await this.container(name)).unpause();
  }

  /** Columns of `ps` for the processes of a container, as the engine's host sees them. */
  async processes(name: string): Promise<{ uid: string; command: string }[]> {
    const top = (await (await this.container(name)).top({ ps_args: "-eo uid,pid,args" })) as { Titles: string[]; Processes: string[][] };
    const uid = top.Titles.indexOf("UID");
    const command = top.Titles.findIndex((title) => title === "COMMAND" || title === "CMD");
    return top.Processes.map((row) => ({ uid: row[uid] ?? "", command: row[command] ?? "" }));
  }
}
