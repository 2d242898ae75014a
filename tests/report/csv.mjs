// A small reader of CSV files, so that tests compare with what lies on disk.
import { readFileSync } from "node:fs";

// The rows as objects of texts.
export function parseCsv(text) {
  const rows = [[]];
  const pattern = /("(?:[^"]|"")*"|[^,\n]*)(,|\n|$)/gy;
  for (let match = pattern.exec(text); match && pattern.lastIndex <= text.length; match = pattern.exec(text)) {
    const cell = match[1];
    rows.at(-1).push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (match[2] === "\n") rows.push([]);
    if (match[2] === "" || pattern.lastIndex >= text.length) break;
  }
  const [header, ...lines] = rows.filter((row) => row.length > 1 || row[0]);
  return lines.map((line) => Object.fromEntries(header.map((name, i) => [name, line[i] ?? ""])));
}

export function readCsv(path) {
  return parseCsv(readFileSync(path, "utf8"));
}
