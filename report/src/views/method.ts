// What every number means, and where it comes from.

import reading from '../reading.json' with { type: 'json' };
import { element, scrolled, table } from '../dom.ts';
import { exact } from '../format.ts';
import { remark, section } from '../parts.ts';
import { fileText, kFiles } from '../report.ts';
import type { Page, View } from '../view.ts';

export const method: View = {
  id: 'method', title: 'Method',
  render(root: HTMLElement, { analysis, report }: Page) {
    const { name, metrics, files, commands } = analysis;
    const shown = commands.map(line => line.replace(/\p{C}/gu, '?'));   // to be pasted into a shell
    root.append(
      section('How to read this page',
        element('ul', { class: 'lead' }, ...reading.map(line => element('li', {}, line)))),
      section('Metrics', scrolled('Metrics', table('Metrics of a head, and the files that hold them',
        ['metric', 'column', 'file', 'unit', 'meaning'],
        metrics.map(({ label, id, file, unit, definition }) => [label, id, file, unit, definition])))),
      section('Files', scrolled('Files', table(`Files of ${name || 'the analysis'}, and their digests`,
        ['file', 'meaning', 'bytes', 'sha256'],
        files.map(({ name, bytes, sha256, table }) =>
          [name, fileText(kFiles[table], 2), exact(bytes), sha256])))),
      section('Commands', element('p', {}, 'The analysis, this page, and the same figures for a paper:'),
        scrolled('Commands', element('pre', {}, shown.join('\n')))),
      section('Record of the analysis',
        scrolled('Record', element('pre', {}, JSON.stringify(analysis.record, null, 2)))),
      remark(`Written by ${report.program || 'qkscope'}. The page asks nothing of the network.`));
  },
};
