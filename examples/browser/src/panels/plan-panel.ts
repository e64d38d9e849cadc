import { byId, element, setText } from '../dom.ts';
import { count, formatDeadline, formatShare } from '../format.ts';
import type { Frame, Panel } from '../frame.ts';
import { endOf } from '../run/end-of-run.ts';
import type { RunView } from '../run/run-view.ts';
import type { Drafts, Settings } from '../state.ts';

/** Passes that `SelfConsistency` keeps free to ask cut branches for their answer: its default of 8 tokens, and two. */
const RESERVED_PASSES = 10;

/** What is done with the time, and why. */
export function createPlanPanel(): Panel {
  const facts = byId('plan-facts', HTMLDListElement);
  const why = byId('plan-why', HTMLElement);
  const note = byId('plan-note', HTMLElement);
  let drawn = '';

  return (frame) => {
    const settings = frame.state.run && frame.isAtEnd ? frame.state.settings : (frame.state.run?.settings ?? frame.state.settings);
    setText(why, whyOf(frame));
    setText(note, `seed ${frame.state.run?.number ?? 1}`);
    const rows = factsOf(settings, frame.view);
    const key = JSON.stringify(rows);
    if (key === drawn) return;
    drawn = key;
    facts.replaceChildren(...rows.map(([name, value]) => element('div', { class: 'fact' }, element('dt', {}, name), element('dd', {}, value))));
  };
}

function factsOf({ branches, drafts, deadlineMs }: Settings, view: RunView | undefined): (readonly [string, string])[] {
  return [
    ['Strategy', branches === 1 ? 'One solution, no vote' : 'Self-consistency: the answer that most branches reach'],
    ['Branches', branches === 1 ? '1' : `${branches}, decoded together in one batch`],
    ['Drafts', draftsFact(drafts, view)],
    ['Deadline', `${formatDeadline(deadlineMs)} from the click to the answer, reading the problem included`],
    ['Kept free', `time for ${RESERVED_PASSES} passes, to ask cut branches for their answer`],
    ['Ends early', branches === 1 ? 'with the solution' : 'once the branches still writing cannot change the winner'],
  ];
}

function draftsFact(drafts: Drafts, view: RunView | undefined): string {
  if (drafts === 'off') return 'None: one token a pass for every branch';
  const { proposed, accepted } = view?.acceptance() ?? { proposed: 0, accepted: 0 };
  const seen = proposed === 0 ? '' : `; ${formatShare(accepted / proposed)} stood`;
  return drafts === 'adaptive'
    ? `As long as measured costs and acceptance make worth while, at most 8 tokens${seen}`
    : `${count(Number(drafts), 'token')} a round${seen}`;
}

function whyOf({ state: { run }, view, isAtEnd }: Frame): string {
  if (view?.end && run) return endOf(view, run.settings).long;
  if (run?.status === 'failed' && isAtEnd) return run.error ?? '';
  if (run?.status === 'stopped' && isAtEnd) return 'You stopped it.';
  return run ? 'Under way.' : 'Run it to see what binds: the deadline, the branches, or nothing.';
}
