// Every number that is shown is that of a file.
import assert from "node:assert/strict";
import { join } from "node:path";
import { show, viewsOf } from "./browsers.mjs";
import { readCsv } from "./csv.mjs";
import { close, closeInterval, Files, kKeys, same } from "./files.mjs";

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

// What each head of the map is called, and the lines of its tooltip.
function mapOf(page) {
  return page.$$eval("table[role=grid] td[data-head]", (nodes) => nodes.map((node) => {
    node.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    return { head: node.dataset.head, label: node.getAttribute("aria-label"),
      lines: [...document.querySelectorAll(".tip div")].map((line) => line.textContent) };
  }));
}

// Name, value, interval, documents and window of a head.
function checkTip(files, metric, head, [name, value, ...lines]) {
  const { k_head, layer, q_head } = files.rowsOf("head_metrics.csv", head)[0];
  const expected = files.metric(head, metric), [{ documents, window }] = files.rowsOf("head_diagnostics.csv", head);
  const ends = expected.low && lines.shift().replace("95 % interval: ", "");
  assert.equal(name, `layer ${layer}, head ${q_head} (key head ${k_head})`);
  const [shown] = /no value$|[^ ]*/.exec(value.split(": ").at(-1));
  assert.ok(same(shown, expected.value, expected.isWide), `${metric}: "${value}", expected ${expected.value}`);
  assert.ok(closeInterval(ends, [expected.low, expected.high]), `${metric} of ${head}: ${ends}, expected ${expected.low} to ${expected.high}`);
  assert.deepEqual(lines, [`documents: ${documents}`, ...(window ? [`window: ${window} tokens`] : [])]);
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
    const { folder, path } = place.small;
    const files = new Files([folder], place.profiles(folder));
    const rows = files.rowsOf("head_metrics.csv");
    await place.visit(path, { hash: "#1/map" }, async (page) => {
      const options = await page.$$eval("#metric option", (nodes) => nodes.map((node) => node.value));
      const named = [...Object.keys(rows[0]).filter((name) => !kKeys.includes(name)), "window", "position_share",
        "trend:position", "trend:distance", "trend:curve", "method:counted", "ks_distance", "plane_share_beta"];
      assert.deepEqual(named.filter((name) => !options.includes(name)), []);
      for (const metric of options) {
        await page.select("#metric", metric);
        const cells = await mapOf(page);
        assert.equal(cells.length, rows.length);
        for (const { head, label, lines } of cells) {
          const [layer, q_head] = head.split("."), begin = `layer ${layer}, head ${q_head}: `;
          assert.ok(label.startsWith(begin), label);
          files.checkNumber("map", head, metric, "value", label.slice(begin.length));
          checkTip(files, metric, head, lines);
        }
      }
    });
  });

  place.test("numbers: the list shows each metric of each head as the files have it", async () => {
    const { folder, path } = place.small;
    const files = new Files([folder], place.profiles(folder));
    await place.visit(path, { hash: "#1/heads" }, async (page) => {
      for (const metric of await page.$$eval("#metric option", (nodes) => nodes.map((node) => node.value))) {
        await page.select("#metric", metric);
        const titles = await page.$$eval("#heads [role=columnheader]", (nodes) => nodes.map((node) => node.firstElementChild?.id));
        const shown = await listed(page);
        assert.equal(shown.length, files.rowsOf("head_metrics.csv").length);
        for (const [head, cells] of shown) {
          for (const [i, title] of titles.entries()) {
            const [, id] = /^sort-(?!layer|window)(.*)/.exec(title) ?? [];
            if (!id) continue;
            const { value } = files.metric(head, id);
            assert.ok(close(cells[i], value), `${id} of ${head}: ${cells[i]}, expected ${value}`);
          }
        }
      }
    });
  });

  place.test("numbers: every table of every view has the rows of its file", async () => {
    const { folder, path } = place.small;
    const files = new Files([folder], place.profiles(folder));
    let count = 0;
    await place.visit(path, {}, async (page) => {
      for (const view of await viewsOf(page)) {
        await show(page, view);
        for (const table of await tablesOf(page)) count += files.check({ ...table, title: `${view}, ${table.name}`, head: view === "head" ? "0.0" : null });
      }
      for (const head of ["0.0", "3.2", "5.3"]) {
        await page.evaluate((text) => { location.hash = `#1/head?h=${text}`; }, head);
        await page.waitForFunction((text) => document.querySelector("main strong")?.textContent === text, {},
          `layer ${head[0]}, head ${head[2]}`);
        for (const table of await tablesOf(page)) count += files.check({ ...table, title: `head ${head}, ${table.name}`, head });
      }
    });
    assert.ok(count > 300, `${count} rows`);
  });

  place.test("numbers: limits of colours are those that are typed, around 0 where there are two signs", async () => {
    const fieldsOf = (page) => page.$$eval("#limit-0, #limit-1", (nodes) => nodes.map((node) => node.valueAsNumber));
    const type = (page, at, value) => page.$eval(`#limit-${at}`, (node, text) => {
      node.value = text;
      node.dispatchEvent(new Event("change", { bubbles: true }));
    }, String(value));
    await place.visit(place.small.path, { hash: "#1/map?m=trend:position" }, async (page) => {
      const [low, high] = await fieldsOf(page);
      assert.equal(low, -high);
      for (const [at, value] of [[0, -high / 4], [1, high / 2]]) {
        await type(page, at, value);
        assert.ok((await fieldsOf(page)).every((end, i) => close(String(end), [-1, 1][i] * Math.abs(value))));
      }
      await show(page, "overview");
      await page.evaluate(() => { location.hash = "#1/map?m=ap_overall&c=0.2~0.6"; });
      await page.waitForSelector("#limit-1");
      await type(page, 1, 0.5);
      assert.deepEqual(await fieldsOf(page), [0.2, 0.5]);
    });
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
