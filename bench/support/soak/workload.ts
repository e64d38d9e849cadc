/** Something that users do over and over in one process that lives for long. */
export interface Workload {
  readonly name: string;
  start(): Promise<RunningWorkload>;
}

export interface RunningWorkload {
  /** The nth request of all, from 0. */
  request(index: number): Promise<void>;
  /** Bytes alive after a collection, where that is not this process. */
  liveBytes?(): Promise<number>;
  close(): Promise<void>;
}
