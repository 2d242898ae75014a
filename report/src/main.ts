// The page: reads its data, draws the view of the state, and keeps state and address together.

import { decode, templateText, type Container } from './data.ts';
import { drawCharts } from './chart.ts';
import { button, checkbox, element, showDialog } from './dom.ts';
import { offerText } from './export.ts';
import { count } from './format.ts';
import help from './help.json' with { type: 'json' };
import { headName, Report, type HeadKey } from './report.ts';
import { formatHash, kMostPins, parseHash, type State } from './state.ts';
import type { Page, View } from './view.ts';
import { kViews } from './views.ts';

// Storage throws in a sandboxed frame; the choices are then kept until the page is closed.
function stored(name: string, value?: string): string | null {
  try {
    if (value !== undefined) localStorage.setItem(`qkscope.${name}`, value);
    return localStorage.getItem(`qkscope.${name}`);
  } catch { return null; }
}

const kThemes = ['auto', 'light', 'dark'] as const;

class Application implements Page {
  readonly report: Report;
  state: State;
  dark = false;
  printing = false;
  private theme = kThemes.find(name => name === stored('theme')) ?? kThemes[0];
  private keys = stored('keys') !== 'off';      // commands of one key
  private update: ReturnType<View['render']> = undefined;
  private readonly second: { unpacked: Container | Promise<Container> | null } = { unpacked: null };
  private spoken = 0;    // timers: of what is read aloud, and of the tooltip
  private leaving = 0;
  private readonly names = kViews.map(view => view.id);
  private readonly preference = matchMedia('(prefers-color-scheme: dark)');
  private readonly themeButton = button('', () => {
    this.theme = kThemes[(kThemes.indexOf(this.theme) + 1) % kThemes.length];
    stored('theme', this.theme);
    this.applyTheme();
  }, { id: 'theme' });
  private readonly tabs = element('nav', { 'aria-label': 'Views' });
  private readonly bar = element('div', { class: 'bar' });
  private readonly main = element('main', { id: 'main', tabindex: -1 });
  private readonly live = element('div', { class: 'hidden', role: 'status', 'aria-live': 'polite' });
  private readonly tooltip = element('div', { class: 'tip', 'aria-hidden': 'true', hidden: true });

  constructor(report: Report) {
    this.report = report;
    this.state = parseHash(location.hash, report, this.names);
    document.title = report.title ? `${report.title} \u2013 Qkscope` : 'Qkscope report';
    const toMain = (event: Event) => { event.preventDefault(); this.main.focus(); };
    document.body.append(
      element('a', { href: '#main', class: 'skip', onclick: toMain }, 'To the view'),
      element('header', {}, element('h1', {}, report.title || 'Qkscope report'),
        element('div', { class: 'tools' }, this.themeButton,
          button('Link', () => this.offerLink(), { 'aria-label': 'Link to this view' }),
          button('Print', () => void this.unpackPinned().then(() => print())),
          button('Keys', () => this.help(), { 'aria-label': 'Keys: keyboard commands' }))),
      this.tabs, this.bar, this.main, this.live, this.tooltip);
    this.applyTheme();
    this.preference.addEventListener('change', () => this.applyTheme());
    addEventListener('beforeprint', () => { this.printing = true; this.applyTheme(); });
    addEventListener('afterprint', () => { this.printing = false; this.applyTheme(); });
    addEventListener('popstate', () => this.follow());
    addEventListener('hashchange', () => this.follow());
    addEventListener('keydown', event => this.key(event));
    this.tooltip.addEventListener('pointerleave', () => this.tip(null));
  }

  get analysis() { return this.report.analyses[this.state.run]; }

  go(change: Partial<State>): void {
    const old = this.state;
    this.state = { ...old, ...change };
    // The other analysis may not have these heads, methods and metrics.
    if (this.state.run !== old.run) this.state = parseHash(formatHash(this.state, this.report), this.report, this.names);
    const hash = formatHash(this.state, this.report);
    if (hash !== location.hash) this.remember(hash, this.state.view !== old.view);
    if (this.state.view === old.view && this.state.run === old.run && this.update?.(change)) this.drawBar();
    else this.draw();
    if (this.state.view !== old.view) {
      scrollTo(0, 0);
      this.main.focus({ preventScroll: true });
      this.announce(this.view().title);
    }
  }

  open(head: HeadKey, event?: MouseEvent | KeyboardEvent): void {
    if (event?.shiftKey) return this.pin(head);
    this.go({ view: this.names.includes('head') ? 'head' : this.state.view, head });
  }

