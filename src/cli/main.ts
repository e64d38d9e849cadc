#!/usr/bin/env node
import { runCli } from './program.ts';

// Whoever reads the output may stop early, as `head` does: that is no failure of the run.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  onInterrupt: (listener) => process.once('SIGINT', listener),
  onTerminate: (listener) => process.once('SIGTERM', listener),
});
