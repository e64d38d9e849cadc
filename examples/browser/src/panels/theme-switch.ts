import { radioGroup } from '../dom.ts';

const KEY = 'latency-tts-theme';

/** Light, dark, or as the system is; remembered. */
export function createThemeSwitch(): void {
  const root = document.documentElement;
  const group = radioGroup('theme', (theme) => {
    if (theme === 'auto') delete root.dataset['theme'];
    else root.dataset['theme'] = theme;
    try {
      if (theme === 'auto') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // A page without storage forgets the choice.
    }
  });
  group.select(root.dataset['theme'] ?? 'auto');
}
