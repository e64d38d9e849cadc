import { byId, setQuantity, setText } from '../dom.ts';
import { count, formatMs } from '../format.ts';
import type { Frame, Panel } from '../frame.ts';
import { endOf } from '../run/end-of-run.ts';

/** The answer and the clock. */
export function createOutcome(): Panel {
  const [label, answer, note] = ['answer-label', 'answer', 'answer-note'].map((id) => byId(id, HTMLElement)) as [HTMLElement, HTMLElement, HTMLElement];
  const [clockLabel, clock, clockNote] = ['clock-label', 'clock', 'clock-note'].map((id) => byId(id, HTMLElement)) as [HTMLElement, HTMLElement, HTMLElement];

  return (frame) => {
    const { state, view, isAtEnd } = frame;
    const { run } = state;
    const given = isAtEnd && run?.status === 'done' ? run.outcome?.answer : view?.leader?.answer;
    const verdict = isAtEnd && run?.status === 'done' ? verdictOn(given, run.problem.answer) : undefined;
    setText(label, isAtEnd || !run ? 'Answer' : 'Leading answer');
    setText(answer, given ?? '–');
    answer.dataset['verdict'] = verdict ?? 'open';
    answer.classList.toggle('is-empty', given === undefined);
    setText(note, answerNote(frame, verdict));

    const left = Math.max(0, (run ? run.settings.deadlineMs : state.settings.deadlineMs) - frame.shownMs);
    const end = view?.end;
    setText(clockLabel, end ? 'Answered in' : 'Time left');
    setQuantity(clock, end ? formatMs(end.timing.totalMs) : formatMs(left));
    clock.dataset['urgency'] = !end && run && left === 0 ? 'over' : 'calm';
    setText(clockNote, clockNoteOf(frame));
  };
}

function verdictOn(given: string | undefined, known: string | undefined): 'right' | 'wrong' | undefined {
  if (known === undefined) return undefined;
  return given === known ? 'right' : 'wrong';
}

function answerNote({ state: { run, engine }, view, isAtEnd }: Frame, verdict: 'right' | 'wrong' | undefined): string {
  if (!run) return engine.status === 'failed' ? engine.text : 'Press Solve.';
  if (run.status === 'failed' && isAtEnd) return run.error ?? 'The run failed.';
  if (run.status === 'stopped' && isAtEnd) return 'Stopped. Nothing is returned after an abort.';
  const [first] = view?.votes() ?? [];
  const share = first ? `${first.votes} of ${run.settings.branches} votes` : 'no vote yet';
  if (verdict === 'right') return `Right, with ${share}.`;
  if (verdict === 'wrong') return `Wrong: it is ${run.problem.answer}. ${share}.`;
  return `${share[0]!.toUpperCase()}${share.slice(1)}.`;
}

function clockNoteOf({ state: { run, settings }, view }: Frame): string {
  if (!run) return `before the deadline of ${formatMs(settings.deadlineMs)}`;
  if (run.status === 'waiting') return 'starts when the models are loaded';
  if (view?.end) return endOf(view, run.settings).short;
  return count(run.settings.branches, 'branch', 'branches');
}