  hover(head: HeadKey | null): void {
    for (const node of document.querySelectorAll('.hovered')) node.classList.remove('hovered');
    if (!head) return;
    for (const node of document.querySelectorAll(`[data-head="${CSS.escape(head)}"]`)) node.classList.add('hovered');
  }

  points(): Container | Promise<Container> | null {
    const { second } = this;
    const text = second.unpacked ? null : templateText('points');
    if (text) second.unpacked = decode(text).then(container => second.unpacked = container);
    return second.unpacked;
  }

  // Paper does not wait, so points are unpacked once a head is pinned. The plane says it if they cannot be.
  private async unpackPinned(): Promise<void> {
    if (this.state.pins.length) await Promise.resolve(this.points()).catch(() => null);
  }

  announce(text: string): void {
    clearTimeout(this.spoken);
    this.spoken = window.setTimeout(() => { this.live.textContent = text; }, 150);
  }

  // A tooltip stays while the pointer is on it.
  tip(lines: readonly string[] | null, at?: { x: number; y: number }): void {
    const { tooltip } = this;
    clearTimeout(this.leaving);
    if (!lines || !at) {
      this.leaving = window.setTimeout(() => { tooltip.hidden ||= !tooltip.matches(':hover'); }, 200);
      return;
    }
    const rows = lines.filter(Boolean);
    tooltip.hidden = false;
    tooltip.replaceChildren(...rows.map((text, i) => element('div', { class: i ? null : 'first' }, text)));
    const box = tooltip.getBoundingClientRect();
    const place = (from: number, size: number, room: number) => Math.max(4, from + 4 + size > room ? from - 4 - size : from + 4);
    tooltip.style.left = `${place(at.x, box.width, innerWidth)}px`;
    tooltip.style.top = `${place(at.y, box.height, innerHeight)}px`;
    this.announce(rows.join('. '));
  }

  draw(): void {
    const view = this.view();
    const active = document.activeElement, top = scrollY;
    const focus = active?.id, place = active?.closest('[role=grid]')?.id, cell = active?.getAttribute('data-at');
    this.tooltip.hidden = true;
    this.drawBar();
    this.main.replaceChildren(element('h2', {}, view.title));
    this.update = undefined;
    try {
      const why = view.unavailable(this.report);
      if (why) this.main.append(element('p', { class: 'note' }, why));
      else this.update = view.render(this.main, this);
      if (this.printing) this.drawRest();
      drawCharts(this.printing);
    } catch (error) {
      console.warn(error);
      this.main.append(element('p', { class: 'warning', role: 'alert' },
        `This view cannot be drawn: ${error instanceof Error ? error.message : error}. Try another one.`));
    }
    scrollTo(0, top);  // charts have no height until they are drawn
    const held = place && cell ? document.getElementById(place)?.querySelector<HTMLElement>(`[data-at="${cell}"]`) : null;
    held?.focus({ preventScroll: true });
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  }

  // On paper the pinned heads and the method follow the view.
  private drawRest(): void {
    const { head, view, pins } = this.state;
    const more = pins.filter(key => view !== 'head' || key !== head).map(key => ({ view: 'head', head: key }));
    for (const change of view === 'method' ? more : [...more, { view: 'method', head }]) {
      const other = kViews.find(each => each.id === change.view);
      if (!other || other.unavailable(this.report)) continue;
      const part = element('section', { class: 'part' }, element('h2', {}, other.title));
      this.main.append(part);
      other.render(part, Object.create(this, { state: { value: { ...this.state, ...change } } }));
    }
  }

  private view(): View { return kViews.find(view => view.id === this.state.view) ?? kViews[0]; }

  private drawBar(): void {
    const focus = document.activeElement?.id;
    this.tabs.replaceChildren(...kViews.map(view => button(view.title, () => this.go({ view: view.id }),
      { id: `tab-${view.id}`, 'aria-current': view.id === this.state.view ? 'page' : null,
        class: view.unavailable(this.report) ? 'dim' : null })));
    const { pins, selection } = this.state;
    void this.unpackPinned();
    const runs = this.report.analyses.length < 2 ? [] : this.report.analyses.map((analysis, i) =>
      button(`${'AB'[i]}: ${analysis.name}`, () => this.go({ run: i, limits: null }),
        { id: `run-${i}`, 'aria-pressed': String(i === this.state.run) }));
    this.bar.replaceChildren(...runs,
      ...pins.flatMap(key => {
        const head = this.analysis.head(key);
        if (!head) return [];
        return [element('span', { class: 'chip' }, button(headName(head), () => this.open(key), { id: `pin-${key}` }),
          button('\u00d7', () => this.pin(key), { id: `unpin-${key}`, 'aria-label': `Unpin ${headName(head)}` }))];
      }),
      ...(selection.length ? [element('span', { class: 'chip' }, `${count(selection.length, 'head')} selected`,
        button('\u00d7', () => this.go({ selection: [] }), { id: 'unselect', 'aria-label': 'Select all heads' }))] : []));
    this.bar.hidden = !this.bar.hasChildNodes();
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  }

