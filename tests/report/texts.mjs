// Names and texts of others are shown as they are, and never obeyed.
import assert from "node:assert/strict";
import { kHostile } from "./make_analysis.mjs";
import { tour } from "./odd_data.mjs";
import { tablesOf } from "./numbers.mjs";

// What a hostile text would have to become.
const kActive = "img,iframe,object,embed,link,base,form,script[src],[onerror],[onload],a[href^='javascript'],body b";

export function activeNodes(page) {
  return page.$$eval(kActive, (nodes) => nodes.map((node) => node.outerHTML));
}

export function add(place) {
  const csvTexts = kHostile.map((text) => text.replaceAll("\u0000", "").slice(0, 300));
  const nth = (i) => csvTexts[i % csvTexts.length];

  for (const model of ["constructor", "__proto__", kHostile.join(" | ")]) {
    place.test(`texts: model "${model.slice(0, 20)}", hostile notes and warnings`, async () => {
      const name = `hostile-${model.length}`;
      const folder = place.analysis(name, { layers: 3, heads: 4, buckets: 5, model, note: nth, warning: nth });
      await place.visit(place.report(name, [folder]), {}, async (page) => {
        await tour(page, async (view) => {
          await tablesOf(page);
          assert.deepEqual(await activeNodes(page), [], view);
        });
      });
    });
  }

  place.test("texts: hostile titles and names", async () => {
    const titles = [csvTexts.join(" | "), "</title><script>hit()</script>", "constructor"];
    for (const [i, title] of titles.entries()) {
      const path = place.report(`title-${i}`, [place.small.folder], `--title=${title}`, `--names=${title.replaceAll(",", "")}`);
      await place.visit(path, {}, async (page) => {
        const found = await page.evaluate(() => ({ heading: document.querySelector("h1").textContent,
          wide: document.documentElement.scrollWidth > document.documentElement.clientWidth }));
        assert.equal(found.heading, title);
        assert.ok(!found.wide, `"${title.slice(0, 40)}" makes the page wider than the window`);
      });
    }
  });

  place.test("texts: methods and columns named as parts of objects", async () => {
    const folder = place.analysis("objects", { layers: 2, heads: 2, buckets: 3, methods: ["__proto__", "constructor"] });
    await place.visit(place.report("objects", [folder]), {}, (page) => tour(page));
  });

  place.test("texts: folders of the machine are not in the page", async () => {
    await place.visit(place.small.path, {}, async (page) => {
      await tour(page, async () => {
        assert.ok(!(await page.evaluate(() => document.documentElement.textContent)).includes("/home/someone"));
      });
    });
  });
}
