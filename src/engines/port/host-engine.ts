import type { Branch, Engine, Session } from '../../contracts/engine.ts';
import type { EnginePort } from '../../models/local-model.ts';
import type { BranchAddress, BranchResult, EngineRequest, EngineResponse, OpenResult, ReadyResult } from './messages.ts';
import { transferError } from './transferred-error.ts';

interface HostedSession {
  readonly session: Session;
  readonly branches: Branch[];
}

/** Serves an engine to the other side of a port; `PortEngine` is that side. */
export function hostEngine(engine: Engine, port: EnginePort): void {
  const sessions = new Map<number, HostedSession>();
  /** Calls that can still be cancelled. */
  const calls = new Map<number, AbortController>();
  const send = (response: EngineResponse): void => port.post(response);

  function branchAt({ session, branch }: BranchAddress): Branch {
    const found = sessions.get(session)?.branches[branch];
    if (!found) throw new Error(`There is no branch ${branch} in session ${session}.`);
    return found;
  }

  async function answer(call: number, work: (signal: AbortSignal) => Promise<ReadyResult | OpenResult | BranchResult | undefined>): Promise<void> {
    const controller = new AbortController();
    calls.set(call, controller);
    try {
      send({ type: 'result', call, value: await work(controller.signal) });
    } catch (error) {
      send({ type: 'error', call, error: transferError(error) });
    } finally {
      calls.delete(call);
    }
  }

  async function open(request: Extract<EngineRequest, { type: 'open' }>, signal: AbortSignal): Promise<OpenResult> {
    const session = await engine.open(request.prompt, {
      ...request.options,
      signal,
      ...(request.hasProgress && { onProgress: (progress) => send({ type: 'progress', session: request.session, progress }) }),
    });
    sessions.set(request.session, { session, branches: [] });
    return { promptTokens: session.promptTokens, usage: session.usage() };
  }

  function standing(address: BranchAddress, segment: BranchResult['segment']): BranchResult {
    const { text, tokenCount, ended } = branchAt(address);
    return { segment, text, tokenCount, ended, usage: sessions.get(address.session)!.session.usage() };
  }

  async function disposeSession(number: number): Promise<undefined> {
    await sessions.get(number)?.session.dispose();
    sessions.delete(number);
  }

  port.onMessage((message) => {
    const request = message as EngineRequest;
    switch (request.type) {
      case 'ready':
        return void answer(request.call, async (signal) => {
          await engine.ready({ signal });
          return { name: engine.name, contextTokens: engine.contextTokens };
        });
      case 'open':
        return void answer(request.call, (signal) => open(request, signal));
      case 'advance':
        return void answer(request.call, async (signal) => standing(request, await branchAt(request).advance({ ...request.options, signal })));
      case 'force':
        return void answer(request.call, async () => {
          await branchAt(request).force(request.text);
          return standing(request, undefined);
        });
      case 'dispose-session':
        return void answer(request.call, () => disposeSession(request.session));
      case 'branch': {
        const hosted = sessions.get(request.session)!;
        hosted.branches.push(...hosted.session.branch(request.count));
        return;
      }
      case 'fork':
        sessions.get(request.session)!.branches.push(branchAt(request).fork());
        return;
      case 'abort':
        branchAt(request).abort();
        return;
      case 'cancel':
        calls.get(request.target)?.abort();
    }
  });
}
