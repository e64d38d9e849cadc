import { byId, setText } from '../dom.ts';
import { formatDeadline } from '../format.ts';
import type { Panel } from '../frame.ts';
import { isActive } from '../state.ts';

/** Solve and Stop, by button, Ctrl or Command with Enter, and Escape. */
export function createRunBar({ onRun, onStop }: { readonly onRun: () => void; readonly onStop: () => void }): Panel {
  const form = byId('ask', HTMLFormElement);
  const run = byId('run', HTMLButtonElement);
  const label = byId('run-label', HTMLElement);
  const stop = byId('stop', HTMLButtonElement);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    onRun();
  });
  stop.addEventListener('click', () => {
    // The button is about to be disabled, which would drop the focus.
    run.focus();
    onStop();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onRun();
    if (event.key === 'Escape') onStop();
  });

  return ({ state }) => {
    const isRunning = isActive(state.run);
    // Not disabled, so that the focus stays where it is; a second start is ignored.
    run.setAttribute('aria-disabled', String(isRunning || state.problem.question.trim() === ''));
    stop.disabled = !isRunning;
    setText(label, labelOf(state.run?.status, formatDeadline(state.settings.deadlineMs)));
  };
}

function labelOf(status: string | undefined, deadline: string): string {
  if (status === 'waiting') return 'Loading';
  return status === 'running' ? 'Solving' : `Solve in ${deadline}`;
}
