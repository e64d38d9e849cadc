#!/usr/bin/env node
import { runCli } from './program.ts';

// Whoever reads the output may stop early, as `head` does: that is no failure of the run.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** The first time asks, the second time ends at once. The listener stays: without it, what restores the cursor would end the process. */
function onInterrupt(listener: () => void): void {
  let isAsked = false;
  process.on('SIGINT', () => {
    if (isAsked) process.exit(130);
    isAsked = true;
    listener();
  });
}

const exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  onInterrupt,
  onTerminate: (listener) => process.on('SIGTERM', listener),
});
// Whoever has interrupted a command does not wait for its threads.
if (exitCode === 130) process.exit(exitCode);
process.exitCode = exitCode;
