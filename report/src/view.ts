// What a view is, and what the page offers to it.

import type { Container } from './data.ts';
import type { Analysis, HeadKey, Report } from './report.ts';
import type { State } from './state.ts';

export interface View {
  id: string;
  title: string;
  needs?: string;   // a table: without it the page says by which command it is made
  // One sentence: why else the view cannot be shown with these data.
  unavailable?(page: Page): string | null;
  // Draws the view into `root`. The function that it may return is asked before the view is drawn again
  // after a change of the state; true: the view is up to date already.
  render(root: HTMLElement, page: Page): void | ((change: Partial<State>) => boolean);
}

export interface Page {
  report: Report;
  analysis: Analysis;  // the one that is shown: report.analyses[state.run]
  state: State;
  dark: boolean;
  printing: boolean;   // lists are drawn whole
  go(change: Partial<State>): void;       // a new view is a new entry of the history
  open(head: HeadKey, event?: MouseEvent | KeyboardEvent): void;  // its page; with Shift: pin it
  pin(head: HeadKey): void;               // or unpin it
  // The second container, unpacked on first use; null: there is none.
  points(): Container | Promise<Container> | null;
  // The tooltip, near a point of the window; null hides it. Elements with data-head `head` are marked.
  tip(lines: readonly string[] | null, at?: { x: number; y: number }, head?: HeadKey): void;
}
