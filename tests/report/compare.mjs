// Two analyses in one page.
import assert from "node:assert/strict";
import { join } from "node:path";
import { readCsv } from "./csv.mjs";
import { kMostElements, tour } from "./odd_data.mjs";
import { tablesOf } from "./numbers.mjs";
import { show } from "./browsers.mjs";

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
    const { folders, path } = place.pair;
    const [a, b] = folders.map((folder) => new Map(readCsv(join(folder, "head_metrics.csv")).map((row) => [`${row.layer}.${row.q_head}`, row])));
    await place.visit(path, { hash: "#1/compare" }, async (page) => {
      const maps = await page.$$eval("table[role=grid] td[data-head]", (nodes) => nodes.map((node) => [node.closest("table").id, node.dataset.head, node.getAttribute("aria-label")]));
      assert.ok(maps.length >= 24, `${maps.length} cells`);
      const values = (head) => [a.get(head), b.get(head)].map((row) => Number(row.ap_overall));
      for (const [id, head, label] of maps) {
        const shown = Number(/: (?:difference )?(-?[\d.e-]+)/.exec(label.replace("\u2212", "-"))?.[1]);
        const [first, second] = values(head);
        const fits = [first, second, second - first].some((value) => Math.abs(value - shown) < 1e-6);
        assert.ok(fits, `${id}: ${label}, files have ${first} and ${second}`);
      }
      await tour(page);
    });
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
    const other = place.analysis("other", { layers: 4, heads: 8, buckets: 6, width: 256, seed: 9, model: "made/other", vector: "pre_rope" });
    const path = place.report("unequal", [place.small.folder, other]);
    await place.visit(path, {}, async (page) => {
      await show(page, "compare");
      assert.match(await page.evaluate(() => document.querySelector("main").innerText), /differ|not paired|cannot/i);
      await tour(page);
      assert.ok(await page.evaluate(() => document.querySelectorAll("*").length) <= kMostElements);
    });
  });
}
