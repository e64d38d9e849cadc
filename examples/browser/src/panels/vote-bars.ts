import { byId, element, setText } from '../dom.ts';
import { count } from '../format.ts';
import type { Panel } from '../frame.ts';

const MOST_ROWS = 5;
/** Rows there are from the start, so that the page does not jump. */
const LEAST_ROWS = 3;

/** A row for each answer, a cell for each branch that voted for it. */
export function createVoteBars(): Panel {
  const list = byId('vote-rows', HTMLOListElement);
  const note = byId('votes-note', HTMLElement);
  let drawn = '';

  return ({ state: { run, settings }, view }) => {
    const branches = Math.max(run?.settings.branches ?? settings.branches, view?.branches.length ?? 0);
    const votes = view?.votes() ?? [];
    const key = JSON.stringify([branches, votes]);
    if (key === drawn) return;
    drawn = key;
    const shown = votes.slice(0, votes.length > MOST_ROWS ? MOST_ROWS - 1 : MOST_ROWS);
    const rows = shown.map(({ answer, votes: cast }, place) => row(answer, cast, branches, place === 0));
    const others = votes.slice(shown.length);
    if (others.length > 0)
      rows.push(
        row(
          `${others.length} others`,
          others.reduce((sum, { votes: cast }) => sum + cast, 0),
          branches,
          false,
        ),
      );
    while (rows.length < LEAST_ROWS) rows.push(emptyRow(branches));
    list.replaceChildren(...rows);
    const cast = votes.reduce((sum, { votes: number }) => sum + number, 0);
    setText(note, run ? `${cast} of ${count(branches, 'branch', 'branches')} have voted` : 'one a branch');
  };
}

function emptyRow(branches: number): HTMLLIElement {
  const cells = Array.from({ length: branches }, () => element('span', { class: 'cell' }));
  return element(
    'li',
    { class: 'vote-row', 'aria-hidden': 'true' },
    element('span', {}),
    element('span', { class: 'vote-cells' }, ...cells),
    element('span', {}),
  );
}

function row(answer: string, cast: number, branches: number, isLeading: boolean): HTMLLIElement {
  const cells = Array.from({ length: branches }, (_, place) => element('span', { class: place < cast ? 'cell is-cast' : 'cell' }));
  return element(
    'li',
    { class: isLeading ? 'vote-row is-leading' : 'vote-row' },
    element('span', { class: 'vote-answer' }, answer),
    element('span', { class: 'vote-cells', 'aria-hidden': 'true' }, ...cells),
    element('span', { class: 'vote-count' }, String(cast), element('span', { class: 'visually-hidden' }, cast === 1 ? ' vote' : ' votes')),
  );
}
