import { byId, setText } from '../dom.ts';
import type { Panel } from '../frame.ts';
import type { EngineState } from '../state.ts';

export function createEngineStatus(): Panel {
  const status = byId('engine-status', HTMLElement);
  const text = byId('engine-text', HTMLElement);
  return ({ state: { engine } }) => {
    status.dataset['status'] = engine.status;
    setText(text, textOf(engine));
  };
}

/** Why models could not be loaded takes more room than there is here. */
function textOf(engine: EngineState): string {
  if (engine.status === 'idle') return 'Models load on the first run';
  return engine.status === 'failed' ? 'The models could not be loaded' : engine.text;
}
