// Every number that is shown is that of a file.
import assert from "node:assert/strict";
import { join } from "node:path";
import { show, viewsOf } from "./browsers.mjs";
import { readCsv } from "./csv.mjs";
import { close, Files, same } from "./files.mjs";

const kKeys = ["layer", "q_head", "k_head"];

// All tables that charts offer, opened.
export async function tablesOf(page) {
  return page.evaluate(() => {
    for (const button of document.querySelectorAll("button[aria-label$=': as table'][aria-expanded=false]")) button.click();
    return [...document.querySelectorAll("main table:not([role])")].map((table) => ({
      name: table.caption?.textContent ?? "",
      columns: [...table.tHead.rows[0].cells].map((cell) => cell.textContent),
      rows: [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
    }));
  });
}

export async function labelsOf(page, selector) {
  return page.evaluate((text) => [...document.querySelectorAll(text)].map((node) => node.getAttribute("aria-label")), selector);
}

async function checkMap(place, folder, path) {
  const rows = readCsv(join(folder, "head_metrics.csv"));
  const diagnostics = readCsv(join(folder, "head_diagnostics.csv"));
  await place.visit(path, { hash: "#1/map" }, async (page) => {
    const options = await page.$$eval("#metric option", (nodes) => nodes.map((node) => node.value));
    const named = Object.keys(rows[0]).filter((name) => !kKeys.includes(name));
    assert.deepEqual(named.filter((name) => !options.includes(name)), []);
    let compared = 0;
    for (const metric of options) {
      await page.select("#metric", metric);
      const table = metric in rows[0] ? rows : metric in diagnostics[0] ? diagnostics : [];
      const labels = await labelsOf(page, "table[role=grid] td[aria-label]");
      for (const row of table) {
        const begin = `layer ${row.layer}, head ${row.q_head}: `;
        const label = labels.find((text) => text.startsWith(begin));
        assert.ok(label, `${metric}: no cell of ${begin}`);
        assert.ok(same(label.slice(begin.length), row[metric], table === rows), `${metric}: "${label}", expected ${row[metric]}`);
        compared += 1;
      }
    }
    assert.ok(compared >= rows.length * (named.length + 5), `${compared} cells`);
  });
}

// The rows of the virtual list, while it is scrolled from top to bottom.
async function listed(page) {
  return page.evaluate(async () => {
    const list = document.querySelector("#heads");
    const found = new Map();
    for (let top = 0; ; top += 200) {
      list.scrollTop = top;
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      for (const row of list.querySelectorAll("[data-index]")) {
        found.set(row.dataset.head, [...row.children].map((cell) => cell.textContent));
      }
      if (list.scrollTop < top) return [...found];
    }
  });
}

export function add(place) {
  place.test("numbers: the map shows each metric of each head as the files have it", async () => {
    await checkMap(place, place.small.folder, place.small.path);
  });

  place.test("numbers: the list shows each metric of each head as the files have it", async () => {
    const { folder, path } = place.small;
    const rows = readCsv(join(folder, "head_metrics.csv"));
    await place.visit(path, { hash: "#1/heads" }, async (page) => {
      for (const metric of Object.keys(rows[0]).filter((name) => !kKeys.includes(name))) {
        await page.select("#metric", metric);
        const shown = new Map(await listed(page));
        assert.equal(shown.size, rows.length);
        for (const row of rows) {
          const cells = shown.get(`${row.layer}.${row.q_head}`);
          assert.ok(cells.some((text) => close(text, row[metric])), `${metric}: ${cells.join(" | ")}, expected ${row[metric]}`);
        }
      }
    });
  });

  place.test("numbers: every table of every view has the rows of its file", async () => {
    const { folder, path } = place.small;
    const files = new Files([folder], place.profiles(folder));
    const found = { rows: 0, numbers: 0 };
    await place.visit(path, {}, async (page) => {
      for (const view of await viewsOf(page)) {
        await show(page, view);
        for (const table of await tablesOf(page)) found[files.check({ ...table, title: `${view}, ${table.name}`, head: view === "head" ? "0.0" : null })] += table.rows.length;
      }
      for (const head of ["0.0", "3.2", "5.3"]) {
        await page.evaluate((text) => { location.hash = `#1/head?h=${text}`; }, head);
        await page.waitForFunction((text) => document.querySelector("main strong")?.textContent === text, {},
          `layer ${head[0]}, head ${head[2]}`);
        for (const table of await tablesOf(page)) found[files.check({ ...table, title: `head ${head}, ${table.name}`, head })] += table.rows.length;
      }
    });
    assert.ok(found.rows > 300, JSON.stringify(found));
  });

  place.test("numbers: the cells of a head are those of its file, by each method", async () => {
    const { folder, path } = place.small;
    const rows = readCsv(join(folder, "head_bucket_details.csv"));
    for (const method of ["bucket", "counted"]) {
      await place.visit(path, { hash: `#1/head?h=2.1&by=${method}` }, async (page) => {
        const labels = await labelsOf(page, "#cells td[aria-label*=': ']");
        const mine = rows.filter((row) => row.layer === "2" && row.q_head === "1" && row.method === method);
        const shown = labels.map((text) => text.split(": ").at(-1)).filter((text) => !/nothing|window/.test(text));
        assert.equal(shown.length, mine.length);
        for (const row of mine) {
          const label = labels.find((text) => text.startsWith(`queries from ${row.q_from}, keys from ${row.k_from}: `));
          assert.ok(label && same(label.split(": ").at(-1), row.ap_bucket), `${label}, expected ${row.ap_bucket}`);
        }
      });
    }
  });
}
