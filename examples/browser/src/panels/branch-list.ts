import { byId, element, setText } from '../dom.ts';
import { count, formatMs } from '../format.ts';
import type { Frame, Panel } from '../frame.ts';
import type { BranchView } from '../run/run-view.ts';
import { joinMarks, tokenMarks } from '../run/token-marks.ts';

/** A card for each branch: its text as it grows, its answer, what became of it. A click shows its drafts. */
export function createBranchList(onChoose: (branch: number) => void): Panel {
  const grid = byId('branch-grid', HTMLOListElement);
  const note = byId('branches-note', HTMLElement);
  let cards: BranchCard[] = [];

  return (frame) => {
    const { state, view } = frame;
    const branches = Math.max(state.run?.settings.branches ?? state.settings.branches, view?.branches.length ?? 0);
    if (cards.length !== branches) {
      cards = Array.from({ length: branches }, (_, branch) => new BranchCard(branch, () => onChoose(branch)));
      grid.replaceChildren(...cards.map(({ root }) => root));
      grid.dataset['count'] = String(branches);
    }
    const leader = view?.votes()[0]?.answer;
    for (const card of cards) card.draw(view?.branches[card.branch], frame, leader);
    setText(note, noteOf(frame));
  };
}

function noteOf({ view, state: { run } }: Frame): string {
  if (!view || !run) return 'decoded together, in one batch';
  const tokens = view.branches.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  const rate = view.end ? `, ${Math.round((1000 * tokens) / view.end.timing.totalMs)} a second` : '';
  return `${count(tokens, 'token')}${rate}`;
}

class BranchCard {
  readonly branch: number;
  readonly root: HTMLLIElement;
  readonly #button: HTMLButtonElement;
  readonly #answer = element('span', { class: 'branch-answer' });
  readonly #text = element('p', { class: 'branch-text' });
  readonly #foot = element('p', { class: 'branch-foot' });
  #drawn = '';

  constructor(branch: number, onChoose: () => void) {
    this.branch = branch;
    this.#button = element('button', { class: 'branch-button', type: 'button', 'aria-pressed': 'false' }, `Branch ${branch + 1}`);
    this.#button.addEventListener('click', onChoose);
    this.root = element('li', { class: 'branch' }, element('div', { class: 'branch-head' }, this.#button, this.#answer), this.#text, this.#foot);
  }

  draw(view: BranchView | undefined, frame: Frame, leader: string | undefined): void {
    const isChosen = frame.state.chosenBranch === this.branch;
    this.#button.setAttribute('aria-pressed', String(isChosen));
    this.root.classList.toggle('is-chosen', isChosen);
    const answer = view?.report?.answer;
    this.root.dataset['state'] = stateOf(view, frame);
    this.root.classList.toggle('is-leading', answer !== undefined && answer === leader);
    setText(this.#answer, answer ?? '');
    setText(this.#foot, footOf(view, frame));
    const key = `${view?.text.length ?? 0} ${view?.drafts.length ?? 0} ${frame.state.run?.number ?? 0}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#text.replaceChildren(
      ...(view ? joinMarks(tokenMarks(view)).map(({ text, kind }) => (kind === 'own' ? text : element('span', { class: 'stood' }, text))) : []),
    );
  }
}

function stateOf(view: BranchView | undefined, { state: { run }, isAtEnd }: Frame): string {
  const finish = view?.report?.finish;
  if (finish === 'failed') return 'failed';
  if (finish === 'aborted') return 'left-out';
  if (view?.report) return 'done';
  if (run?.status === 'stopped' && isAtEnd) return 'left-out';
  return view && view.text !== '' ? 'writing' : 'waiting';
}

function footOf(view: BranchView | undefined, frame: Frame): string {
  const report = view?.report;
  if (!view || !frame.state.run) return '';
  if (!report) return stateOf(view, frame) === 'left-out' ? 'stopped' : count(view.tokenCount, 'token');
  if (report.finish === 'failed') return 'failed';
  if (report.finish === 'aborted') return 'not needed any more';
  const took = `${count(report.tokenCount, 'token')}, ${formatMs(report.endMs)}`;
  if (report.isForced) return report.answer === undefined ? `cut, ${took}` : `cut and asked, ${took}`;
  return report.answer === undefined ? `no answer, ${took}` : took;
}
