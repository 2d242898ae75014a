// The page: reads its data, draws the view of the state, and keeps state and address together.

import { decode, templateText, type Container } from './data.ts';
import { drawCharts } from './chart.ts';
import { button, element, type Child } from './dom.ts';
import { offerText } from './export.ts';
import { count } from './format.ts';
import help from './help.json' with { type: 'json' };
import { broken, lacks, remark } from './parts.ts';
import { headName, Report, type HeadKey } from './report.ts';
import { formatHash, kMostPins, parseHash, type State } from './state.ts';
import type { Page, View } from './view.ts';
import { compare } from './views/compare.ts';
import { distance } from './views/distance.ts';
import { groups } from './views/groups.ts';
import { head } from './views/head.ts';
import { heads } from './views/heads.ts';
import { map } from './views/map.ts';
import { method } from './views/method.ts';
import { overview } from './views/overview.ts';
import { positions } from './views/positions.ts';
import { relations } from './views/relations.ts';

// In the order of the tabs.
const kViews: View[] = [overview, map, heads, relations, positions, distance, head, groups, compare, method];

// Storage throws in a sandboxed frame; the choices are then kept until the page is closed.
function stored(name: string, value?: string): string | null {
  try {
    if (value !== undefined) localStorage.setItem(`qkscope.${name}`, value);
    return localStorage.getItem(`qkscope.${name}`);
  } catch { return null; }
}

const part = <E extends HTMLElement>(selector: string) => document.querySelector<E>(selector)!;
const whyNot = ({ needs, unavailable }: Pick<View, 'needs' | 'unavailable'>, page: Page) =>
  unavailable?.(page) ?? (needs ? lacks(page.analysis, needs) : null);
const kThemes = ['auto', 'light', 'dark'] as const;
const kNames = kViews.map(view => view.id);
// The focus stays where it was; if that is gone or cannot be used any more, it goes to the view.
function focusOn(id: string | undefined): void {
  if (!id) return;
  const node = document.getElementById(id);
  (!node || node.matches(':disabled') ? part('main') : node).focus({ preventScroll: true });
}
let points: Container | Promise<Container> | null = null;   // the second container

class Application implements Page {
  readonly report: Report;
  state: State;
  dark = false;
  printing = false;
  private theme = kThemes.find(name => name === stored('theme')) ?? kThemes[0];
  private update: ReturnType<View['render']> = undefined;
  private spoken = 0;    // timers: of what is read aloud, and of the tooltip
  private leaving = 0;
  private readonly preference = matchMedia('(prefers-color-scheme: dark)');
  private readonly tooltip = part('.tip');
  private readonly help = part<HTMLDialogElement>('#commands');
  private readonly keys = part<HTMLInputElement>('#keys');   // commands of one key

  constructor(report: Report) {
    this.report = report;
    this.state = parseHash(location.hash, report, kNames);
    document.title = report.title ? `${report.title} \u2013 Qkscope` : 'Qkscope report';
    part('h1').textContent = report.title || 'Qkscope report';
    this.keys.checked = stored('keys') !== 'off';
    const on = (selector: string, run: (event: Event) => unknown, kind = 'click') =>
      part(selector).addEventListener(kind, event => void run(event));
    on('.skip', event => { event.preventDefault(); part('main').focus(); });
    on('#theme', () => {
      stored('theme', this.theme = kThemes[(kThemes.indexOf(this.theme) + 1) % kThemes.length]);
      this.applyTheme();
    });
    on('#link', () => this.offerLink());
    on('#print', () => this.unpackPinned().then(() => print()));
    on('#help', () => this.help.showModal());
    on('#keys', () => stored('keys', this.keys.checked ? 'on' : 'off'), 'change');
    on('.tip', () => this.tip(null), 'pointerleave');
    for (const dialog of document.querySelectorAll('dialog')) {
      dialog.querySelector<HTMLElement>('.close')!.onclick = () => dialog.close();
    }
    this.applyTheme();
    this.preference.addEventListener('change', () => this.applyTheme());
    addEventListener('beforeprint', () => this.applyTheme(true));
    addEventListener('afterprint', () => this.applyTheme(false));
    for (const kind of ['popstate', 'hashchange']) addEventListener(kind, () => this.follow());
    addEventListener('keydown', event => this.key(event));
  }

