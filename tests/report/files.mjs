// The files of an analysis, and whether they have the numbers that are shown.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readCsv } from "./csv.mjs";
import { checkDerived, derivedColumns, firstBucket } from "./derived.mjs";

// Values are stored in 32 bits, but those of head_metrics.csv and head_metrics_ci.csv.
export function same(shown, text, wide = false) {
  if (text === "") return shown === "" || shown === "no value";
  if (shown === text) return true;
  const value = Number(text);
  if (Number.isNaN(value) || shown === "") return false;
  return Number(shown) === value || (!wide && Math.fround(Number(shown)) === Math.fround(value));
}

// "\u22121\u202f234.5" is -1234.5.
export const plain = (shown) => Number(shown.replace("\u2212", "-").replace(/[\u202f\u00a0 ,](?=\d{3})/g, ""));

// Where numbers are compared with each other they have four significant digits; with an exponent, three.
const rounded = (value) => [Number(value.toPrecision(4)), Number(value.toPrecision(3))];

export function close(shown, text) {
  if (text === "" || shown === "") return shown === text;
  const [four, three] = rounded(Number(text));
  return plain(shown) === four || (shown.includes("e") && plain(shown) === three);
}

// A number of points, as it is stored: one of 2^15 steps.
function checkPoint(title, shown, expected, step) {
  assert.ok(Math.abs(shown - expected) <= 0.501 * step + 1e-5 * Math.abs(expected), `${title}: ${shown}, expected ${expected}`);
}

const kPlane = /^Plane of layer (\d+), head (\d+), (\w+)$/;

