import type { Plan } from 'latency-tts';
import { byId, element, setText } from '../dom.ts';
import { count, formatDeadline, formatMs, formatShare } from '../format.ts';
import type { Frame, Panel } from '../frame.ts';
import { explained } from '../plan/explained.ts';
import { endOf } from '../run/end-of-run.ts';
import type { RunView } from '../run/run-view.ts';
import { isActive, type DemoState, type Drafts, type Settings } from '../state.ts';

/** Tokens that `SelfConsistency` asks a cut branch for, and the passes that it keeps free beside them. */
const ANSWER_TOKENS = 8;
const FURTHER_PASSES = 2;

export interface PlanActions {
  readonly onPlan: () => void;
  readonly onFollow: (isPlanned: boolean) => void;
}

/** What is done with the time, and why. */
export function createPlanPanel({ onPlan, onFollow }: PlanActions): Panel {
  const facts = byId('plan-facts', HTMLDListElement);
  const why = byId('plan-why', HTMLElement);
  const note = byId('plan-note', HTMLElement);
  const make = byId('make-plan', HTMLButtonElement);
  const followLabel = byId('follow-label', HTMLElement);
  const follow = byId('follow', HTMLInputElement);
  let drawn = '';
  make.addEventListener('click', onPlan);
  follow.addEventListener('change', () => onFollow(follow.checked));

  return (frame) => {
    const { state } = frame;
    const settings = state.run && !frame.isAtEnd ? state.run.settings : state.settings;
    setText(why, whyOf(frame));
    setText(note, noteOf(state));
    make.setAttribute('aria-disabled', String(state.planning.status === 'working' || isActive(state.run)));
    followLabel.hidden = state.plan === undefined;
    follow.checked = state.isPlanned;
    const rows = [...factsOf(settings, frame.view, state.isPlanned ? state.plan : undefined), ...(state.plan ? predictionsOf(state.plan) : [])];
    const key = JSON.stringify(rows);
    if (key === drawn) return;
    drawn = key;
    facts.replaceChildren(...rows.map(([name, value]) => element('div', { class: 'fact' }, element('dt', {}, name), element('dd', {}, value))));
  };
}

type Fact = readonly [name: string, value: string];

function noteOf({ planning, plan, isPlanned, run }: DemoState): string {
  if (planning.status === 'working' || planning.status === 'failed') return planning.text;
  if (planning.status === 'ready' && !plan) return 'No plan answers this tier by then, or it has not been planned for yet.';
  if (plan) return isPlanned ? `The optimiser’s: ${plan.toString()}.` : `Yours. The optimiser would take: ${plan.toString()}.`;
  return `Chosen by hand. Seed ${run?.number ?? 1}.`;
}

function factsOf({ branches, drafts, deadlineMs }: Settings, view: RunView | undefined, plan: Plan | undefined): Fact[] {
  const answerTokens = plan?.spec.answerTokens ?? ANSWER_TOKENS;
  const guess = plan?.spec.earlyDecision;
  return [
    ['Strategy', branches === 1 ? 'One solution, no vote' : 'Self-consistency: the answer that most branches reach'],
    ['Branches', branches === 1 ? '1' : `${branches}, decoded together in one batch`],
    ['Drafts', draftsFact(drafts, view)],
    ['Deadline', `${formatDeadline(deadlineMs)} from the click to the answer, reading the problem included`],
    [
      'Kept free',
      answerTokens === 0
        ? 'nothing: branches write to the last moment'
        : `time for ${answerTokens + FURTHER_PASSES} passes, to ask cut branches for their answer`,
    ],
    [
      'Ends early',
      branches === 1
        ? 'with the solution'
        : guess === 'beta'
          ? 'once the leader is likely enough to win'
          : 'once the branches still writing cannot change the winner',
    ],
  ];
}

/** What the optimiser expects, and what else there would be. */
function predictionsOf(plan: Plan): Fact[] {
  const { predicted, binding, accuracyAtTwiceTheTime, branchesOnly, draftsOnly } = explained(plan);
  const [low, high] = predicted.accuracyInterval;
  const instead = (name: string, choice: typeof branchesOnly): string => `${name}: ${choice ? formatShare(choice.predicted.accuracy) : 'none by then'}`;
  const bound = binding === 'deadline' ? `the deadline: twice the time would give ${formatShare(accuracyAtTwiceTheTime)}` : 'nothing: more time would not help';
  return [
    ['Expected', `${formatShare(predicted.accuracy)} right (${formatShare(low)} to ${formatShare(high)})`],
    ['', `in ${formatMs(predicted.latencyMs.p50)}; 95 of 100 within ${formatMs(predicted.latencyMs.p95)}`],
    ['Binds', bound],
    ['Instead', `${instead('branches alone', branchesOnly)}; ${instead('drafts alone', draftsOnly)}`],
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
  if (view?.end && run) return `${endOf(view, run.settings).long}${changesOf(view)}`;
  if (run?.status === 'failed' && isAtEnd) return run.error ?? '';
  if (run?.status === 'stopped' && isAtEnd) return 'You stopped it.';
  return run ? 'Under way.' : 'Run it to see what binds: the deadline, the branches, or nothing.';
}

/** How the plan was changed while it ran. */
function changesOf({ changes }: RunView): string {
  const reasons = [...new Set(changes.map(({ reason }) => reason))];
  return reasons.length === 0 ? '' : ` Changed on the way: ${reasons.join('; ')}.`;
}
