// The page of `qkscope report` in real browsers, over analyses with made-up numbers.
//
//   node browser_test.mjs QKSCOPE FOLDER [PATTERN]     names of tests that have PATTERN in them; !PATTERN: those that
//                                                have not; default: all
//
// FOLDER keeps the pages and the screenshots. Exit code 77: a browser or a package is not installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [program, folder, pattern = ""] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node browser_test.mjs QKSCOPE FOLDER [PATTERN]");
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
if (!existsSync(join(here, "node_modules/puppeteer-core/package.json"))) {
  console.log("skipped: there is no puppeteer-core (tools/setup --check)");
  process.exit(77);
}
const { findBrowser } = await import("./browsers.mjs");
const absent = ["chrome", "firefox"].filter((kind) => !findBrowser(kind));
if (absent.length) {
  console.log(`skipped: not installed: ${absent.join(", ")} (Debian: chromium, firefox-esr)`);
  process.exit(77);
}
if (spawnSync("python3", [join(here, "profiles.py"), "check"]).status !== 0) {
  console.log("skipped: there is no pyarrow");
  process.exit(77);
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, "pictures"), { recursive: true });
const { Workplace } = await import("./workplace.mjs");
const place = new Workplace(resolve(program), resolve(folder), pattern);
const kParts = ["numbers", "profiles", "odd_data", "texts", "access", "address", "exports", "frames", "compare", "budgets", "firefox"];
for (const name of kParts) {
  if (existsSync(join(here, `${name}.mjs`))) (await import(`./${name}.mjs`)).add(place);
}
await place.run();
