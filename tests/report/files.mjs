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
export function close(shown, text) {
  if (text === "" || shown === "") return shown === text;
  const [four, three] = [4, 3].map((digits) => Number(Number(text).toPrecision(digits)));
  return plain(shown) === four || (shown.includes("e") && plain(shown) === three);
}

// "0.1 to 0.2"; nothing where there is no interval.
export function closeInterval(shown, [low, high]) {
  const [from, to = ""] = shown.split(" to ");
  return close(from, low) && close(to, high);
}

// A number of points, as it is stored: one of 2^15 steps.
function checkPoint(title, shown, expected, step) {
  assert.ok(Math.abs(shown - expected) <= 0.501 * step + 1e-5 * Math.abs(expected), `${title}: ${shown}, expected ${expected}`);
}

const headOf = ({ layer, q_head }) => `${layer}.${q_head}`;
export const kKeys = ["layer", "q_head", "k_head"];
const kLayer = /^plasticity of layer (\d+)$/;
const kSlopes = /^Mean slopes over heads by the method (\w+)/;
const kPlane = /^Plane of layer (\d+), head (\d+), (\w+)$/;

export class Files {
  // `profiles`: what Workplace.profiles() says of the only folder.
  constructor(folders, profiles = null) {
    this.folders = folders;
    this.profiles = profiles;
    this.tables = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith(".csv")).map((name) => {
      const rows = readCsv(join(folder, name));
      return { name, rows, byHead: Map.groupBy(rows, headOf) };
    }));
  }

  // A table of the page: each row must be one of a file with these columns, of the head if one is given
  // ("2.1"). Columns that no file has must follow from the files. Returns the number of rows.
  check({ title, name, columns, rows, head = null }) {
    const [, layer] = kLayer.exec(name) ?? [], [, method] = kSlopes.exec(name) ?? [];
    if (columns.includes("SHA-256") || columns.includes("sha256")) this.checkDigests(title, rows);
    else if (name.startsWith("All numbers of")) this.checkMetrics(title, rows, head);
    else if (name.startsWith("Metrics of a head")) this.checkPlaces(title, rows);
    else if (kPlane.test(name)) this.checkPlane(title, kPlane.exec(name).slice(1), rows);
    else if (method) this.checkSlopes(title, method, rows);
    else if (layer) {
      this.checkHeads(title, [...kKeys, "ap_overall", "ap_overall:low", "ap_overall:high"],
        rows.map(([k_head, q_head, ...numbers]) => [layer, q_head, k_head, ...numbers]), layer);
    } else if (kKeys.every((key, i) => columns[i] === key) && !columns.includes("q_bucket")) this.checkHeads(title, columns, rows);
    else {
      const rest = name === "Bucket means and the fitted line" ? this.checkFirstBucket(title, columns, rows, head) : rows;
      this.checkRows({ title, name, columns, rows: rest, head });
    }
    return rows.length;
  }

  checkRows({ title, name, columns, rows, head }) {
    const derived = derivedColumns(name);
    if (derived.length) checkDerived(name, columns, rows.map((row) => row.map((text) => (text === "" ? NaN : plain(text)))), this.of(head));
    const own = columns.flatMap((column, i) => (derived.includes(column) ? [] : [i]));
    const fitting = this.tables.filter((table) => table.rows.length && own.every((i) => columns[i] in table.rows[0]));
    const of = (line) => head === null || !("q_head" in line) || headOf(line) === head;
    for (const row of own.length ? rows : []) {
      const found = fitting.some((table) => table.rows.some((line) => of(line) && own.every((i) => same(row[i], line[columns[i]]))));
      assert.ok(found, `${title}: no file has ${columns.map((column, i) => `${column}=${row[i]}`).join(" ")}`);
    }
  }

  // Rows of the head by table, and its profile.
  of(head) {
    const found = { all_heads: this.rowsOf("head_metrics.csv") };
    const files = { heads: "head_metrics.csv", rope_pairs: "head_rope_pairs.csv", positions: "head_positions.csv" };
    for (const [name, file] of Object.entries(files)) found[name] = this.rowsOf(file, head);
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

  // Those of a head, if one is given.
  rowsOf(file, head) {
    const table = this.tables.find(({ name }) => name === file);
    return (head ? table?.byHead.get(head) : table?.rows) ?? [];
  }

  // A number of a head by its name in the page, with both ends of its interval, as texts. Columns of tables with more
  // rows than one of a head are "trend:position" and "method:counted". `isWide`: the numbers have 64 bits.
  metric(head, id) {
    const [kind, name] = id.split(":"), of = (file) => this.rowsOf(file, head);
    const [heads] = of("head_metrics.csv"), [diagnostics = {}] = of("head_diagnostics.csv");
    const first = of("head_methods.csv")[0]?.method, isWide = id in heads;
    const found = (value, row = {}, [low, high] = ["ci_low", "ci_high"]) =>
      ({ value, low: row[low] ?? "", high: row[high] ?? "", isWide });
    if (kind === "trend") {
      const row = of("head_trends.csv").find((each) => each.trend === name && each.method === first && each.reach === "");
      return found(row.slope, row);
    }
    if (kind === "method") {
      const row = of("head_methods.csv").find((each) => each.method === name);
      return found(row.ap_overall, row);
    }
    if (isWide) return found(heads[id], of("head_metrics_ci.csv").find((each) => each.metric === id && each.method === first));
    if (id in diagnostics) return found(diagnostics[id], diagnostics, [`${id}_low`, `${id}_high`]);
    return found(String(this.profiles.heads[head][id] ?? ""));
  }

  // `end`: "value", "low" or "high".
  checkNumber(title, head, id, end, shown) {
    const { isWide, ...expected } = this.metric(head, id);
    assert.ok(same(shown, expected[end], isWide), `${title}: ${end} of ${id} of head ${head} is ${shown}, expected ${expected[end]}`);
  }

  warnings(head) {
    const [{ warning }] = this.rowsOf("head_diagnostics.csv", head);
    const others = this.rowsOf("head_methods.csv", head).map((row) => row.warning && `${row.method} ${row.warning}`);
    return [warning, ...others].filter(Boolean).join("; ");
  }

  // Rows of label, column, value, low, high and unit.
  checkMetrics(title, rows, head) {
    for (const [, column, ...numbers] of rows) {
      ["value", "low", "high"].forEach((end, i) => this.checkNumber(title, head, column, end, numbers[i]));
    }
  }

  // Rows of label, column, file, unit and meaning.
  checkPlaces(title, rows) {
    for (const [, id, file] of rows) {
      const [kind, name] = id.split(":"), isOfProfiles = file === "head_profiles.parquet";
      const lines = isOfProfiles ? Object.values(this.profiles.heads) : this.rowsOf(file);
      assert.ok(lines.some((row) => (name ? row[kind] === name : id in row)), `${title}: ${file} has no ${id}`);
    }
  }

  // A row for each head, of a layer if one is given; columns are "ap_overall", "ap_overall:low", "warning".
  checkHeads(title, columns, rows, layer) {
    const heads = this.rowsOf("head_metrics.csv").filter((row) => !layer || row.layer === layer).map(headOf);
    assert.deepEqual(rows.map(([layer, q]) => `${layer}.${q}`).toSorted(), heads.toSorted(), title);
    for (const row of rows) {
      const head = `${row[0]}.${row[1]}`;
      for (const [i, column] of columns.entries()) {
        const [, id, end = "value"] = /^(.*?)(?::(low|high))?$/.exec(column);
        if (id === "warning") assert.equal(row[i], this.warnings(head), title);
        else this.checkNumber(title, head, id, end, row[i]);
      }
    }
  }

  // Rows of trend, heads, documents, slope, interval, unit and "3 / 2 of 24".
  checkSlopes(title, method, rows) {
    const expected = this.rowsOf("mean_trends.csv").filter((row) => row.method === method);
    assert.equal(rows.length, expected.length, title);
    for (const [i, row] of expected.entries()) {
      const [trend, heads, documents, slope, interval, unit, counts] = rows[i];
      assert.deepEqual([trend, heads, documents, unit, counts], [row.trend, row.heads.replaceAll("_", " "),
        row.reach ? `documents that reach bucket ${row.reach}` : "all documents", row.unit,
        `${row.num_rising} / ${row.num_falling} of ${row.num_heads}`], title);
      assert.ok(close(slope, row.slope), `${title}: ${trend} is ${slope}, expected ${row.slope}`);
      assert.ok(closeInterval(interval, [row.ci_low, row.ci_high]), `${title}: ${trend} has ${interval}, expected ${row.ci_low} to ${row.ci_high}`);
    }
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
  }

  checkDigests(title, rows) {
    for (const row of rows) {
      const path = this.folders.map((folder) => join(folder, row[0])).find((each) => existsSync(each));
      assert.ok(path, `${title}: there is no ${row[0]}`);
      const bytes = readFileSync(path);
      assert.ok(row.some((text) => plain(text) === bytes.length), `${title}: ${row.join(" ")}, but ${bytes.length} bytes`);
      assert.ok(row.includes(createHash("sha256").update(bytes).digest("hex")), `${title}: ${row.join(" ")}`);
    }
  }
}
