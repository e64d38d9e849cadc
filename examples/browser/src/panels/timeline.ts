import { byId, element, setText } from '../dom.ts';
import { formatDeadline, formatMs, spellMs } from '../format.ts';
import type { Frame, Panel } from '../frame.ts';
import { isActive, type RunState } from '../state.ts';

export interface TimelineActions {
  readonly onSeek: (atMs: number) => void;
  /** Plays from where the replay stands, or from the start; pauses where it plays. */
  readonly onPlay: () => void;
  readonly onSpeed: (speed: number) => void;
}

/** Time from the start to the deadline; behind a run the run itself, to be watched again at any speed. */
export function createTimeline({ onSeek, onPlay, onSpeed }: TimelineActions): Panel {
  const fill = byId('track-fill', HTMLElement);
  const marks = byId('track-marks', HTMLElement);
  const scrub = byId('scrub', HTMLInputElement);
  const end = byId('scale-end', HTMLElement);
  const controls = byId('replay', HTMLElement);
  const play = byId('replay-play', HTMLButtonElement);
  const speed = byId('replay-speed', HTMLSelectElement);
  let drawnMarks = '';
  let lengthMs = 0;
  scrub.addEventListener('input', () => onSeek((Number(scrub.value) / Number(scrub.max)) * lengthMs));
  play.addEventListener('click', onPlay);
  speed.addEventListener('change', () => onSpeed(Number(speed.value)));

  return (frame) => {
    const { run, replay, settings } = frame.state;
    const isWatchable = run !== undefined && !isActive(run) && run.player.lengthMs > 0;
    lengthMs = scaleOf(run, settings.deadlineMs);
    const share = Math.min(1, frame.shownMs / lengthMs);
    fill.style.setProperty('--share', String(share));
    scrub.disabled = !isWatchable;
    const place = String(Math.round(share * Number(scrub.max)));
    if (scrub.value !== place) scrub.value = place;
    scrub.setAttribute('aria-valuetext', spellMs(frame.shownMs));
    setText(end, isWatchable ? `${formatMs(lengthMs)}, the end` : `${formatDeadline(lengthMs)}, the deadline`);
    controls.hidden = !isWatchable;
    setText(play, replay?.isPlaying ? 'Pause' : 'Watch again');
    const key = marksKey(frame, lengthMs);
    if (key === drawnMarks) return;
    drawnMarks = key;
    drawMarks(marks, run, lengthMs);
  };
}

/** Milliseconds that the whole track stands for. */
function scaleOf(run: RunState | undefined, deadlineMs: number): number {
  if (!run) return deadlineMs;
  const { player, settings } = run;
  return isActive(run) || player.lengthMs === 0 ? settings.deadlineMs : player.lengthMs;
}

function marksKey({ state: { run } }: Frame, lengthMs: number): string {
  return `${run?.number} ${run?.player.events.length} ${lengthMs}`;
}

/** Where branches ended. */
function drawMarks(marks: HTMLElement, run: RunState | undefined, lengthMs: number): void {
  const ends = run?.player.events.filter((event) => event.name === 'branch-end') ?? [];
  marks.replaceChildren(
    ...ends.map(({ atMs, report }) => {
      const kind = report.answer === undefined ? 'is-silent' : report.isForced ? 'is-forced' : 'is-vote';
      return element('span', { class: `mark-tick ${kind}`, style: `--at: ${Math.min(1, atMs / lengthMs)}` });
    }),
  );
}
