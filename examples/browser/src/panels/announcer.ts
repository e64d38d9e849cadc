import { byId } from '../dom.ts';
import { spellMs } from '../format.ts';
import type { Frame, Panel } from '../frame.ts';
import { endOf } from '../run/end-of-run.ts';

/** Between two things said during a run. */
const QUIET_MS = 2_500;

/** Tells a screen reader of the start, now and then of the leading answer, and of the end. Replays are silent. */
export function createAnnouncer(): Panel {
  const region = byId('announcer', HTMLElement);
  let said = '';
  let saidAt = -Infinity;
  let status = '';

  const say = (text: string, now: number): void => {
    if (text === said) return;
    said = text;
    saidAt = now;
    region.textContent = text;
  };

  return (frame) => {
    const { run, replay } = frame.state;
    if (!run || replay) return;
    const now = performance.now();
    const current = `${run.number} ${run.status}`;
    if (current !== status) {
      status = current;
      return say(statusText(frame), now);
    }
    const { leader } = frame.view ?? {};
    if (run.status === 'running' && leader && now - saidAt > QUIET_MS) say(`${leader.answer} leads with ${leader.votes} of ${leader.of} votes.`, now);
  };
}

function statusText({ state: { run }, view }: Frame): string {
  switch (run?.status) {
    case 'waiting':
      return 'Loading the models.';
    case 'running':
      return `Solving, ${spellMs(run.settings.deadlineMs)}.`;
    case 'stopped':
      return 'Stopped.';
    case 'failed':
      return `It failed. ${run.error ?? ''}`;
    default: {
      const answer = run?.outcome?.answer;
      const end = view?.end && run ? `${spellMs(view.end.timing.totalMs)}, ${endOf(view, run.settings).short}` : '';
      return `${answer === undefined ? 'No answer' : `The answer is ${answer}`}, in ${end}.`;
    }
  }
}