  pin(head: HeadKey): void {
    const { pins } = this.state;
    const held = pins.includes(head);
    this.go({ pins: held ? pins.filter(key => key !== head) : [...pins, head].slice(-kMostPins) });
    this.announce(held ? 'Unpinned' : 'Pinned');
  }

  private applyTheme(): void {
    const dark = !this.printing && (this.theme === 'dark' || (this.theme === 'auto' && this.preference.matches));
    this.themeButton.textContent = `Theme: ${this.theme}`;
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    this.dark = dark;
    this.draw();
  }

  // A frame may forbid changes of its history; one that shows us may keep the address for us.
  private remember(hash: string, push: boolean): void {
    try {
      if (push) history.pushState(null, '', hash);
      else history.replaceState(null, '', hash);
    } catch { location.hash = hash; }
    if (parent !== window) parent.postMessage({ hash }, '*');
  }

  private follow(): void {
    if (location.hash === formatHash(this.state, this.report)) return;
    this.state = parseHash(location.hash, this.report, this.names);
    this.draw();
  }

  // The address of a file is a path of this machine, which leads nowhere on another one.
  private offerLink(): void {
    const hash = formatHash(this.state, this.report);
    if (/^https?:/.test(location.protocol)) return offerText('Link to this view', location.href.split('#')[0] + hash);
    offerText('Link to this view', hash, 'This page is a file. Send it along: whoever opens it puts this text behind ' +
      'its address, and sees the same view.');
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Escape') { this.tooltip.hidden = true; return; }
    const typing = (event.target as Element).closest?.('input:not([type=checkbox]),textarea,select,dialog');
    if (!this.keys || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === '/') {
      if (this.state.view !== 'heads') this.go({ view: 'heads' });
      document.getElementById('filter')?.focus();
    } else if (event.key === '[' || event.key === ']') {
      const { heads } = this.analysis;
      const at = heads.findIndex(head => head.key === this.state.head);
      const next = heads[Math.min(Math.max(at + (event.key === ']' ? 1 : -1), 0), heads.length - 1)];
      if (!next) return;
      this.open(next.key);
      this.announce(headName(next));
    } else if (event.key === '?') this.help();
    else return;
    event.preventDefault();
  }

  private help(): void {
    showDialog('Keyboard commands',
      element('dl', { class: 'pairs' }, ...help.keys.flatMap(([key, text]) =>
        [element('dt', {}, element('kbd', {}, key)), element('dd', {}, text)])),
      element('p', {}, checkbox('keys', 'Commands of a single key (/, [, ], ?)', this.keys, on => {
        this.keys = on;
        stored('keys', on ? 'on' : 'off');
      })));
  }
}

function say(sentence: string): void {
  const fallback = document.getElementById('fallback')!;
  fallback.hidden = false;
  fallback.replaceChildren(element('h1', {}, 'Qkscope report'), element('p', { role: 'alert' }, sentence));
}

async function start(): Promise<void> {
  const text = templateText('data'), fallback = document.getElementById('fallback')!;
  if (text === null) return say('This page holds no data yet: `qkscope report` puts them in.');
  if (typeof DecompressionStream === 'undefined') {
    return say('This browser is too old for this page: it cannot unpack the data. ' +
      'It needs Chrome 103, Firefox 113, Safari 16.4, or a later one.');
  }
  try {
    const report = new Report(await decode(text));
    fallback.hidden = true;  // charts are drawn where they are in sight
    new Application(report);
  } catch (error) {
    console.warn(error);
    return say('The data of this page cannot be read. The file may have been cut off when it was copied or mailed: ' +
      'copy it again, or write it anew with `qkscope report`.');
  }
  fallback.remove();
  document.documentElement.dataset.ready = 'true';
}

void start();
