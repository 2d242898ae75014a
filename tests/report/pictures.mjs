// The pictures of docs/report.md:
//   node pictures.mjs REPORT COMPARISON FOLDER
// REPORT is a page of one analysis, COMPARISON one of two. Written are FOLDER/overview.png and so on.
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, show, start, viewsOf } from "./browsers.mjs";

const kHeights = { overview: 1100, map: 860, heads: 760, relations: 820, positions: 1000, distance: 900, head: 1450,
  groups: 1000, compare: 1200, method: 900 };
const kWidth = 1200;

async function draw(browser, path, views, folder) {
  const { page, close } = await open(browser, path, { width: kWidth, height: 900 });
  for (const view of (await viewsOf(page)).filter((view) => views(view))) {
    await page.setViewport({ width: kWidth, height: kHeights[view] });
    await show(page, view);
    // Charts are drawn when they come near.
    await new Promise((done) => setTimeout(done, 1500));
    await page.screenshot({ path: join(folder, `${view}.png`) });
  }
  await close();
}

const [report, comparison, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await start("chrome", tmpdir());
await draw(browser, report, (view) => view !== "compare", folder);
await draw(browser, comparison, (view) => view === "compare", folder);
await browser.close();
