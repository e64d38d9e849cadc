import type { WorkerPort } from '../../models/local-model.ts';
import { CallHost } from '../../port/call-host.ts';
import { transferError } from '../../port/transferred-error.ts';
import type { Scoring } from '../scoring.ts';
import { HintReader } from './hint-reader.ts';
import type { ScoringNotice, ScoringRequest } from './messages.ts';

/**
 * Serves a scorer's work to the other side of a port; `PortScoring` is that side.
 *
 * @param open - Makes it.
 */
export function hostScoring(port: WorkerPort, open: () => Scoring<unknown>): void {
  const calls = new CallHost<ScoringRequest, unknown, ScoringNotice>(port, receive);
  const scoring = open();
  const hints = new HintReader(scoring);
  /** What was measured is told even where the call fails: the next estimate goes by it. */
  const answer = (call: number, work: (signal: AbortSignal) => Promise<unknown>): void =>
    void calls.answer(call, (signal) => work(signal).finally(() => calls.tell({ type: 'costs', costs: scoring.costs })));
  function receive(request: ScoringRequest): void {
    switch (request.type) {
      case 'ready':
        return answer(request.call, (signal) => scoring.ready({ signal }));
      case 'score':
        return answer(request.call, (signal) =>
          scoring.score(request.prompt, request.texts, {
            signal,
            deadlineAt: request.deadlineAt,
            onError: (error, text) => calls.tell({ type: 'failure', ticket: request.ticket, error: transferError(error), text }),
          }),
        );
      case 'read-ahead':
        return void hints.take(request.prompt, request.texts);
      case 'dispose':
        return answer(request.call, () => scoring.dispose());
      case 'cancel':
        return calls.cancel(request.target);
    }
  }
}