  get analysis() { return this.report.analyses[this.state.run]; }

  go(change: Partial<State>): void {
    const old = this.state, { report } = this;
    this.state = { ...old, ...change };
    // The other analysis may not have these heads, methods and metrics.
    if (this.state.run !== old.run) this.state = parseHash(formatHash(this.state, report), report, kNames);
    const moved = this.state.view !== old.view, hash = formatHash(this.state, report);
    if (hash !== location.hash) this.remember(hash, moved);
    if (!moved && this.state.run === old.run && this.update?.(change)) this.drawBar();
    else this.draw();
    if (!moved) return;
    scrollTo(0, 0);
    part('main').focus({ preventScroll: true });
    this.announce(part('h2').textContent!);
  }

  open(head: HeadKey, event?: MouseEvent | KeyboardEvent): void {
    return event?.shiftKey ? this.pin(head) : this.go({ view: 'head', head });
  }

  pin(head: HeadKey): void {
    const { pins } = this.state, held = pins.includes(head);
    this.go({ pins: held ? pins.filter(key => key !== head) : [...pins, head].slice(-kMostPins) });
    this.announce(held ? 'Unpinned' : 'Pinned');
  }

  points(): Container | Promise<Container> | null {
    const text = points ? null : templateText('points');
    if (text) points = decode(text).then(container => points = container);
    return points;
  }

  // Paper does not wait, so points are unpacked once a head is pinned. The plane says it if they cannot be.
  private async unpackPinned(): Promise<void> {
    if (this.state.pins.length) await Promise.resolve(this.points()).catch(() => null);
  }

  announce(text: string): void {
    clearTimeout(this.spoken);
    this.spoken = window.setTimeout(() => { part('[aria-live]').textContent = text; }, 150);
  }

  // A tooltip stays while the pointer is on it.
  tip(lines: readonly string[] | null, at?: { x: number; y: number }, head?: HeadKey): void {
    const { tooltip } = this, marked = document.querySelectorAll(`[data-head="${head ?? ''}"]`);
    for (const node of document.querySelectorAll('.hovered')) node.classList.remove('hovered');
    for (const node of marked) node.classList.add('hovered');
    clearTimeout(this.leaving);
    if (!lines || !at) {
      this.leaving = window.setTimeout(() => { tooltip.hidden ||= !tooltip.matches(':hover'); }, 200);
      return;
    }
    const rows = lines.filter(Boolean);
    tooltip.hidden = false;
    tooltip.replaceChildren(...rows.map((text, i) => element('div', { class: i ? null : 'first' }, text)));
    const { width, height } = tooltip.getBoundingClientRect();
    const place = (from: number, size: number, room: number) =>
      `${Math.max(4, from + 4 + size > room ? from - 4 - size : from + 4)}px`;
    tooltip.style.left = place(at.x, width, innerWidth);
    tooltip.style.top = place(at.y, height, innerHeight);
    this.announce(rows.join('. '));
  }

  draw(): void {
    const { activeElement: active } = document, top = scrollY;
    const focus = active?.id, grid = active?.closest('[role=grid]')?.id;
    const cell = grid && `#${CSS.escape(grid)} [data-at="${active!.getAttribute('data-at')}"]`;
    this.tooltip.hidden = true;
    this.drawBar();
    part('main').replaceChildren();
    this.update = this.drawView(part('main'), this);
    if (this.printing) this.drawRest();
    drawCharts(this.printing);
    scrollTo(0, top);  // charts have no height until they are drawn
    if (cell) document.querySelector<HTMLElement>(cell)?.focus({ preventScroll: true });
    focusOn(focus);
  }

  private drawView(root: HTMLElement, page: Page): ReturnType<View['render']> {
    const { title, render, ...view } = kViews.find(({ id }) => id === page.state.view)!;
    const why = whyNot(view, page);
    root.append(element('h2', {}, title));
    if (why) return void root.append(remark(why));
    try {
      return render(root, page);
    } catch (error) {
      root.append(broken(error));
    }
  }

