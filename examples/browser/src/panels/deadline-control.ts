import { byId, setQuantity, setText } from '../dom.ts';
import { formatDeadline, spellMs } from '../format.ts';
import type { Panel } from '../frame.ts';

/** Steps of the slider, about evenly spaced in their logarithms. */
export const DEADLINES_MS: readonly number[] = [
  25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 4000, 5000, 7500, 10_000, 15_000, 20_000, 30_000,
];

export function createDeadlineControl(onChange: (deadlineMs: number) => void): Panel {
  const slider = byId('deadline', HTMLInputElement);
  const value = byId('deadline-value', HTMLOutputElement);
  slider.max = String(DEADLINES_MS.length - 1);
  setText(byId('deadline-least', HTMLElement), formatDeadline(DEADLINES_MS[0]!));
  setText(byId('deadline-most', HTMLElement), formatDeadline(DEADLINES_MS.at(-1)!));
  slider.addEventListener('input', () => onChange(DEADLINES_MS[Number(slider.value)]!));

  return ({ state: { settings } }) => {
    const place = DEADLINES_MS.indexOf(settings.deadlineMs);
    if (slider.value !== String(place)) slider.value = String(place);
    slider.setAttribute('aria-valuetext', spellMs(settings.deadlineMs));
    slider.style.setProperty('--share', String(place / (DEADLINES_MS.length - 1)));
    setQuantity(value, formatDeadline(settings.deadlineMs));
  };
}