export class Files {
  // `profiles`: what Workplace.profiles() says of the only folder.
  constructor(folders, profiles = null) {
    this.folders = folders;
    this.profiles = profiles;
    this.tables = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith(".csv"))
      .map((name) => ({ name, rows: readCsv(join(folder, name)) })));
    this.numbers = new Set();  // with 32 bits
    for (const { rows } of this.tables) {
      for (const row of rows) {
        for (const text of Object.values(row)) {
          if (text === "" || Number.isNaN(Number(text))) continue;
          const value = Number(text);
          for (const each of [value, ...rounded(value)]) this.numbers.add(Math.fround(each));
        }
      }
    }
  }

  // A table of the page: each row must be one of a file with these columns, of the head if one is given
  // ("2.1"); where no file has them all, each number must be in some file. Columns that no file has must
  // follow from the files. Returns "rows" or "numbers".
  check({ title, name, columns, rows, head = null }) {
    if (columns.includes("SHA-256") || columns.includes("sha256")) return this.checkDigests(title, rows);
    if (name.startsWith("All numbers of")) return this.checkMetrics(title, rows, head);
    if (kPlane.test(name)) return this.checkPlane(title, kPlane.exec(name).slice(1), rows);
    const rest = name === "Bucket means and the fitted line" ? this.checkFirstBucket(title, columns, rows, head) : rows;
    return this.checkRows({ title, name, columns, rows: rest, head });
  }

  checkRows({ title, name, columns, rows, head }) {
    const derived = derivedColumns(name);
    if (derived.length) checkDerived(name, columns, rows.map((row) => row.map((text) => (text === "" ? NaN : plain(text)))), this.of(head));
    const own = columns.flatMap((column, i) => (derived.includes(column) ? [] : [i]));
    const fitting = this.tables.filter((table) => own.length && table.rows.length && own.every((i) => columns[i] in table.rows[0]));
    const of = (line) => head === null || !("q_head" in line) || `${line.layer}.${line.q_head}` === head;
    for (const row of fitting.length ? rows : []) {
      const found = fitting.some((table) => table.rows.some((line) => of(line) && own.every((i) => same(row[i], line[columns[i]]))));
      assert.ok(found, `${title}: no file has ${columns.map((column, i) => `${column}=${row[i]}`).join(" ")}`);
    }
    if (fitting.length) return "rows";
    for (const row of rows) {
      for (const i of own) {
        if (row[i] === "" || Number.isNaN(plain(row[i]))) continue;
        assert.ok(this.has(row[i]), `${title}: no file has the ${columns[i]} ${row[i]} of ${row.join(" ")}`);
      }
    }
    return "numbers";
  }

  // Rows of the head by table, and its profile.
  of(head) {
    const found = { all_heads: this.rowsOf("head_metrics.csv") };
    const files = { heads: "head_metrics.csv", rope_pairs: "head_rope_pairs.csv", positions: "head_positions.csv" };
    for (const [name, file] of Object.entries(files)) {
      found[name] = this.rowsOf(file).filter((row) => `${row.layer}.${row.q_head}` === head);
    }
    return { ...found, profile: this.profiles?.heads[head], normal: this.profiles?.normal };
  }

  // The rows without that of the first bucket, if there is one.
  checkFirstBucket(title, columns, rows, head) {
    if (rows[0][columns.indexOf("position_from")] !== "0") return rows;
    const expected = firstBucket(this.of(head));
    for (const [i, column] of columns.entries()) {
      const close = column in expected ? Math.abs(plain(rows[0][i]) - expected[column]) <= 1e-4 : rows[0][i] === "";
      assert.ok(close, `${title}: ${column} of the first bucket is ${rows[0][i]}, expected ${expected[column]}`);
    }
    return rows.slice(1);
  }

  rowsOf(file) {
    return this.tables.find(({ name }) => name === file)?.rows ?? [];
  }

  // Rows of label, column, value, low, high and unit; columns of tables with more rows than one of a head are
  // "trend:position" and "method:counted".
  checkMetrics(title, rows, head) {
    const lines = (file) => this.rowsOf(file).filter((row) => `${row.layer}.${row.q_head}` === head);
    const [heads] = lines("head_metrics.csv"), [diagnostics] = lines("head_diagnostics.csv");
    const first = lines("head_methods.csv")[0]?.method;
    const of = {
      trend: (name) => lines("head_trends.csv").find((row) => row.trend === name && row.method === first && row.reach === "").slope,
      method: (name) => lines("head_methods.csv").find((row) => row.method === name).ap_overall,
    };
    for (const [, column, value, ...limits] of rows) {
      const [kind, name] = column.split(":");
      const expected = name ? of[kind](name) : heads[column] ?? diagnostics[column] ?? this.profiles.heads[head][column];
      assert.ok(same(value, String(expected), column in heads), `${title}: ${column} is ${value}, expected ${expected}`);
      for (const limit of limits.slice(0, 2).filter(Boolean)) assert.ok(this.has(limit), `${title}: no file has the limit ${limit} of ${column}`);
    }
    return "numbers";
  }

  has(text) {
    return this.numbers.has(Math.fround(plain(text)));
  }

  // Rows of kind, position, bucket, document, x and y: the queries, then the keys.
  checkPlane(title, [layer, head, plane], rows) {
    const profile = this.profiles.heads[`${layer}.${head}`];
    const numbers = this.profiles.documentNumbers;
    const step = Math.max(...["q", "k"].flatMap((kind) => profile[`${kind}_${plane}`].map(Math.abs))) / 32767;
    const points = ["q", "k"].flatMap((kind) => profile[`${kind}_position`].map((position, i) => ({
      shown: [kind === "q" ? "query" : "key", position, profile[`${kind}_bucket`][i], numbers.get(profile[`${kind}_example_id`][i])].join(" "),
      place: profile[`${kind}_${plane}`].slice(2 * i, 2 * i + 2) })));
    assert.equal(rows.length, Math.min(points.length, 1000), title);
    for (const [i, row] of rows.entries()) {
      assert.equal(row.slice(0, 4).join(" "), points[i].shown, title);
      points[i].place.forEach((value, axis) => checkPoint(`${title}, row ${i}`, plain(row[4 + axis]), value, step));
    }
    return "rows";
  }

  checkDigests(title, rows) {
    for (const row of rows) {
      const path = this.folders.map((folder) => join(folder, row[0])).find((each) => existsSync(each));
      assert.ok(path, `${title}: there is no ${row[0]}`);
      const bytes = readFileSync(path);
      assert.ok(row.some((text) => plain(text) === bytes.length), `${title}: ${row.join(" ")}, but ${bytes.length} bytes`);
      assert.ok(row.includes(createHash("sha256").update(bytes).digest("hex")), `${title}: ${row.join(" ")}`);
    }
    return "rows";
  }
}
