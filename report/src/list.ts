// A list that draws the rows in sight. Rows are of one height.

import { element, setAttributes } from './dom.ts';

export interface ListSpec {
  id: string;
  label: string;
  columns: number;
  rowHeight: number;        // pixels
  height: number;           // pixels of the window on the list
  header: HTMLElement;      // role=row
  row(index: number): HTMLElement;  // role=row, with cells
  open(index: number, event: MouseEvent | KeyboardEvent): void;
  at(index: number, row: HTMLElement | null): void;   // under the pointer or with the focus; null: none
}

export interface List { root: HTMLElement; show(count: number): void }

export function list(spec: ListSpec): List {
  let count = 0, first = -1, active = 0, last = -1;
  const body = element('div', { role: 'rowgroup', class: 'list-body' });
  const root = element('div', { role: 'grid', id: spec.id, class: 'list', 'aria-label': spec.label,
    'aria-colcount': spec.columns, tabindex: -1 },
  element('div', { role: 'rowgroup', class: 'list-head' }, spec.header), body);
  root.style.maxHeight = `${spec.height}px`;

  const draw = (focus = false) => {
    const from = Math.max(0, Math.floor(root.scrollTop / spec.rowHeight) - 4);
    const to = Math.min(count, from + Math.ceil(spec.height / spec.rowHeight) + 8);
    if (from === first && to === last && !focus) return;
    const held = focus || body.contains(document.activeElement);
    [first, last] = [from, to];
    body.replaceChildren(...Array.from({ length: to - from }, (_, i) => {
      const row = spec.row(from + i);
      setAttributes(row, { 'aria-rowindex': from + i + 2, 'data-index': from + i, tabindex: -1 });
      row.style.top = `${(from + i) * spec.rowHeight}px`;
      return row;
    }));
    const rows = [...body.children] as HTMLElement[], row = rows[active - from] ?? rows[0];
    if (row) row.tabIndex = 0;
    if (row && held) row.focus({ preventScroll: true });
  };
  const move = (to: number) => {
    active = Math.min(Math.max(to, 0), count - 1);
    const top = active * spec.rowHeight, room = root.clientHeight - 2 * spec.rowHeight;
    root.scrollTop = Math.max(Math.min(root.scrollTop, top), top - room);
    draw(true);
  };
  const rowOf = ({ target }: Event) => (target as Element).closest<HTMLElement>('[data-index]');
  const inner = ({ target }: Event) => (target as Element).closest('button,input');
  root.addEventListener('scroll', () => draw());
  root.addEventListener('click', event => {
    const row = rowOf(event);
    if (row && !inner(event)) spec.open(Number(row.dataset.index), event);
  });
  root.addEventListener('keydown', event => {
    const row = rowOf(event), page = Math.max(1, Math.floor(root.clientHeight / spec.rowHeight) - 2);
    const steps: Record<string, number> = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0,
      End: count - 1, PageDown: active + page, PageUp: active - page };
    if (!row || inner(event)) return;
    if (event.key === 'Enter') spec.open(Number(row.dataset.index), event);
    else if (event.key in steps) move(steps[event.key]);
    else return;
    event.preventDefault();
  });
  for (const kind of ['pointerover', 'focusin', 'pointerleave', 'focusout']) {
    root.addEventListener(kind, event => {
      const row = /leave|out/.test(kind) ? null : rowOf(event), index = Number(row?.dataset.index);
      if (row && kind === 'focusin') active = index;
      spec.at(index, row);
    });
  }
  return {
    root,
    show(rows: number) {
      count = rows;
      first = -1;
      active = Math.min(active, Math.max(count - 1, 0));
      body.style.height = `${count * spec.rowHeight}px`;
      root.setAttribute('aria-rowcount', String(count + 1));
      draw();
    },
  };
}
