/** Puts the page together: one store, controllers that change it, panels that draw it once a frame. */
import { byId } from './dom.ts';
import { EngineController } from './engine/engine-controller.ts';
import { chooseSource, webgpuRefusal } from './engine/choose-source.ts';
import type { Frame, Panel } from './frame.ts';
import { createAnnouncer } from './panels/announcer.ts';
import { createBranchList } from './panels/branch-list.ts';
import { createDeadlineControl } from './panels/deadline-control.ts';
import { createDraftView } from './panels/draft-view.ts';
import { createEngineStatus } from './panels/engine-status.ts';
import { createFrontierChart } from './panels/frontier-chart.ts';
import { createOutcome } from './panels/outcome.ts';
import { createPlanOptions } from './panels/plan-options.ts';
import { createPlanPanel } from './panels/plan-panel.ts';
import { createProblemPicker } from './panels/problem-picker.ts';
import { createRunBar } from './panels/run-bar.ts';
import { createThemeSwitch } from './panels/theme-switch.ts';
import { createTimeline } from './panels/timeline.ts';
import { createVoteBars } from './panels/vote-bars.ts';
import { PlanController } from './plan/plan-controller.ts';
import { problemAt } from './problems.ts';
import { MeasureController } from './run/measure-controller.ts';
import { ReplayController } from './run/replay-controller.ts';
import { RunController } from './run/run-controller.ts';
import { isActive, shownMs, type DemoState, type Settings } from './state.ts';
import { Store } from './store.ts';

const DEFAULT_SETTINGS: Settings = { deadlineMs: 2000, branches: 8, drafts: 'adaptive', device: 'wasm' };
const DEFAULT_SPEED = 0.05;

const { question, tier, answer } = problemAt(4, 0);
const store = new Store<DemoState>({
  problem: { question, tier, answer },
  settings: DEFAULT_SETTINGS,
  engine: { status: 'idle' },
  webgpuRefusal: await webgpuRefusal(),
  run: undefined,
  replay: undefined,
  chosenBranch: 0,
  planning: { status: 'none', text: '' },
  plan: undefined,
  isPlanned: false,
  measurements: [],
  measuring: undefined,
});
const engines = new EngineController(store, chooseSource(new URL(location.href)));
const runs = new RunController(store, engines);
const measurements = new MeasureController(store, engines);
const plans = new PlanController(store, engines);
const replays = new ReplayController(store, DEFAULT_SPEED);

/** Settings may change at any time; a run keeps those that it began with. */
function changeSettings(change: Partial<Settings>): void {
  store.update({ settings: { ...store.state.settings, ...change } });
}

function solve(): void {
  measurements.stop();
  plans.stop();
  showStage();
  void runs.start();
}

/** On a small screen the answer is below the form. */
function showStage(): void {
  const stage = byId('stage', HTMLElement);
  if (stage.getBoundingClientRect().top < innerHeight / 2) return;
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  stage.scrollIntoView({ behavior: isStill ? 'auto' : 'smooth', block: 'start' });
}

const panels: readonly Panel[] = [
  createEngineStatus(),
  createProblemPicker((problem) => store.update({ problem })),
  createDeadlineControl((deadlineMs) => changeSettings({ deadlineMs })),
  createPlanOptions((change) => {
    // Whoever sets branches or drafts by hand plans by hand.
    if (change.device === undefined) store.update({ isPlanned: false });
    changeSettings(change);
  }),
  createRunBar({ onRun: solve, onStop: () => runs.stop() }),
  createOutcome(),
  createTimeline({ onSeek: (atMs) => replays.seek(atMs), onPlay: () => replays.toggle(), onSpeed: (speed) => replays.setSpeed(speed) }),
  createVoteBars(),
  createBranchList((chosenBranch) => store.update({ chosenBranch })),
  createDraftView(),
  createPlanPanel({
    onPlan: () => {
      measurements.stop();
      void plans.start();
    },
    onFollow: (isPlanned) => store.update({ isPlanned }),
  }),
  createFrontierChart({ onMeasure: () => void measurements.start() }),
  createAnnouncer(),
];
createThemeSwitch();

let lastFrameAt = performance.now();
let isFrameAsked = false;

/** Draws once before the next frame, however much changes until then. */
function askForFrame(): void {
  if (isFrameAsked) return;
  isFrameAsked = true;
  requestAnimationFrame((now) => {
    isFrameAsked = false;
    replays.advance(now - lastFrameAt);
    lastFrameAt = now;
    const { state } = store;
    const frame = frameOf(state);
    for (const panel of panels) panel(frame);
    if (isActive(state.run) || state.replay?.isPlaying) askForFrame();
  });
}

function frameOf(state: DemoState): Frame {
  const shown = shownMs(state, performance.now());
  return { state, view: state.run?.player.viewAt(shown), shownMs: shown, isAtEnd: !state.replay && !isActive(state.run) };
}

store.subscribe(() => {
  if (!isFrameAsked) lastFrameAt = performance.now();
  askForFrame();
  plans.follow();
  measurements.whenIdle();
});
askForFrame();

// The models are loaded before they are asked for: a deadline does not wait for a download.
engines.ready(store.state.settings).then(
  () => measurements.whenIdle(),
  () => undefined,
);
