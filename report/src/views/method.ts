// What every number means, and where it comes from.

import reading from '../reading.json' with { type: 'json' };
import { element, table } from '../dom.ts';
import { exact } from '../format.ts';
import { fileText, type Analysis } from '../report.ts';
import type { Page, View } from '../view.ts';

function scrolled(label: string, content: HTMLElement): HTMLElement {
  return element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, content);
}

function commands(analysis: Analysis): string[] {
  const { configured } = analysis.record;
  const options = Object.entries(configured ?? {}).filter(([name]) => name !== 'dataset' && name !== 'output_dir')
    .map(([name, value]) => ` --${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`).join('');
  return [`qkscope analyze ${configured?.dataset ?? 'DATASET'}${options} --output_dir ${analysis.name || 'RESULTS'}`,
    `qkscope report ${analysis.name || 'RESULTS'}`,
    `qkscope plot plasticity --bucket_csv ${analysis.name || 'RESULTS'}/head_bucket_plasticity.csv`,
    `qkscope plot heatmap --bucket_csv ${analysis.name || 'RESULTS'}/head_bucket_plasticity.csv`,
    `qkscope plot distance --detail_csv ${analysis.name || 'RESULTS'}/head_bucket_details.csv`];
}

export const method: View = {
  id: 'method',
  title: 'Method',
  unavailable: () => null,
  render(root: HTMLElement, page: Page) {
    const { analysis, report } = page;
    root.append(
      element('h3', {}, 'How to read this page'),
      element('ul', { class: 'lead' }, ...reading.map(line => element('li', {}, line))),
      element('h3', {}, 'Metrics'), scrolled('Metrics', table('Metrics of a head, and the files that hold them',
        ['metric', 'column', 'file', 'unit', 'meaning'],
        analysis.metrics.map(metric => [metric.label, metric.id, metric.file, metric.unit, metric.definition]))),
      element('h3', {}, 'Files'), scrolled('Files', table(`Files of ${analysis.name || 'the analysis'}, and their digests`,
        ['file', 'meaning', 'bytes', 'sha256'],
        analysis.files.map(({ name, bytes, sha256 }) => [name, fileText(name, 1), exact(bytes), sha256]))),
      element('h3', {}, 'Commands'), element('p', {}, 'The analysis, this page, and the same figures for a paper:'),
      scrolled('Commands', element('pre', {}, commands(analysis).join('\n'))),
      element('h3', {}, 'Record of the analysis'),
      scrolled('Record', element('pre', {}, JSON.stringify(analysis.record, null, 2))),
      element('p', { class: 'note' }, `Written by ${report.program || 'qkscope'}. The page asks nothing of the network.`));
  },
};
