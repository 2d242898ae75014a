// Downloads and texts to copy: pictures, tables, rows for a paper.

import { element, setAttributes, svgElement } from './dom.ts';
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

function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = element('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export const downloadCsv = (name: string, rows: Rows) =>
  download(`${name}.csv`, new Blob([csv(rows)], { type: 'text/csv' }));

const kInlined = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity', 'fill-opacity',
  'opacity', 'font-size', 'font-weight', 'text-anchor'];
const kOfThePage = ['style', 'class', 'tabindex', 'aria-roledescription', 'aria-description'];

// The picture as a file of its own: colours as computed here, a generic font, the background of the page.
function svgFile(picture: SVGSVGElement): Blob {
  const absent = !picture.isConnected;
  if (absent) document.body.append(picture);  // styles are computed in the page alone
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const from = [picture, ...picture.querySelectorAll('*')], to = [copy, ...copy.querySelectorAll('*')];
  to.forEach((node, i) => {
    const style = getComputedStyle(from[i]), canvas = from[i].firstChild;
    for (const name of kInlined) node.setAttribute(name, style.getPropertyValue(name));
    for (const name of kOfThePage) node.removeAttribute(name);
    if (!(canvas instanceof HTMLCanvasElement)) return;
    const { width, height } = canvas;
    node.replaceWith(svgElement('image', { href: canvas.toDataURL(), width: width / 2, height: height / 2 }));
  });
  if (absent) picture.remove();
  setAttributes(copy, { xmlns: 'http://www.w3.org/2000/svg', 'font-family': 'sans-serif', role: 'img' });
  const fill = getComputedStyle(document.body).backgroundColor;
  copy.prepend(svgElement('rect', { width: '100%', height: '100%', fill }));
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: 'image/svg+xml' });
}

export const downloadSvg = (name: string, picture: SVGSVGElement) =>
  download(`${name}.svg`, svgFile(picture));

// Twice as many dots as on the screen.
export async function downloadPng(name: string, picture: SVGSVGElement): Promise<void> {
  const image = element('img', { src: URL.createObjectURL(svgFile(picture)) });
  await image.decode();
  const [width, height] = ['width', 'height'].map(side => 2 * Number(picture.getAttribute(side)));
  const canvas = element('canvas', { width, height });
  canvas.getContext('2d')!.drawImage(image, 0, 0, width, height);
  URL.revokeObjectURL(image.src);
  canvas.toBlob(blob => blob && download(`${name}.png`, blob), 'image/png');
}

// A text to be copied: shown, selected, and with a button, since the clipboard may be closed to us.
export function offerText(title: string, text: string, remark = ''): void {
  const dialog = document.querySelector<HTMLDialogElement>('#offer')!;   // of page.html
  const [heading, more, copy, done] = dialog.querySelectorAll<HTMLElement>('h2,p,.copy,[role=status]');
  const area = dialog.querySelector('textarea')!;
  [heading.textContent, more.textContent, done.textContent, area.value] = [title, remark, '', text];
  copy.onclick = async () => {
    area.select();
    const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    done.textContent = copied || document.execCommand('copy') ? 'Copied.' : 'Select the text and copy it.';
  };
  dialog.showModal();
  area.select();
}
