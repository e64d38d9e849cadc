import { expect, it } from 'vitest';
import { StepTimer } from '../../src/runtime/step-timer.ts';

it('allows nothing for what was never measured', () => {
  expect(new StepTimer().allowance(4, 3)).toBe(0);
});

it('allows even steps just their time', () => {
  const timer = new StepTimer();
  for (let step = 0; step < 10; step++) timer.record(4, 5);
  expect(timer.allowance(4, 1)).toBe(5);
  expect(timer.allowance(4, 9)).toBe(45);
});

it('allows more where steps vary, for one step by a larger share than for many', () => {
  const timer = new StepTimer();
  for (const milliseconds of [4, 6, 5, 4.5, 5.5, 4, 6, 5, 7]) timer.record(4, milliseconds);
  const [one, nine] = [timer.allowance(4, 1), timer.allowance(4, 9) / 9];
  expect(one).toBeGreaterThan(6);
  expect(nine).toBeGreaterThan(5);
  expect(nine).toBeLessThan(one);
});

it('does not take a single long step for the rule', () => {
  const timer = new StepTimer();
  for (let step = 0; step < 9; step++) timer.record(4, step === 5 ? 300 : 5);
  expect(timer.allowance(4, 9)).toBe(45);
});

it('takes the nearest number of rows', () => {
  const timer = new StepTimer();
  timer.record(1, 1);
  timer.record(8, 3);
  expect(timer.allowance(6, 1)).toBe(3);
  expect(timer.allowance(2, 1)).toBe(1);
});

it('follows a machine that slows down', () => {
  const timer = new StepTimer();
  for (let step = 0; step < 20; step++) timer.record(4, 5);
  for (let step = 0; step < 5; step++) timer.record(4, 15);
  expect(timer.allowance(4, 1)).toBeGreaterThanOrEqual(15);
});
