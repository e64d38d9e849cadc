/** An element with attributes and children; texts are texts, never markup. */
export function element(name: string, attributes: Readonly<Record<string, string>>, ...children: readonly (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** What a chart shows, as a table to open. @param title - Its own among the tables. @param columns - Head and cell of each column. */
export function tableOf<Row>(
  title: string,
  rows: readonly Row[],
  columns: readonly (readonly [head: string, cell: (row: Row) => string | number])[],
): HTMLElement {
  const head = element('tr', {}, ...columns.map(([name]) => element('th', { scope: 'col' }, name)));
  const body = rows.map((row) =>
    element(
      'tr',
      {},
      ...columns.map(([, cell]) => {
        const value = cell(row);
        return element('td', typeof value === 'number' ? { class: 'number' } : {}, String(value));
      }),
    ),
  );
  const table = element('table', {}, element('thead', {}, head), element('tbody', {}, ...body));
  const scroller = element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, table);
  return element('details', {}, element('summary', {}, `${title} (${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`), scroller);
}

/** A number with as many digits as are worth reading. */
export function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

export function percent(share: number): number {
  return rounded(100 * share);
}

export function deadlineText(deadlineMs: number | null): number | string {
  return deadlineMs === null ? 'none' : rounded(deadlineMs, 0);
}
