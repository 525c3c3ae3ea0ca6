/**
 * Where the demo plays: the sidecar as a process of this machine, or as a container.
 * @typedef {object} Stage
 * @property {string} url base URL of the sidecar
 * @property {string} seed signing seed, hex
 * @property {string} publicKey of that seed
 * @property {string} receiptDb the log, as `chio` on this stage names it
 * @property {string[]} description lines that say what runs where
 * @property {(args: string[], input?: string) => Promise<{ stdout: string }>} chio runs a command of the CLI to its end; throws when it fails
 * @property {() => Promise<Record<string, number>>} appCalls calls that reached the app, by method and path
 * @property {(token: string) => void} keepCapability keeps the token for the lines to repeat by hand
 * @property {(signal: NodeJS.Signals) => Promise<number>} stop ends the sidecar; resolves with its exit code
 * @property {() => Promise<void>} restart starts it again on the same log
 * @property {() => string[]} byHand shell lines that repeat the demo
 * @property {Record<string, string>} placeholders what stands in those lines for values that only this run had
 * @property {() => string} howToStop
 * @property {() => Promise<void>} detach leaves everything running
 * @property {() => Promise<void>} close removes everything
 */
export {};
