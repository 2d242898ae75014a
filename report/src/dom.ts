// Elements of the page. Text enters the document through text nodes alone: there is no function
// here, and none elsewhere, that takes HTML.

export type Child = Node | string | number | null | undefined | false;
type Handler = (event: any) => void;
export type Attributes = Record<string, string | number | boolean | Handler | null | undefined>;

// Attributes that begin with "on" are listeners, those that begin with "--" are custom properties,
// false and null leave the attribute out.
export function setAttributes(node: HTMLElement | SVGElement, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (name.startsWith('--')) node.style.setProperty(name, String(value));
    else node.setAttribute(name, value === true ? '' : String(value));
  }
}

function filled<N extends HTMLElement | SVGElement>(node: N, attributes: Attributes, children: Child[]): N {
  setAttributes(node, attributes);
  const there = children.filter(child => child !== null && child !== undefined && child !== false);
  node.append(...there.map(child => (child instanceof Node ? child : String(child))));
  return node;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

export function svgElement<K extends keyof SVGElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

export function button(text: string, onclick: Handler, attributes: Attributes = {}) {
  return element('button', { type: 'button', onclick, ...attributes }, text);
}

// Keys that move by a step, and Enter, which opens.
export function onKeys<Step>(node: HTMLElement | SVGElement, steps: Readonly<Record<string, Step>>,
                             move: (step: Step, event: KeyboardEvent) => void, open: Handler): void {
  setAttributes(node, { onkeydown: (event: KeyboardEvent) => {
    if ((event.target as Element).closest('button')) return;   // it has keys of its own
    if (event.key === 'Enter') open(event);
    else if (Object.hasOwn(steps, event.key)) move(steps[event.key], event);
    else return;
    event.preventDefault();
  } });
}

export type Pair = [value: string, text: string];

// A labelled drop-down list. `id` keeps the focus when the view is drawn again.
export function select(id: string, label: string, options: readonly Readonly<Pair>[],
                       value: string, onchange: (value: string) => void): HTMLElement {
  const list = element('select', { id, onchange: () => onchange(list.value) });
  for (const [key, text] of options) {
    list.append(element('option', { value: key, selected: key === value }, text));
  }
  return element('label', { class: 'field' }, element('span', {}, label), list);
}

export function checkbox(id: string, label: string, checked: boolean,
                         onchange: (checked: boolean) => void): HTMLElement {
  const box = element('input', { type: 'checkbox', id, checked, onchange: () => onchange(box.checked) });
  return element('label', { class: 'field' }, box, element('span', {}, label));
}

export type Cell = string | number | Node;

export function table(caption: string, columns: readonly string[], rows: readonly (readonly Cell[])[]) {
  const kind = (cell: Cell) =>
    (typeof cell === 'number' ? 'number' : typeof cell === 'string' && cell.length < 28 ? 'word' : null);
  return element('table', { class: 'plain' }, element('caption', {}, caption),
    element('thead', {}, element('tr', {}, ...columns.map((name, i) =>
      element('th', { scope: 'col', class: typeof rows[0]?.[i] === 'number' && 'number' }, name)))),
    element('tbody', {}, ...rows.map(row => element('tr', {},
      ...row.map(cell => element('td', { class: kind(cell) }, Number.isNaN(cell) ? '' : cell))))));
}

// What may be wider than its place: it can be scrolled by keyboard too.
export function scrolled(label: string, ...children: Child[]): HTMLElement {
  return element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, ...children);
}
