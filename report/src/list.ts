// A list that draws the rows in sight. Rows are of one height.

import { element } from './dom.ts';

export interface ListSpec {
  id: string;
  label: string;
  columns: number;
  rowHeight: number;        // pixels
  height: number;           // pixels of the window on the list
  header: HTMLElement;      // role=row
  row(index: number): HTMLElement;  // role=row, with cells
  open(index: number, event: MouseEvent | KeyboardEvent): void;
  at?(index: number, row: HTMLElement): void;   // the row under the pointer or with the focus
}

export interface List { root: HTMLElement; show(count: number): void }

export function list(spec: ListSpec): List {
  let count = 0, first = -1, active = 0, last = -1;
  const body = element('div', { role: 'rowgroup', class: 'list-body' });
  const root = element('div', { role: 'grid', id: spec.id, class: 'list', 'aria-label': spec.label,
    'aria-colcount': spec.columns, tabindex: -1 }, element('div', { role: 'rowgroup', class: 'list-head' }, spec.header), body);
  root.style.maxHeight = `${spec.height}px`;

  const draw = (focus = false) => {
    const from = Math.max(0, Math.floor(root.scrollTop / spec.rowHeight) - 4);
    const to = Math.min(count, from + Math.ceil(spec.height / spec.rowHeight) + 8);
    const held = focus || body.contains(document.activeElement);
    if (from !== first || to !== last || focus) {
      first = from;
      last = to;
      body.replaceChildren();
      for (let i = from; i < to; ++i) {
        const row = spec.row(i);
        row.setAttribute('aria-rowindex', String(i + 2));
        row.dataset.index = String(i);
        row.tabIndex = -1;
        row.style.top = `${i * spec.rowHeight}px`;
        body.append(row);
      }
      const row = body.querySelector<HTMLElement>(`[data-index="${active}"]`) ?? body.firstElementChild as HTMLElement | null;
      if (row) row.tabIndex = 0;
      if (row && held) row.focus({ preventScroll: true });
    }
  };
  const move = (to: number) => {
    active = Math.min(Math.max(to, 0), count - 1);
    const top = active * spec.rowHeight, room = root.clientHeight - 2 * spec.rowHeight;
    if (top < root.scrollTop) root.scrollTop = top;
    if (top > root.scrollTop + room) root.scrollTop = top - room;
    draw(true);
  };
  const indexOf = (event: Event) => {
    const row = (event.target as Element).closest<HTMLElement>('[data-index]');
    return row ? { index: Number(row.dataset.index), row } : null;
  };
  root.addEventListener('scroll', () => draw());
  root.addEventListener('click', event => {
    const found = indexOf(event);
    if (found && !(event.target as Element).closest('button,input')) spec.open(found.index, event);
  });
  root.addEventListener('keydown', event => {
    const found = indexOf(event);
    const page = Math.max(1, Math.floor(root.clientHeight / spec.rowHeight) - 2);
    const steps: Record<string, number> = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page,
      PageUp: active - page, Home: 0, End: count - 1 };
    if (!found || (event.target as Element).closest('button,input')) return;
    if (event.key === 'Enter') spec.open(found.index, event);
    else if (event.key in steps) move(steps[event.key]);
    else return;
    event.preventDefault();
  });
  for (const kind of ['pointerover', 'focusin']) {
    root.addEventListener(kind, event => {
      const found = indexOf(event);
      if (!found) return;
      if (kind === 'focusin') active = found.index;
      spec.at?.(found.index, found.row);
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
