// The numbers that no file has as they are shown: each from the files, by the formula that the page states.
import assert from "node:assert/strict";

const kQuantiles = 129;

const density = (x) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

// No residual lies below: as far from the first quantile as that from the second.
const lowest = (quantiles) => 2 * quantiles[0] - quantiles[1];

// The share of the residuals below x: straight lines through the quantiles.
function below(quantiles, x) {
  const levels = quantiles.map((value, i) => [value, (i + 0.5) / quantiles.length]);
  const corners = [[lowest(quantiles), 0], ...levels, [2 * quantiles.at(-1) - quantiles.at(-2), 1]];
  const after = corners.findIndex(([value]) => value > x);
  if (after <= 0) return after === 0 ? 0 : 1;
  const [[x0, y0], [x1, y1]] = corners.slice(after - 1, after + 1);
  return y0 + (y1 - y0) * (x - x0) / (x1 - x0);
}

// The mean difference of two heads of a layer that share a key head, or that do not.
function meanDifference(rows, layer, together) {
  const heads = rows.filter((row) => Number(row.layer) === layer && row.ap_overall !== "");
  const found = heads.flatMap((one, i) => heads.slice(i + 1).filter((other) => (one.k_head === other.k_head) === together)
    .map((other) => Math.abs(one.ap_overall - other.ap_overall)));
  return found.reduce((sum, value) => sum + value, 0) / found.length;
}

// What the pairs up to a wavelength add to the position share of the head.
function addedUp({ rope_pairs: all }, wavelength) {
  const product = (row, name) => (row.variance_share === "" || row[name] === "" ? 0 : row.variance_share * row[name]);
  const sum = (rows, value) => rows.reduce((total, row) => total + value(row), 0);
  const chance = sum(all, (row) => product(row, "floor"));
  const shorter = all.filter((row) => row.pair !== "" && Number(row.wavelength) <= wavelength * (1 + 1e-6));
  return sum(shorter, (row) => product(row, "bucket_R2") - product(row, "floor")) / (1 - chance);
}

// The first bucket of the drift is in no file: the means over all queries are 0.
export function firstBucket({ heads: [head], positions }) {
  const rows = positions.filter((row) => row.method === positions[0].method && row.reach === "");
  const sum = (value) => rows.reduce((total, row) => total + row.queries * value(row), 0);
  const queries = head.n_q_tokens - sum(() => 1);
  const [{ q_bucket: bucket, position_from: from }] = rows;
  return { q_bucket: bucket - 1, position_from: 0, position_to: from - 1, queries,
    drift_mean: -sum((row) => row.drift_mean) / queries, drift_line: -sum((row) => row.drift_line) / queries };
}

// By title and column: (tables of the head, row, its number, all rows). `profile` is of head_profiles.parquet.
const kFormulas = {
  "Spread within and between groups": {
    within: (of, row) => meanDifference(of.all_heads, row.layer, true),
    between: (of, row) => meanDifference(of.all_heads, row.layer, false),
  },
  "Share explained, by RoPE pair": { cumulative: (of, row) => addedUp(of, row.wavelength) },
  "Added up from short wavelengths on": { cumulative: (of, row) => addedUp(of, row.wavelength) },
  "Histogram of residuals": {
    from: (of, row, i, rows) => (i > 0 ? rows[i - 1].to : below(of.profile.residual_quantiles, row.from) < 0.01 ? row.from : -Infinity),
    to: (of, row, i, rows) => (i + 1 < rows.length || below(of.profile.residual_quantiles, row.to) > 0.99 ? row.to : Infinity),
    density: (of, row) => (below(of.profile.residual_quantiles, row.to) - below(of.profile.residual_quantiles, row.from)) / (row.to - row.from),
    normal: (of, row) => density((row.from + row.to) / 2),
  },
  "Residuals against normal": {
    level: (of, row, i) => (i + 0.5) / kQuantiles,
    normal: (of, row, i) => of.normal[i],
    residual: (of, row, i) => of.profile.residual_quantiles[i],
  },
};

export const derivedColumns = (title) => Object.keys(kFormulas[title] ?? {});

// `of`: rows of the head by table, its profile, and the quantiles of the normal distribution.
export function checkDerived(title, columns, rows, of) {
  const numbers = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
  for (const [i, row] of numbers.entries()) {
    for (const [name, formula] of Object.entries(kFormulas[title])) {
      const expected = formula(of, row, i, numbers);
      const close = Number.isNaN(row[name]) ? Number.isNaN(expected) : Math.abs(row[name] - expected) <= 1e-7 + 2e-6 * Math.abs(expected);
      assert.ok(close, `${title}, row ${i}: ${name} is ${row[name]}, expected ${expected}`);
    }
  }
}
