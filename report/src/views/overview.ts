// What was measured, how much of it, and what to be careful about.

import { element } from '../dom.ts';
import type { Page, View } from '../view.ts';

export const overview: View = {
  id: 'overview',
  title: 'Overview',
  unavailable: () => null,
  render(root: HTMLElement, page: Page) {
    root.append(element('p', {}, `${page.analysis.heads.length} heads`));
  },
};