  // On paper the pinned heads and the method follow the view.
  private drawRest(): void {
    const { head, view, pins } = this.state;
    const more = [...pins.map(key => ({ view: 'head', head: key })), { view: 'method', head }];
    for (const change of more.filter(each => each.view !== view || (view === 'head' && each.head !== head))) {
      const root = element('section', { class: 'part' });
      part('main').append(root);
      this.drawView(root, Object.create(this, { state: { value: { ...this.state, ...change } } }));
    }
  }

  private drawBar(): void {
    const focus = document.activeElement?.id, { report, state: { pins, selection, run, view } } = this;
    const chip = (content: Child, id: string, label: string, remove: () => void) =>
      element('span', { class: 'chip' }, content, button('\u00d7', remove, { id, 'aria-label': label }));
    void this.unpackPinned();
    part('nav').replaceChildren(...kViews.map(({ id, title, ...each }) =>
      button(title, () => this.go({ view: id }), { id: `tab-${id}`, 'aria-current': id === view && 'page',
        class: whyNot(each, this) && 'dim' })));
    part('.bar').replaceChildren(
      ...(report.analyses.length < 2 ? [] : report.analyses).map(({ name }, i) =>
        button(`${'AB'[i]}: ${name}`, () => this.go({ run: i, limits: null }),
          { id: `run-${i}`, 'aria-pressed': String(i === run) })),
      ...pins.flatMap(key => this.analysis.head(key) ?? []).map(head => {
        const name = headName(head), { key } = head;
        return chip(button(name, () => this.open(key), { id: `pin-${key}` }), `unpin-${key}`, `Unpin ${name}`,
          () => this.pin(key));
      }),
      selection.length ? chip(`${count(selection.length, 'head')} selected`, 'unselect', 'Select all heads',
        () => this.go({ selection: [] })) : '');
    focusOn(focus);
  }

  private applyTheme(printing = this.printing): void {
    this.printing = printing;
    this.dark = !printing && (this.theme === 'auto' ? this.preference.matches : this.theme === 'dark');
    part('#theme').textContent = `Theme: ${this.theme}`;
    document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
    this.draw();
  }

  // A frame may forbid changes of its history; one that shows us may keep the address for us.
  private remember(hash: string, push: boolean): void {
    try {
      history[push ? 'pushState' : 'replaceState'](null, '', hash);
    } catch { location.hash = hash; }
    if (parent !== window) parent.postMessage({ hash }, '*');
  }

  private follow(): void {
    if (location.hash === formatHash(this.state, this.report)) return;
    this.state = parseHash(location.hash, this.report, kNames);
    this.draw();
  }

  // The address of a file is a path of this machine, which leads nowhere on another one.
  private offerLink(): void {
    const hash = formatHash(this.state, this.report), title = 'Link to this view';
    if (/^https?:/.test(location.protocol)) offerText(title, location.href.split('#')[0] + hash);
    else offerText(title, hash, help.link);
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.tooltip.hidden = true;
    const typing = (event.target as Element).closest?.('input:not([type=checkbox]),textarea,select,dialog');
    if (!this.keys.checked || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { '[': -1, ']': 1 }[event.key];
    if (event.key === '/') {
      if (this.state.view !== 'heads') this.go({ view: 'heads' });
      focusOn('filter');
    } else if (step) {
      const { heads } = this.analysis, at = heads.findIndex(head => head.key === this.state.head) + step;
      const next = heads[Math.min(Math.max(at, 0), heads.length - 1)];
      this.open(next.key);
      this.announce(headName(next));
    } else if (event.key === '?') this.help.showModal();
    else return;
    event.preventDefault();
  }
}

async function start(): Promise<void> {
  const text = templateText('data'), fallback = part('#fallback');
  const say = (sentence: string) => fallback.replaceChildren(element('h1', {}, 'Qkscope report'),
    element('p', { role: 'alert' }, sentence));
  if (text === null) return say(help.empty);
  if (typeof DecompressionStream === 'undefined') return say(help.old);
  try {
    const report = new Report(await decode(text));
    fallback.replaceWith(part<HTMLTemplateElement>('#frame').content);
    new Application(report);
  } catch (error) {
    console.warn(error);
    document.body.replaceChildren(fallback);
    return say(help.cut);
  }
  document.documentElement.dataset.ready = 'true';
}

void start();
