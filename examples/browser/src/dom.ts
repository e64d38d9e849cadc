/** The element of an id. @throws when the page lacks it, or it is of another kind. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} with the id ${id}.`);
  return found;
}

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Makes an element. Attributes that are `undefined` or false are left out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children);
  return made;
}

/** Sets text only where it differs, so that nothing is laid out or read again for nothing. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Sets a quantity, its unit in small: `1.26 s`. */
export function setQuantity(target: HTMLElement, quantity: string): void {
  if (target.textContent === quantity) return;
  const [number, unit] = quantity.split(' ');
  target.replaceChildren(number!, element('span', { class: 'unit' }, ` ${unit ?? ''}`));
}

/** The checked value of a group of radio buttons, and calls for its changes. */
export function radioGroup(
  name: string,
  onChange: (value: string) => void,
): { readonly select: (value: string) => void; readonly inputs: readonly HTMLInputElement[] } {
  const inputs = [...document.querySelectorAll<HTMLInputElement>(`input[type=radio][name="${name}"]`)];
  for (const input of inputs) input.addEventListener('change', () => input.checked && onChange(input.value));
  return { inputs, select: (value) => inputs.forEach((input) => (input.checked = input.value === value)) };
}
