/** What the process that serves tells the one that measures. */
export interface ServerState {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Requests that wait and that are worked on. */
  readonly queued: number;
  readonly running: number;
  /** Sessions opened on the engine and not disposed. */
  readonly openSessions: number;
}

export interface ServerReady {
  readonly url: string;
}

/** How the server is started, as JSON in its first argument. */
export interface ServerSettings {
  readonly maxRunning: number;
  readonly maxQueued: number;
}
