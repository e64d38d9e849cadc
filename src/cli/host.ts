import type { Readable } from 'node:stream';

/** A stream that may be a terminal. */
export type CliOutput = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** The world a command runs in. */
export interface CliHost {
  /** `isTTY` decides on colour. */
  readonly stdout: CliOutput;
  /** `isTTY` decides whether progress is drawn live. */
  readonly stderr: CliOutput;
  /** `isTTY` decides whether a problem is expected on it. */
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls the listener when the user interrupts. */
  readonly onInterrupt: (listener: () => void) => void;
  /** Calls the listener when a supervisor asks the command to end. */
  readonly onTerminate: (listener: () => void) => void;
}
