// Downloads and texts to copy: pictures, tables, rows for a paper.

import { button, element, showDialog } from './dom.ts';
import { exact } from './format.ts';

// The rows of a table by the names of its columns, which are those of the first row.
export type Rows = readonly Readonly<Record<string, string | number>>[];

export function csv(rows: Rows): string {
  const cell = (value: string | number) => {
    const text = typeof value === 'number' ? exact(value) : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [Object.keys(rows[0] ?? {}), ...rows.map(row => Object.values(row))]
    .map(line => `${line.map(cell).join(',')}\n`).join('');
}

// A name for a file: letters, digits and dashes.
export function fileName(...parts: string[]): string {
  const name = parts.join('-').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return name.slice(0, 100).toLowerCase() || 'report';
}

export function latexEscape(text: string): string {
  const names: Record<string, string> = { '\\': 'backslash', '~': 'asciitilde', '^': 'asciicircum' };
  return text.replace(/[\\~^&%$#_{}]/g, letter => (names[letter] ? `\\text${names[letter]}{}` : `\\${letter}`));
}

// A number with its interval, for a table of a paper.
export function latexNumber(value: number, low = NaN, high = NaN): string {
  if (Number.isNaN(value)) return '--';
  const digits = (number: number) => {
    const [mantissa, power] = number.toPrecision(3).split('e');
    return power ? `${mantissa} \\times 10^{${Number(power)}}` : mantissa;
  };
  return Number.isNaN(low) ? `$${digits(value)}$` : `$${digits(value)}\\;[${digits(low)}, ${digits(high)}]$`;
}

export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = element('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export function downloadCsv(name: string, rows: Rows): void {
  download(`${name}.csv`, new Blob([csv(rows)], { type: 'text/csv' }));
}

const kInlined = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity', 'fill-opacity',
  'opacity', 'font-size', 'font-weight', 'text-anchor'];

// The picture as a file of its own: colours as computed here, a generic font, the background of the page.
export function svgText(picture: SVGSVGElement): string {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const from = [picture, ...picture.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((node, i) => {
    const style = getComputedStyle(from[i]);
    for (const name of kInlined) {
      const value = style.getPropertyValue(name);
      if (value) node.setAttribute(name, value);
    }
    node.removeAttribute('style');
    node.removeAttribute('class');
    node.removeAttribute('tabindex');
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('font-family', 'sans-serif');
  const back = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  back.setAttribute('width', '100%');
  back.setAttribute('height', '100%');
  back.setAttribute('fill', getComputedStyle(document.body).backgroundColor);
  copy.prepend(back);
  return new XMLSerializer().serializeToString(copy);
}

function attached<T>(picture: SVGSVGElement, use: () => T): T {
  if (picture.isConnected) return use();
  document.body.append(picture);
  try { return use(); } finally { picture.remove(); }
}

export function downloadSvg(name: string, picture: SVGSVGElement): void {
  const text = attached(picture, () => svgText(picture));
  download(`${name}.svg`, new Blob([text], { type: 'image/svg+xml' }));
}

// Twice as many dots as on the screen.
export async function downloadPng(name: string, picture: SVGSVGElement): Promise<void> {
  const text = attached(picture, () => svgText(picture));
  const url = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = element('canvas', { width: 2 * Number(picture.getAttribute('width')),
    height: 2 * Number(picture.getAttribute('height')) });
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  canvas.toBlob(blob => blob && download(`${name}.png`, blob), 'image/png');
}

// A text to be copied: shown, selected, and with a button, since the clipboard may be closed to us.
export function offerText(title: string, text: string, remark = ''): void {
  const area = element('textarea', { readonly: true, rows: 4, 'aria-label': title });
  area.value = text;
  const done = element('span', { role: 'status' });
  const copy = async () => {
    area.select();
    const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    done.textContent = copied || document.execCommand('copy') ? 'Copied.' : 'Select the text and copy it.';
  };
  showDialog(title, area, remark && element('p', {}, remark),
    element('p', {}, button('Copy', copy), ' ', done));
  area.select();
}
