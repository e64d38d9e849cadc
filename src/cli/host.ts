import type { Readable } from 'node:stream';

/** The world a command runs in. */
export interface CliHost {
  readonly stdout: NodeJS.WritableStream;
  /** `isTTY` decides whether progress is drawn live. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** `isTTY` decides whether a problem is expected on it. */
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Calls the listener when the user interrupts. */
  readonly onInterrupt: (listener: () => void) => void;
  /** Calls the listener when a supervisor asks the command to end. */
  readonly onTerminate: (listener: () => void) => void;
}
