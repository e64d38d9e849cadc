import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServerReady, ServerSettings, ServerState } from './server-messages.ts';

/** A server in a process of its own, so that whoever measures it does not share its event loop. */
export class ServedModel {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(settings: ServerSettings): Promise<ServedModel> {
    const script = fileURLToPath(new URL('server-process.ts', import.meta.url));
    const child = fork(script, [JSON.stringify(settings)], { execArgv: ['--import', 'tsx'] });
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('The server ended before it was ready.')));
    const [ready] = (await Promise.race([once(child, 'message'), ended])) as [ServerReady];
    ended.catch(() => undefined);
    return new ServedModel(child, ready.url);
  }

  async state(): Promise<ServerState> {
    const answer = once(this.#child, 'message') as Promise<[ServerState]>;
    this.#child.send('state');
    const [state] = await answer;
    return state;
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}
