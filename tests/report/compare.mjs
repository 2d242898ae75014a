// Two analyses in one page.
import assert from "node:assert/strict";
import { join } from "node:path";
import { readCsv } from "./csv.mjs";
import { close, closeInterval, same } from "./files.mjs";
import { tour } from "./odd_data.mjs";
import { tablesOf } from "./numbers.mjs";
import { show } from "./browsers.mjs";

// The rows that `qkscope compare` writes.
function compared(place, folders) {
  const output = place.path("compared");
  const done = place.run_program("compare", ...folders, "--output_dir", output, "--overwrite");
  assert.equal(done.status, 0, done.stderr);
  return readCsv(join(output, "compare.csv"));
}

// By what compare.csv says of a difference.
const kChanged = { true: "yes", false: "no", "": "not tested" };

// Those that changed before the others, by size.
function movers(rows) {
  const size = (row) => Math.abs(row.difference), isChanged = (row) => Number(row.significant === "true");
  return rows.toSorted((x, y) => isChanged(y) - isChanged(x) || size(y) - size(x)).slice(0, 15);
}

// `rows`: of compare.csv, of the metric that is shown.
async function checkDifferences(page, rows) {
  const tables = await tablesOf(page), named = (end) => tables.find(({ name }) => name.endsWith(end));
  const head = (row) => `${row.layer}.${row.q_head}`;
  const map = await page.$$eval("table[role=grid] td[data-head]", (cells) => cells.map((cell) => cell.getAttribute("aria-label")));
  const { columns, rows: differences } = named(", B \u2212 A"), { rows: sides } = named("A against B"), { rows: biggest } = named("by size");
  const named_in_file = columns.filter((name) => name !== "verdict");
  assert.deepEqual([map, differences, sides, biggest].map(({ length }) => length), [rows.length, rows.length, rows.length, Math.min(rows.length, 15)]);
  for (const [i, row] of rows.entries()) {
    const isUnsure = row.ci_low === "" || (row.ci_low <= 0 && row.ci_high >= 0);
    const [, name, shown, unsure] = /^(.*): difference ([^,]*)(, not sure)?$/.exec(map[i]);
    assert.deepEqual([name, Boolean(unsure)], [`layer ${row.layer}, head ${row.q_head}`, isUnsure], map[i]);
    assert.ok(same(shown, row.difference, true), `${map[i]}, expected ${row.difference}`);
    for (const column of named_in_file) assert.ok(same(differences[i][columns.indexOf(column)], row[column], true), `${column} of ${differences[i]}, expected ${row[column]}`);
    assert.ok(sides[i][0] === head(row) && same(sides[i][1], row.a, true) && same(sides[i][2], row.b, true), `${sides[i]}, expected ${row.a} and ${row.b}`);
  }
  for (const [i, row] of movers(rows).entries()) {
    const [name, a, b, difference, interval, p, changed] = biggest[i];
    assert.deepEqual([name, changed], [head(row), kChanged[row.significant]]);
    const isClose = close(a, row.a) && close(b, row.b) && close(difference, row.difference) && close(p, row.p_value);
    assert.ok(isClose && closeInterval(interval, [row.ci_low, row.ci_high]), `${biggest[i]}, expected ${Object.values(row)}`);
  }
}

export function add(place) {
  place.test("compare: an analysis with itself differs nowhere", async () => {
    const { folder } = place.small;
    const path = place.report("itself", [folder, folder], "--names=one,two");
    await place.visit(path, { hash: "#1/compare" }, async (page) => {
      const tables = await tablesOf(page);
      const numbers = tables.flatMap(({ columns, rows }) => rows.flatMap((row) => row.filter((text, i) => columns[i] === "difference" && text !== "")));
      assert.ok(numbers.length > 10, `${numbers.length} differences`);
      assert.deepEqual(numbers.filter((text) => Number(text) !== 0), []);
      assert.ok(tables.some(({ columns }) => columns.includes("difference") && columns.includes("verdict")));
      await tour(page);
    });
  });

  place.test("compare: differences are those of the two files", async () => {
    for (const [name, metrics] of [["pair", ["ap_overall"]], ["captured_pair", ["ap_overall", "q_beta_norm"]]]) {
      const { folders, path } = place[name];
      const all = compared(place, folders);
      for (const metric of metrics) {
        await place.visit(path, { hash: `#1/compare?m=${metric}` }, async (page) => checkDifferences(page, all.filter((row) => row.metric === metric)));
      }
      await place.visit(path, {}, (page) => tour(page));
    }
  });

  place.test("compare: a head that one analysis lacks is shown of the other, and compared nowhere", async () => {
    await place.visit(place.gaps.path, { scheme: "dark", hash: "#1/compare" }, async (page) => {
      const [of_a, of_b] = place.gaps.alone;
      const maps = await page.$$eval("table[role=grid]", (tables) => tables.map((table) => [...table.querySelectorAll("td[data-head]")].map((cell) => cell.dataset.head)));
      assert.deepEqual(maps.map((heads) => [heads.length, heads.includes(of_a), heads.includes(of_b)]), [[22, false, false]]);
      const text = await page.$eval("main", (node) => node.innerText);
      for (const head of place.gaps.alone) assert.ok(!new RegExp(`^${head.replace(".", "\\.")}\\b`, "m").test(text), `${head} is compared`);
      for (const { name, columns, rows } of await tablesOf(page)) {
        const found = rows.map((row) => (columns[0] === "layer" ? `${row[0]}.${row[1]}` : row[0]));
        if (/A against B|A$/.test(name)) assert.deepEqual([found.length, found.includes(of_a), found.includes(of_b)], [22, false, false], name);
      }
      await tour(page);
      await show(page, "overview");
      assert.match(await page.$eval("main", (node) => node.innerText), /Only one has 1 of the heads, .*layer 2, query head 1[\s\S]*Only two has 1 of the heads, .*layer 3, query head 0/);
      await page.evaluate(() => { location.hash = "#1/head?h=2.1"; });
      await page.waitForFunction(() => document.querySelector("main strong")?.textContent === "layer 2, head 1");
      const [curve] = (await tablesOf(page)).filter(({ columns }) => columns.includes("ap_mean"));
      assert.deepEqual([...new Set(curve.rows.map(([analysis]) => analysis))], ["one"]);
    });
  });

  place.test("compare: what cannot be compared is said, other heads are shown all the same", async () => {
    const others = { other: { layers: 4, heads: 8, buckets: 6, width: 256, seed: 9 }, several: { seed: 9 } };
    for (const [name, options] of Object.entries(others)) {
      const other = place.analysis(name, { ...options, model: "made/other", vector: "pre_rope" });
      const path = place.report(`unequal-${name}`, [place.small.folder, other]);
      await place.visit(path, { hash: "#1/compare" }, async (page) => {
        assert.match(await page.$eval("main .warning.differs", (node) => node.innerText),
          /^More than one thing differs, .* none is shown: .*model: A model-1B, B other; vector: A post_rope, B pre_rope\.$/);
        assert.doesNotMatch(await page.$eval("main", (node) => node.innerText), /B \u2212 A/);
        assert.deepEqual(await page.$$("main table[role=grid]"), []);
        assert.ok((await tablesOf(page)).every(({ rows }) => rows.length > 20));
        await tour(page);
      });
    }
  });
}
