/** Starts servers that nobody here wrote, on a real model, for tests and benchmarks. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory } from '../support/real-models.ts';

export type RealServerName = 'llama-cpp-python' | 'llama-server';

/** The environment variable that names each server's program. */
const PROGRAMS: Readonly<Record<RealServerName, string>> = { 'llama-cpp-python': 'LLAMA_CPP_PYTHON', 'llama-server': 'LLAMA_SERVER' };
const HOW_TO_GET: Readonly<Record<RealServerName, string>> = {
  'llama-cpp-python': "Set LLAMA_CPP_PYTHON to a Python that has it: python -m venv DIR && DIR/bin/pip install 'llama-cpp-python[server]'.",
  'llama-server': 'Set LLAMA_SERVER to the program of that name from llama.cpp.',
};
const START_MS = 120_000;

export const CONTEXT_TOKENS = 2_048;

function ggufPath(): string | undefined {
  const directory = realModelDirectory('smollm2-135m');
  const path = directory === undefined ? undefined : join(directory, 'model.gguf');
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** Why a server cannot be started here; `undefined` where it can. */
export function missing(name: RealServerName): string | undefined {
  if (!ggufPath()) return HOW_TO_GET_REAL_MODELS;
  const program = process.env[PROGRAMS[name]];
  return program !== undefined && existsSync(program) ? undefined : HOW_TO_GET[name];
}

export interface RealServer {
  readonly baseURL: string;
  stop(): Promise<void>;
}

/** @param options - Further arguments of the program. */
export async function startRealServer(name: RealServerName, options: readonly string[] = []): Promise<RealServer> {
  const port = String(await freePort());
  const where = ['--host', '127.0.0.1', '--port', port, '--model', ggufPath()!];
  const isPython = name === 'llama-cpp-python';
  const given = isPython
    ? ['-m', 'llama_cpp.server', ...where, '--n_ctx', String(CONTEXT_TOKENS), '--n_threads', '1']
    : [...where, '--ctx-size', String(4 * CONTEXT_TOKENS), '--parallel', '4', '--threads', '1', '--no-webui'];
  const child = spawn(process.env[PROGRAMS[name]]!, [...given, ...options], { stdio: 'ignore' });
  const baseURL = `http://127.0.0.1:${port}/v1`;
  await waitUntilUp(child, `${baseURL}/models`);
  return {
    baseURL,
    stop: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

async function waitUntilUp(child: ChildProcess, url: string): Promise<void> {
  const signal = AbortSignal.timeout(START_MS);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The server has ended with status ${child.exitCode} before it was up.`);
    const isUp = await fetch(url, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
