// Every number that is shown is that of a file.
import assert from "node:assert/strict";
import { join } from "node:path";
import { press, show } from "./browsers.mjs";
import { readCsv } from "./csv.mjs";

const keys = ["layer", "q_head", "k_head"];

// Values are stored in 32 bits, but those of head_metrics.csv and head_metrics_ci.csv.
function same(shown, text, wide) {
  if (text === "") return shown === "" || shown === "no value";
  const value = Number(text);
  return Number(shown) === value || (!wide && Number(shown) === Math.fround(value));
}

async function cellsOf(page, selector) {
  return page.evaluate((text) => [...document.querySelectorAll(`${text} td[aria-label]`)]
    .map((node) => node.getAttribute("aria-label")), selector);
}

export function add(place) {
  place.test("numbers: the map shows each metric of each head as the files have it", async () => {
    const { folder, path } = place.small;
    const rows = readCsv(join(folder, "head_metrics.csv"));
    const diagnostics = readCsv(join(folder, "head_diagnostics.csv"));
    await place.visit(path, { hash: "#1/map" }, async (page) => {
      const options = await page.$$eval("#metric option", (nodes) => nodes.map((node) => node.value));
      const named = Object.keys(rows[0]).filter((name) => !keys.includes(name));
      assert.deepEqual(named.filter((name) => !options.includes(name)), []);
      let compared = 0;
      for (const metric of options) {
        await page.select("#metric", metric);
        const table = metric in rows[0] ? rows : metric in diagnostics[0] ? diagnostics : null;
        if (!table) continue;
        const labels = await cellsOf(page, "table[role=grid]");
        for (const row of table) {
          const begin = `layer ${row.layer}, head ${row.q_head}: `;
          const label = labels.find((text) => text.startsWith(begin));
          assert.ok(label, `${metric}: no cell of ${begin}`);
          assert.ok(same(label.slice(begin.length), row[metric], table === rows), `${metric}: "${label}", expected ${row[metric]}`);
          compared += 1;
        }
      }
      assert.ok(compared >= 24 * (named.length + 5), `${compared} cells`);
    });
  });
}
