import { byId, element, setText } from '../dom.ts';
import { formatShare } from '../format.ts';
import type { Panel } from '../frame.ts';
import type { PositionTally, RunView } from '../run/run-view.ts';
import { tokenMarks, type TokenMark } from '../run/token-marks.ts';

const WORDS = { own: undefined, stood: undefined, fell: 'refused' } as const;

/** The tokens of the chosen branch, and how often a draft stands by its position. */
export function createDraftView(): Panel {
  const note = byId('drafts-note', HTMLElement);
  const text = byId('draft-text', HTMLElement);
  const positions = byId('positions', HTMLElement);
  let drawn = '';
  let drawnPositions = '';

  return ({ state, view }) => {
    const isOff = (state.run?.settings.drafts ?? state.settings.drafts) === 'off';
    const branch = view?.branches[state.chosenBranch];
    setText(note, noteOf(view, isOff));
    const key = `${state.run?.number ?? 0} ${state.chosenBranch} ${branch?.text.length ?? 0} ${branch?.drafts.length ?? 0} ${isOff}`;
    if (key !== drawn) {
      drawn = key;
      const marks = branch ? tokenMarks(branch) : [];
      text.replaceChildren(
        element('p', { class: 'draft-branch' }, `Branch ${state.chosenBranch + 1}`),
        element('p', { class: 'draft-tokens' }, ...marks.flatMap(tokenOf)),
      );
    }
    const tallies = view?.positions ?? [];
    const positionsKey = JSON.stringify(tallies);
    if (positionsKey === drawnPositions) return;
    drawnPositions = positionsKey;
    drawPositions(positions, tallies);
  };
}

function noteOf(view: RunView | undefined, isOff: boolean): string {
  if (isOff) return 'Drafts are off: every token is the large model’s.';
  const { proposed, accepted } = view?.acceptance() ?? { proposed: 0, accepted: 0 };
  return proposed === 0
    ? 'A small model proposes, one pass of the large one decides.'
    : `${accepted} of ${proposed} stood, ${formatShare(accepted / proposed)}`;
}

function tokenOf({ text, kind, isDraftStart }: TokenMark): (Node | string)[] {
  const tag = kind === 'fell' ? 's' : 'span';
  const token = element(tag, { class: `token ${kind}${isDraftStart ? ' starts' : ''}`, title: WORDS[kind] }, text.replaceAll('\n', '↵'));
  // A line break that fell breaks no line.
  return text.endsWith('\n') && kind !== 'fell' ? [token, element('br')] : [token];
}

function drawPositions(figure: HTMLElement, tallies: readonly PositionTally[]): void {
  const known = tallies.filter(({ proposed }) => proposed > 0);
  const bars = known.map(({ proposed, accepted }, position) =>
    element(
      'li',
      { class: 'position' },
      element('span', { class: 'position-share' }, formatShare(accepted / proposed)),
      element('span', { class: 'position-bar', 'aria-hidden': 'true', style: `--share: ${accepted / proposed}` }),
      element('span', { class: 'position-name' }, element('span', { class: 'visually-hidden' }, ' at position '), String(position + 1)),
    ),
  );
  const caption = element('figcaption', {}, 'Stood, by position in the draft');
  figure.replaceChildren(...(known.length === 0 ? [] : [caption, element('ol', { class: 'position-bars' }, ...bars)]));
}
