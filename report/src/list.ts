// A list that draws the rows in sight. Rows are of one height.

import { element, setAttributes } from './dom.ts';
import { listenTo, type Part } from './parts.ts';
import type { Page } from './view.ts';

export interface ListSpec {
  id: string; label: string; columns: number;
  rowHeight: number; height: number;    // pixels; the height is that of the window on the list
  header: HTMLElement;      // role=row
  row(index: number): HTMLElement;  // role=row, with cells
  part(index: number): Part;
}

export function list(page: Page, spec: ListSpec): { root: HTMLElement; show(count: number): void } {
  const { rowHeight: high, height } = spec;
  let count = 0, first = -1, active = 0;
  const body = element('div', { role: 'rowgroup', class: 'list-body' });
  const draw = (focus = false) => {
    const from = Math.max(0, Math.floor(root.scrollTop / high) - 4);
    const to = Math.min(count, from + Math.ceil(height / high) + 8);
    if (from === first && !focus) return;
    const held = focus || body.contains(document.activeElement);
    first = from;
    body.replaceChildren(...Array.from({ length: to - from }, (_, i) => {
      const row = spec.row(from + i);
      setAttributes(row, { 'aria-rowindex': from + i + 2, 'data-index': from + i, tabindex: -1 });
      row.style.top = `${(from + i) * high}px`;
      return row;
    }));
    const rows = [...body.children] as HTMLElement[], row = rows[active - from] ?? rows[0];
    if (row) row.tabIndex = 0;
    if (row && held) row.focus({ preventScroll: true });
  };
  const root = element('div', { role: 'grid', id: spec.id, class: 'list', 'aria-label': spec.label,
    'aria-colcount': spec.columns, tabindex: -1, onscroll: () => draw() },
  element('div', { role: 'rowgroup', class: 'list-head' }, spec.header), body);
  root.style.maxHeight = `${height}px`;
  const far = () => Math.max(1, Math.floor(root.clientHeight / high) - 2);
  const steps = { ArrowDown: () => 1, ArrowUp: () => -1, Home: () => -Infinity, End: () => Infinity,
    PageDown: far, PageUp: () => -far() };
  listenTo(page, body, '[data-index]', row => spec.part(Number(row.dataset.index)), steps, step => {
    active = Math.min(Math.max(active + step(), 0), count - 1);
    const top = active * high, room = root.clientHeight - 2 * high;
    root.scrollTop = Math.max(Math.min(root.scrollTop, top), top - room);
    draw(true);
  });
  body.addEventListener('focusin', ({ target }) => {
    active = Number((target as Element).closest<HTMLElement>('[data-index]')!.dataset.index);
  });
  return {
    root,
    show(rows: number) {
      [count, first, active] = [rows, -1, Math.min(active, Math.max(rows - 1, 0))];
      body.style.height = `${count * high}px`;
      root.setAttribute('aria-rowcount', String(count + 1));
      draw();
    },
  };
}
